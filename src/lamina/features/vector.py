"""Vectors: equally many numbers in every cell, such as an embedding made elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl

from lamina.data.lists import LONGEST_VECTOR
from lamina.features.base import Arrays, Feature, with_missing

FARTHEST = 10.0  # standard deviations: what lies farther out is laid there


@dataclass(frozen=True)
class VectorFeature(Feature):
    """One column of lists of equal length → float32 ``(rows, length)``, NaN where missing.

    Every place of the vector is centred on its mean and divided by its standard deviation over training rows,
    and cut at ``FARTHEST``. A missing number inside a vector counts as missing alone.
    """

    kind: ClassVar[str] = "vector"
    enough: ClassVar[int | None] = 100_000
    name: str
    columns: tuple[str, ...]
    mean: tuple[float, ...]
    spread: tuple[float, ...]

    @classmethod
    def fit(cls, name: str, frame: pl.DataFrame, columns: Sequence[str]) -> Self:
        cells = frame[columns[0]].drop_nulls()
        lengths = cells.list.len().to_numpy().astype(np.int64)
        length = max(1, int(np.bincount(lengths).argmax())) if len(lengths) else 1
        values = np.clip(_matrix(frame[columns[0]], length), -1e150, 1e150)
        there = np.isfinite(values)
        count = np.maximum(there.sum(0), 1)
        mean = np.where(there, values, 0.0).sum(0) / count
        spread = np.sqrt(np.where(there, (values - mean) ** 2, 0.0).sum(0) / count)
        spread = np.where(np.isfinite(spread) & (spread > 1e-12), spread, 1.0)
        return cls(name, tuple(columns), tuple(map(float, mean)), tuple(map(float, spread)))

    @property
    def length(self) -> int:
        """How many numbers a vector has."""
        return len(self.mean)

    def transform(self, frame: pl.DataFrame) -> Arrays:
        values = _matrix(frame[self.columns[0]], self.length)
        with np.errstate(over="ignore"):
            standard = (values - np.array(self.mean)) / np.array(self.spread)
        return {self.name: np.clip(standard, -FARTHEST, FARTHEST).astype(np.float32)}

    def extend(self, frame: pl.DataFrame) -> Self:
        return self  # the scale is fixed by the first training, so that old answers stay

    @property
    def row_bytes(self) -> int:
        return 4 * self.length

    @property
    def linear_width(self) -> int:
        return 2 * self.length

    def linear(self, arrays: Arrays) -> np.ndarray:
        return with_missing(arrays[self.name])

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "columns": list(self.columns),
            "mean": list(self.mean),
            "spread": list(self.spread),
        }

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> Self:
        mean, spread = tuple(map(float, state["mean"])), tuple(map(float, state["spread"]))
        if not 1 <= len(mean) == len(spread) <= LONGEST_VECTOR:
            raise ValueError(f"vectors of {len(mean):,} numbers with {len(spread):,} spreads")
        return cls(str(state["name"]), tuple(state["columns"]), mean, spread)

    def describe(self) -> str:
        return f"vector: {self.columns[0]}, {self.length:,} numbers"


def _matrix(cells: pl.Series, length: int) -> np.ndarray:
    """Float64 ``(rows, length)``; NaN for a cell that is missing or of another length."""
    out = np.full((len(cells), length), np.nan)
    if len(cells):
        fits = (cells.list.len() == length).fill_null(False)
        values = cells.filter(fits).explode().cast(pl.Float64).to_numpy()
        out[fits.to_numpy()] = np.where(np.isfinite(values), values, np.nan).reshape(-1, length)
    return out
