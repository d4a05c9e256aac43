"""Images: any size, grey or colour, as files, encoded bytes or pixels."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl
from PIL import Image, ImageOps

from lamina.features import photographs
from lamina.features.base import Arrays, Feature
from lamina.features.media import decoded, release, room, sampled

SAMPLE = 256  # images looked at to choose size and channels
LARGEST_SIDE = 64  # pixels; larger pictures are reduced to this before the network
FEW, FEW_SIDE = 20_000, 96  # up to so many rows of colour pictures are reduced to this: time is enough
MOST_PIXELS = 64_000_000  # of one file, checked before it is decoded
MOST_LINEAR = 14  # pixels per side that the linear baseline sees
COPIED = 10_000  # pictures given as pixels that are copied at once


@dataclass(frozen=True)
class ImageFeature(Feature):
    """One image column → uint8 ``(rows, channels, height, width)`` and ``name.present``, bool ``(rows,)``.

    Size and channels are chosen on training rows: the size they all share where it is at most
    ``LARGEST_SIDE`` (``FEW_SIDE`` for few pictures with colour), else their median shape reduced to that; one
    channel where none has colour.
    Transparency is laid on white, EXIF rotation is applied, 16-bit pixels are scaled to 8. A missing or
    broken picture is black with ``present`` false. ``mean`` and ``spread`` (0 to 255, per channel)
    normalise in the network. With ``pretrained`` a network trained on photographs reads them, which are then
    kept up to its size; with ``whole`` every pixel matters, for answers that are masks, whose ``size``
    (height, width) the pictures then take.
    """

    kind: ClassVar[str] = "image"
    name: str
    columns: tuple[str, ...]
    channels: int
    height: int
    width: int
    mean: tuple[float, ...]
    spread: tuple[float, ...]
    pretrained: bool = False
    whole: bool = False

    @classmethod
    def fit(
        cls,
        name: str,
        frame: pl.DataFrame,
        columns: Sequence[str],
        side: int | None = None,
        pretrained: bool | None = None,
        whole: bool = False,
        size: tuple[int, int] | None = None,
    ) -> Self:
        cells = sampled(frame[columns[0]], SAMPLE)
        sample = [image for cell in cells if (image := open_picture(cell)) is not None]
        sizes = [each.size[::-1] for each in sample]
        channels = 3 if any(has_colour(each) for each in sample) else 1
        longest = float(np.median(np.array(sizes), axis=0).max()) if sizes else 0.0
        looked_at = photographs.wanted(pretrained, rows=frame.height, side=longest, colour=channels == 3)
        largest = FEW_SIDE if channels == 3 and frame.height <= FEW else LARGEST_SIDE
        largest = photographs.LARGEST_SIDE if looked_at else largest
        height, width = size or common_size(sizes, side, largest)
        pixels = np.stack(
            [pixels_of(each, channels, height, width) for each in sample]
            or [np.zeros((channels, height, width), np.uint8)]
        )
        mean = pixels.mean((0, 2, 3))
        spread = np.maximum(pixels.std((0, 2, 3)), 1.0)
        return cls(
            name, tuple(columns), channels, height, width,
            tuple(map(float, mean)), tuple(map(float, spread)), looked_at, whole,
        )  # fmt: skip

    def transform(self, frame: pl.DataFrame) -> Arrays:
        series = frame[self.columns[0]]
        direct = self._direct(series)
        if direct is not None:
            return direct
        pixels, present = decoded(series, self._shape, self._decode, title="reading pictures")
        return {self.name: pixels, f"{self.name}.present": present}

    @property
    def _shape(self) -> tuple[int, int, int]:
        return self.channels, self.height, self.width

    @property
    def row_bytes(self) -> int:
        return self.channels * self.height * self.width

    def _decode(self, cell: Any) -> np.ndarray | None:
        image = open_picture(cell)
        return None if image is None else pixels_of(image, *self._shape)

    def _direct(self, series: pl.Series) -> Arrays | None:
        """Pixels of the wanted shape are taken as they are, without a picture in between."""
        if not isinstance(series.dtype, pl.Array) or series.null_count():
            return None
        raw = series.to_numpy()
        raw = raw[..., None] if raw.ndim == 3 else raw
        if raw.dtype != np.uint8 or raw.shape[1:] != (self.height, self.width, self.channels):
            return None
        # A copy: torch warns of memory it must not write to
        pixels = room((len(raw), *self._shape))
        for start in range(0, len(raw), COPIED):
            pixels[start : start + COPIED] = raw[start : start + COPIED].transpose(0, 3, 1, 2)
            release(pixels)
        return {self.name: pixels, f"{self.name}.present": np.ones(len(raw), bool)}

    def extend(self, frame: pl.DataFrame) -> Self:
        return self

    @property
    def linear_width(self) -> int:
        tall, wide = self._cell
        return self.channels * (self.height // tall) * (self.width // wide)

    def linear(self, arrays: Arrays) -> np.ndarray:
        """Pixels averaged over cells, -1 to 1."""
        pixels, (tall, wide) = arrays[self.name], self._cell
        down, across = self.height // tall, self.width // wide
        cut = pixels[:, :, : down * tall, : across * wide]
        small = cut.reshape(len(cut), self.channels, down, tall, across, wide).mean((3, 5), dtype=np.float32)
        return (small / 127.5 - 1).reshape(len(cut), -1)

    @property
    def _cell(self) -> tuple[int, int]:
        return -(-self.height // MOST_LINEAR), -(-self.width // MOST_LINEAR)

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "columns": list(self.columns),
            "channels": self.channels,
            "height": self.height,
            "width": self.width,
            "mean": list(self.mean),
            "spread": list(self.spread),
            "pretrained": self.pretrained,
            "whole": self.whole,
        }

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> Self:
        return cls(
            str(state["name"]),
            tuple(state["columns"]),
            int(state["channels"]),
            int(state["height"]),
            int(state["width"]),
            tuple(map(float, state["mean"])),
            tuple(map(float, state["spread"])),
            bool(state.get("pretrained", False)),
            bool(state.get("whole", False)),
        )

    def describe(self) -> str:
        colour = "colour" if self.channels == 3 else "grey"
        return f"image: {self.columns[0]}, read as {self.height} × {self.width} {colour} pixels"


def open_picture(cell: Any) -> Image.Image | None:
    """A cell as an upright picture of 8 bits, grey or colour; None where it cannot be decoded."""
    # A hostile or broken file can raise nearly anything from a decoder: all of it means "broken".
    try:
        if isinstance(cell, pl.Series | np.ndarray | list):
            pixels = np.asarray(cell, np.uint8)
            single = pixels.ndim == 3 and pixels.shape[2] == 1
            return upright(Image.fromarray(pixels[..., 0] if single else pixels))
        with Image.open(io.BytesIO(cell) if isinstance(cell, bytes) else cell) as image:
            if image.width * image.height > MOST_PIXELS:
                return None
            image.load()
            return upright(image)
    except Exception:
        return None


def upright(image: Image.Image) -> Image.Image:
    """EXIF rotation applied, depth brought to 8 bits, transparency laid on white, palette resolved."""
    if image.getexif():
        image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I") or image.mode == "F":
        return _eight_bits(image)
    if "A" in image.getbands() or "transparency" in image.info:
        opaque = Image.new("RGBA", image.size, "white")
        opaque.alpha_composite(image.convert("RGBA"))
        return opaque.convert("RGB")
    return image if image.mode in ("L", "RGB") else image.convert("L" if image.mode == "1" else "RGB")


def _eight_bits(image: Image.Image) -> Image.Image:
    values = np.asarray(image).astype(np.float64)
    # A 16-bit file by name or by content; values that fit 8 bits are left as they are.
    top = 255.0 if values.max(initial=0) <= 255 else 65535.0
    if image.mode == "F" and values.max(initial=0) <= 1.0:
        top = 1.0
    return Image.fromarray(np.clip(values / top * 255.0, 0, 255).astype(np.uint8))


def has_colour(image: Image.Image) -> bool:
    """Whether a picture is more than grey."""
    if image.mode == "L":
        return False
    rgb = np.asarray(image.convert("RGB")).astype(np.int16)
    # JPEG stores grey pictures with channels a shade apart
    return bool(np.abs(rgb - rgb.mean(2, keepdims=True)).mean() > 1.0)


def common_size(
    sizes: Sequence[tuple[int, int]], side: int | None, largest: int = LARGEST_SIDE
) -> tuple[int, int]:
    """(height, width) for all: what they share, or their median shape.

    The longer side becomes ``side`` where it is given, else at most ``largest``.
    """
    if not sizes:
        return side or 32, side or 32
    height, width = (float(each) for each in np.median(np.array(sizes), axis=0))
    longest = max(height, width)
    scale = side / longest if side else min(1.0, largest / longest)
    return max(1, round(height * scale)), max(1, round(width * scale))


def pixels_of(image: Image.Image, channels: int, height: int, width: int) -> np.ndarray:
    """uint8 ``(channels, height, width)``."""
    mode = "RGB" if channels == 3 else "L"
    image = image if image.mode == mode else image.convert(mode)
    if image.size != (width, height):
        image = image.resize((width, height), Image.Resampling.BICUBIC, reducing_gap=3.0)
    pixels = np.asarray(image)
    return pixels[None] if channels == 1 else pixels.transpose(2, 0, 1)
