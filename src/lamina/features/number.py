"""Numbers: robust to outliers, missing as a signal of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl

from lamina.features.base import Arrays, Feature

KNOTS = 48  # quantiles kept per column, for the piecewise-linear embedding
CLIP = 8.0  # scaled values are bent smoothly so that none leaves ±CLIP


@dataclass(frozen=True)
class NumberFeature(Feature):
    """Number columns → one float32 array ``(rows, columns)``, NaN where the value is missing.

    A value is centred on the median, divided by a robust spread and bent by ``z / sqrt(1 + (z/8)²)``,
    so an outlier a million times too large moves the network no more than one eight spreads out.
    ``knots`` are the training quantiles after that scaling, for the embedding in the network.
    """

    kind: ClassVar[str] = "number"
    name: str
    columns: tuple[str, ...]
    centre: tuple[float, ...]
    spread: tuple[float, ...]
    knots: tuple[tuple[float, ...], ...]

    @classmethod
    def fit(cls, name: str, frame: pl.DataFrame, columns: Sequence[str]) -> Self:
        centres, spreads, knots = [], [], []
        for column in columns:
            values = _finite(frame[column])
            centre, spread = _centre_and_spread(values)
            centres.append(centre)
            spreads.append(spread)
            knots.append(_knots(_scaled(values, centre, spread)))
        return cls(name, tuple(columns), tuple(centres), tuple(spreads), tuple(knots))

    def transform(self, frame: pl.DataFrame) -> Arrays:
        out = np.empty((frame.height, len(self.columns)), np.float32)
        for j, (column, centre, spread) in enumerate(
            zip(self.columns, self.centre, self.spread, strict=True)
        ):
            raw = frame[column].cast(pl.Float64).to_numpy()
            out[:, j] = _scaled(np.where(np.isfinite(raw), raw, np.nan), centre, spread)
        return {self.name: out}

    def extend(self, frame: pl.DataFrame) -> Self:
        return self  # the scale is fixed by the first training, so that old answers stay

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "columns": list(self.columns),
            "centre": list(self.centre),
            "spread": list(self.spread),
            "knots": [list(each) for each in self.knots],
        }

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> Self:
        return cls(
            str(state["name"]),
            tuple(state["columns"]),
            tuple(map(float, state["centre"])),
            tuple(map(float, state["spread"])),
            tuple(tuple(map(float, each)) for each in state["knots"]),
        )


def _finite(series: pl.Series) -> np.ndarray:
    values = series.cast(pl.Float64).drop_nulls().to_numpy()
    return values[np.isfinite(values)]


def _centre_and_spread(values: np.ndarray) -> tuple[float, float]:
    """Median, and the spread that makes the middle half of the values one normal quartile range wide."""
    if not len(values):
        return 0.0, 1.0
    low, centre, high = np.quantile(values, [0.25, 0.5, 0.75])
    # 1.349 = the quartile range of a standard normal
    for spread in ((high - low) / 1.349, float(np.std(values)), abs(float(centre)), 1.0):
        if np.isfinite(spread) and spread > 1e-30:
            break
    return float(centre), float(spread)


def _scaled(values: np.ndarray, centre: float, spread: float) -> np.ndarray:
    """``(value - centre) / spread``, bent smoothly into (-CLIP, CLIP)."""
    with np.errstate(over="ignore"):
        z = np.clip((values - centre) / spread, -1e15, 1e15)
        bent: np.ndarray = z / np.sqrt(1.0 + (z / CLIP) ** 2)
    return bent


def _knots(values: np.ndarray) -> tuple[float, ...]:
    """Distinct, increasing quantiles of the scaled values; at least two."""
    if not len(values):
        return (-1.0, 1.0)
    # float32 is what the network will see: knots closer than that would make empty bins
    quantiles = np.unique(np.quantile(values, np.linspace(0, 1, KNOTS + 1)).astype(np.float32))
    if len(quantiles) < 2:
        quantiles = np.array([quantiles[0] - 1, quantiles[0] + 1], np.float32)
    return tuple(float(each) for each in quantiles)
