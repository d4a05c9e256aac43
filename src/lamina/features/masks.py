"""Masks: pictures whose pixels are names. Opened without smoothing, their values left as they are."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import polars as pl
from PIL import Image

from lamina.features.image import MOST_PIXELS

BRIGHT = 128  # grey from here on belongs to the mask, where a mask has too many values to be names


def open_mask(cell: Any) -> np.ndarray | None:
    """A cell as whole numbers ``(height, width)``; None where it cannot be decoded.

    Grey and palette pictures give their values, colour ones ``red · 65536 + green · 256 + blue``; of
    transparent ones the colours count.
    """
    # A hostile or broken file can raise nearly anything from a decoder: all of it means "broken".
    try:
        if isinstance(cell, pl.Series | np.ndarray | list):
            return _named(np.asarray(cell))
        with Image.open(io.BytesIO(cell) if isinstance(cell, bytes) else cell) as image:
            if image.width * image.height > MOST_PIXELS:
                return None
            if image.mode in ("L", "P") or image.mode.startswith("I"):
                return _named(np.asarray(image))
            return _named(np.asarray(image.convert("L" if image.mode in ("1", "LA") else "RGB")))
    except Exception:
        return None


def _named(pixels: np.ndarray) -> np.ndarray:
    """Colours as one number each; a colour picture that is grey throughout as grey."""
    values = pixels.astype(np.int64)
    if values.ndim == 3 and values.shape[2] >= 3:
        red, green, blue = values[..., 0], values[..., 1], values[..., 2]
        grey = np.array_equal(red, green) and np.array_equal(green, blue)
        return red if grey else red * 65536 + green * 256 + blue
    return values[..., 0] if values.ndim == 3 else values


def resized(mask: np.ndarray, height: int, width: int) -> np.ndarray:
    """The nearest pixels: between two names there is no third."""
    if mask.shape == (height, width):
        return mask
    rows = ((np.arange(height) + 0.5) * mask.shape[0] / height).astype(np.int64)
    columns = ((np.arange(width) + 0.5) * mask.shape[1] / width).astype(np.int64)
    nearest: np.ndarray = mask[rows[:, None], columns]
    return nearest


def as_png(mask: np.ndarray) -> bytes:
    """Whole numbers ``(height, width)`` as an encoded picture, grey or colour, as ``open_mask`` reads it."""
    file = io.BytesIO()
    if mask.max(initial=0) > 255:
        colours = np.stack([mask >> 16, (mask >> 8) & 255, mask & 255], axis=-1)
        Image.fromarray(colours.astype(np.uint8)).save(file, "PNG")
    else:
        Image.fromarray(mask.astype(np.uint8)).save(file, "PNG")
    return file.getvalue()
