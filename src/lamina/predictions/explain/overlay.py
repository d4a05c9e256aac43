"""Maps of contributions as pictures: red spoke for the answer, blue against it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from PIL import Image

from lamina.errors import OutputError
from lamina.files import written_whole
from lamina.predictions.explain.records import Inside
from lamina.training.fitted import Fitted

LEAST_SIDE = 320  # pixels of the shorter side of what is written
FOR, AGAINST = np.array([214.0, 39.0, 40.0]), np.array([31.0, 119.0, 180.0])
STRONG = 99.0  # percentile of the contributions that gets the full colour
PALE = 0.35  # of the contrast is left of the picture beneath


def write_overlays(
    fitted: Fitted, frame: pl.DataFrame, inside: Sequence[Inside], folder: str | Path
) -> list[Path]:
    """One PNG per record with a map: ``row-0-photo-1.png``, the answers of a row counted from 1.

    Raises OutputError where the folder cannot be made or written to.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"The folder {folder} cannot be made: {error.strerror or error}.",
            "Name another place for the pictures.",
            path=str(folder),
        ) from error
    found, counts = list[Path](), dict[tuple[int, str], int]()
    for one in inside:
        if not one.map:
            continue
        number = counts[one.row, one.column] = counts.get((one.row, one.column), 0) + 1
        column = re.sub(r"[^\w.-]+", "_", one.column)[:60]
        path = folder / f"row-{one.row}-{column}-{number}.png"
        with written_whole(path) as waiting:
            shares = np.array(one.map)
            upright = shares[::-1] if one.kind == "audio" else shares  # high sounds on top
            overlay(_beneath(fitted, frame, one), upright).save(waiting, format="PNG")
        found.append(path)
    return found


def overlay(picture: np.ndarray | None, shares: np.ndarray) -> Image.Image:
    """A map ``(down, across)`` over a picture, uint8 ``(height, width, 3)``, or over white."""
    height, width = (picture if picture is not None else shares).shape[:2]
    scale = max(1, -(-LEAST_SIDE // min(height, width)))
    size = (width * scale, height * scale)
    under = np.full((size[1], size[0], 3), 255.0)
    if picture is not None:
        grey = np.asarray(Image.fromarray(picture).convert("L").resize(size, Image.Resampling.NEAREST))
        under = 255 - PALE * (255 - np.repeat(grey[..., None].astype(np.float64), 3, axis=2))
    strength = np.clip(np.abs(shares) / max(float(np.percentile(np.abs(shares), STRONG)), 1e-30), 0, 1)
    alpha = np.asarray(Image.fromarray(strength.astype(np.float32)).resize(size, Image.Resampling.NEAREST))
    sign = np.asarray(Image.fromarray(shares.astype(np.float32)).resize(size, Image.Resampling.NEAREST))
    colour = np.where(sign[..., None] > 0, FOR, AGAINST)
    mixed = under + 0.85 * alpha[..., None] * (colour - under)
    return Image.fromarray(mixed.round().astype(np.uint8))


def _beneath(fitted: Fitted, frame: pl.DataFrame, one: Inside) -> np.ndarray | None:
    """The picture as the network read it, of a clip the frame in the middle; None for a recording."""
    feature: Any = next(each for each in fitted.features if one.column in each.columns)
    if one.kind == "audio":
        return None
    pixels = feature.transform(frame[one.row])[feature.name][0]
    pixels = pixels[len(pixels) // 2] if one.kind == "video" else pixels
    shown = np.repeat(pixels, 3 // len(pixels), axis=0).transpose(1, 2, 0)
    return np.ascontiguousarray(shown)
