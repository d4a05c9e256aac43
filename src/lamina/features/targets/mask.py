"""A target that is a mask: for every pixel of a picture, what it shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl

from lamina.errors import TargetError
from lamina.features.image import LARGEST_SIDE, common_size
from lamina.features.masks import BRIGHT, as_png, open_mask, resized
from lamina.features.media import sampled
from lamina.features.targets.base import Target
from lamina.features.targets.told import Column, Numbers, Told
from lamina.scores.masks import UNKNOWN, mask_scores
from lamina.scores.ranking import Scores

SAMPLE = 512  # masks looked at to find size and values
MOST_VALUES = 64  # more different ones are shades, not names


@dataclass(frozen=True)
class MaskTarget(Target):
    """Masks ↔ codes of their pixels' values, 0, 1, 2, …, in the order of ``values``.

    Answers are uint8 ``(rows, height · width)``, ``UNKNOWN`` where a mask is broken or a value was never
    seen. Decoded are float32 ``(rows, 2 · height · width)``: the codes, then the probability of each.
    """

    column: str
    height: int
    width_px: int
    values: tuple[int, ...]

    answer: ClassVar[str] = "mask"
    simplest: ClassVar[str] = "majority"
    frames: ClassVar[bool] = True
    source: ClassVar[str] = "image"

    @classmethod
    def fit(cls, frame: pl.DataFrame, column: str, form: Mapping[str, Any] | None = None) -> Self:
        cells = sampled(frame[column], SAMPLE)
        masks = [mask for cell in cells if (mask := open_mask(cell)) is not None]
        values = np.unique(np.concatenate([np.unique(mask) for mask in masks] or [np.zeros(0, np.int64)]))
        if len(values) > MOST_VALUES:
            values = np.array([0, 255])
        if len(values) < 2:
            what = f"are {values[0]} throughout" if len(values) else "cannot be read"
            raise TargetError(
                f"The masks in {column!r} {what}: there is nothing to tell apart.",
                "Bring masks whose pixels have at least two values, or name another target.",
                column=column,
            )
        height, width = common_size(
            [mask.shape[:2] for mask in masks], (form or {}).get("side"), LARGEST_SIDE
        )
        return cls(column, height, width, tuple(int(value) for value in values))

    def read(self, series: pl.Series) -> np.ndarray:
        """uint8 ``(rows, height · width)``."""
        answers = np.full((len(series), self.height * self.width_px), UNKNOWN, np.uint8)
        for row, cell in enumerate(series):
            mask = None if cell is None else open_mask(cell)
            if mask is not None:
                answers[row] = self._codes(resized(mask, self.height, self.width_px)).ravel()
        return answers

    def _codes(self, mask: np.ndarray) -> np.ndarray:
        if self.values == (0, 255):  # a black and white mask, perhaps with shades at its edges
            return (mask >= BRIGHT).astype(np.uint8)
        places = np.searchsorted(self.values, mask).clip(max=len(self.values) - 1)
        codes: np.ndarray = np.where(np.array(self.values)[places] == mask, places, UNKNOWN).astype(np.uint8)
        return codes

    @property
    def picture(self) -> tuple[int, int]:
        return self.height, self.width_px

    @property
    def pixels(self) -> int:
        """How many pixels a mask has."""
        return self.height * self.width_px

    @property
    def scores(self) -> int:
        """Of every pixel: one per value."""
        return len(self.values)

    @property
    def width(self) -> int:
        return 2 * self.pixels

    @property
    def answer_width(self) -> int:
        return self.pixels

    def spec(self) -> dict[str, Any]:
        return {"height": self.height, "width": self.width_px}

    def constant(self, answers: np.ndarray) -> np.ndarray:
        """The most common value of every pixel, and how common it is."""
        counts = np.stack([(answers == code).sum(0) for code in range(len(self.values))])
        share = counts.max(0) / np.maximum(counts.sum(0), 1)
        return np.concatenate([counts.argmax(0), share]).astype(np.float32)

    def loss_of_constant(self, answers: np.ndarray) -> float:
        """The entropy of the values' shares."""
        shares = np.bincount(answers[answers != UNKNOWN], minlength=len(self.values)) / max(answers.size, 1)
        return float(-(shares * np.log(np.where(shares > 0, shares, 1))).sum())

    def judge(self, decoded: np.ndarray, answers: np.ndarray) -> Scores:
        """``iou``, ``pixel_accuracy`` and the IoU of every value."""
        return mask_scores(decoded[:, : self.pixels], answers, self.values)

    def error(self, decoded: np.ndarray, answers: np.ndarray) -> float:
        return 1 - self.judge(decoded, answers)["iou"]

    def told(
        self,
        decoded: np.ndarray,
        answered: np.ndarray,
        *,
        probabilities: bool | None = None,
        several: bool = False,
    ) -> list[Told]:
        """``predicted_<target>``, encoded PNG pictures with the values of the training masks, and the mean
        ``probability`` of their pixels."""
        values = np.array(self.values)[decoded[:, : self.pixels].astype(np.int64)]
        files = [
            as_png(mask.reshape(self.height, self.width_px)) if known else None
            for mask, known in zip(values, answered, strict=True)
        ]
        name = f"probability_{self.column}" if several else "probability"
        return [
            Column(pl.Series(f"predicted_{self.column}", files, dtype=pl.Binary)),
            Numbers(name, decoded[:, self.pixels :].mean(1), answered),
        ]

    def describe(self) -> str:
        return (
            f"{self.column!r}, masks of {self.height} × {self.width_px} pixels with {len(self.values)} values"
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "answer": self.answer,
            "column": self.column,
            "height": self.height,
            "width": self.width_px,
            "values": list(self.values),
        }

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> Self:
        values = tuple(int(value) for value in state["values"])
        height, width = int(state["height"]), int(state["width"])
        if not 2 <= len(values) <= MOST_VALUES or list(values) != sorted(set(values)):
            raise ValueError("the values of a mask rise")
        if not 1 <= height * width <= 1 << 24 or height < 1:
            raise ValueError("a mask has a size")
        return cls(str(state["column"]), height, width, values)
