"""Video: clips of any length and size, as files or encoded bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl
from PIL import Image

from lamina.features.base import Arrays, Feature
from lamina.features.clips import read_clip
from lamina.features.image import common_size, has_colour
from lamina.features.media import decoded, sampled

SAMPLE = 32  # clips looked at to choose size, frames and channels
MOST_FRAMES, LEAST_FRAMES = 16, 2
LINEAR_FRAMES, LINEAR_CELLS = 4, 8  # the linear baseline sees so many frames of so many cells per side
LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # grey of red, green and blue, as Pillow weighs them


@dataclass(frozen=True)
class VideoFeature(Feature):
    """One video column → uint8 ``(rows, frames, channels, height, width)`` and ``name.present``, bool.

    Frames are evenly spaced over the whole clip, the first and the last among them: as many as half of the
    training clips have, at most ``MOST_FRAMES``. Size and channels are chosen as for pictures. A missing or
    broken clip is black with ``present`` false. ``mean`` and ``spread`` (0 to 255, per channel) normalise in
    the network.
    """

    kind: ClassVar[str] = "video"
    name: str
    columns: tuple[str, ...]
    frames: int
    channels: int
    height: int
    width: int
    mean: tuple[float, ...]
    spread: tuple[float, ...]

    @classmethod
    def fit(cls, name: str, frame: pl.DataFrame, columns: Sequence[str], side: int | None = None) -> Self:
        cells = sampled(frame[columns[0]], SAMPLE)
        sample = [clip for cell in cells if (clip := read_clip(cell, MOST_FRAMES, _thumbnail)) is not None]
        height, width = common_size([(each.height, each.width) for each in sample], side)
        length = int(np.median([each.length for each in sample] or [MOST_FRAMES]))
        middles = [Image.fromarray(each.frames[len(each.frames) // 2]) for each in sample]
        channels = 3 if any(map(has_colour, middles)) else 1
        values = [_channels(each.frames, channels).reshape(-1, channels) for each in sample]
        seen = np.concatenate(values or [np.zeros((1, channels), np.uint8)])
        return cls(
            name, tuple(columns), min(max(length, LEAST_FRAMES), MOST_FRAMES), channels, height, width,
            tuple(map(float, seen.mean(0))), tuple(map(float, np.maximum(seen.std(0), 1.0))),
        )  # fmt: skip

    def transform(self, frame: pl.DataFrame) -> Arrays:
        shape = (self.frames, self.channels, self.height, self.width)
        clips, present = decoded(frame[self.columns[0]], shape, self._decode, title="reading clips")
        return {self.name: clips, f"{self.name}.present": present}

    def _decode(self, cell: Any) -> np.ndarray | None:
        clip = read_clip(cell, self.frames, lambda height, width: (self.height, self.width))
        return None if clip is None else _channels(clip.frames, self.channels).transpose(0, 3, 1, 2)

    def extend(self, frame: pl.DataFrame) -> Self:
        return self

    @property
    def row_bytes(self) -> int:
        return self.frames * self.channels * self.height * self.width

    @property
    def linear_width(self) -> int:
        shown = len(range(0, self.frames, self._every))
        down, across = (min(LINEAR_CELLS, side) for side in (self.height, self.width))
        return shown * self.channels * down * across

    @property
    def _every(self) -> int:
        return -(-self.frames // LINEAR_FRAMES)

    def linear(self, arrays: Arrays) -> np.ndarray:
        """Some frames, averaged over cells, -1 to 1."""
        clips: np.ndarray = arrays[self.name][:, :: self._every].astype(np.float32)
        for axis, side in ((3, self.height), (4, self.width)):
            starts = np.linspace(0, side, min(LINEAR_CELLS, side), endpoint=False).astype(int)
            sizes = np.diff([*starts, side]).reshape([-1 if a == axis else 1 for a in range(5)])
            clips = np.add.reduceat(clips, starts, axis=axis) / sizes
        return (clips / 127.5 - 1).reshape(len(clips), -1).astype(np.float32)

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "columns": list(self.columns),
            "frames": self.frames,
            "channels": self.channels,
            "height": self.height,
            "width": self.width,
            "mean": list(self.mean),
            "spread": list(self.spread),
        }

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> Self:
        return cls(
            str(state["name"]),
            tuple(state["columns"]),
            int(state["frames"]),
            int(state["channels"]),
            int(state["height"]),
            int(state["width"]),
            tuple(map(float, state["mean"])),
            tuple(map(float, state["spread"])),
        )

    def describe(self) -> str:
        colour = "colour" if self.channels == 3 else "grey"
        size = f"{self.height} × {self.width}"
        return f"video: {self.columns[0]}, read as {self.frames} frames of {size} {colour} pixels"


def _thumbnail(height: int, width: int) -> tuple[int, int]:
    return common_size([(height, width)], None)


def _channels(frames: np.ndarray, channels: int) -> np.ndarray:
    """uint8 ``(…, 3)`` → ``(…, channels)``."""
    return frames if channels == 3 else (frames @ LUMA).round().astype(np.uint8)[..., None]
