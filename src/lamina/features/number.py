"""Numbers: robust to outliers, missing as a signal of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl

from lamina.features.base import Arrays, Feature, with_missing

INTERVALS = 64  # per column, for the piecewise-linear embedding
FEW_ROWS, FEW_INTERVALS = 3000, 16  # with fewer rows, wider intervals
MANY_ROWS, MANY_INTERVALS = 200_000, 32  # with so many, answering quickly counts too
MOST_INTERVALS = 2 * INTERVALS  # of a column that has grown
PER_KNOT = 10  # values beyond the knots for every knot that is added there
CLOSEST = 1e-30  # between knots: the slope of a narrower interval leaves the range of a float32


@dataclass(frozen=True)
class NumberFeature(Feature):
    """Number columns → one float32 array ``(rows, columns)``, NaN where the value is missing.

    A value is centred on the median, divided by a robust spread and bent by ``asinh``: straight near the
    middle, logarithmic far out, so an outlier a million times too large stands 15 units off and no two
    values fall together. ``knots`` are training quantiles after that scaling, for the embedding in the
    network.
    """

    kind: ClassVar[str] = "number"
    enough: ClassVar[int | None] = MANY_ROWS
    by_column: ClassVar[bool] = True
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
            centre, spread = centre_and_spread(values)
            centres.append(centre)
            spreads.append(spread)
            knots.append(_knots(scaled(values, centre, spread)))
        return cls(name, tuple(columns), tuple(centres), tuple(spreads), tuple(knots))

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Of a column there may be several numbers, as a subclass lays it out: all of them are kept."""
        return cls(
            parts[0].name,
            tuple(each for p in parts for each in p.columns),
            tuple(each for p in parts for each in p.centre),
            tuple(each for p in parts for each in p.spread),
            tuple(each for p in parts for each in p.knots),
        )

    def transform(self, frame: pl.DataFrame) -> Arrays:
        out = np.empty((frame.height, len(self.columns)), np.float32)
        for j, (column, centre, spread) in enumerate(
            zip(self.columns, self.centre, self.spread, strict=True)
        ):
            raw = frame[column].cast(pl.Float64).to_numpy()
            out[:, j] = scaled(np.where(np.isfinite(raw), raw, np.nan), centre, spread)
        return {self.name: out}

    def extend(self, frame: pl.DataFrame) -> Self:
        """Further knots where values lie beyond the outermost ones; scale and old knots stay, so that old
        answers do. Numbers that another kind makes of its cells keep their knots."""
        if not set(self.columns) <= set(frame.columns):
            return self
        knots = [
            _further(known, scaled(_finite(frame[column]), centre, spread))
            for column, centre, spread, known in zip(
                self.columns, self.centre, self.spread, self.knots, strict=True
            )
        ]
        return self if tuple(knots) == self.knots else replace(self, knots=tuple(knots))

    @property
    def linear_width(self) -> int:
        return 2 * len(self.knots)

    def linear(self, arrays: Arrays) -> np.ndarray:
        return with_missing(arrays[self.name])

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


def centre_and_spread(values: np.ndarray) -> tuple[float, float]:
    """Median, and the spread that makes the middle half of the values one normal quartile range wide."""
    if not len(values):
        return 0.0, 1.0
    values = np.clip(values, -1e150, 1e150)  # squares of larger ones leave the range of a float
    low, centre, high = np.quantile(values, [0.25, 0.5, 0.75])
    # 1.349 = the quartile range of a standard normal
    for spread in ((high - low) / 1.349, float(np.std(values)), abs(float(centre)), 1.0):
        if np.isfinite(spread) and spread > 1e-30:
            break
    return float(centre), float(spread)


def scaled(values: np.ndarray, centre: float | np.ndarray, spread: float | np.ndarray) -> np.ndarray:
    """``asinh((value - centre) / spread)``."""
    with np.errstate(over="ignore"):
        bent: np.ndarray = np.arcsinh(np.clip((values - centre) / spread, -1e30, 1e30))
    return bent


def _knots(values: np.ndarray) -> tuple[float, ...]:
    """Distinct, increasing quantiles of the scaled values; at least two.

    A value that fills more than one interval's share of the rows counts only as one, so the others keep
    knots of their own. Few distinct values are all knots.
    """
    if not len(values):
        return (-1.0, 1.0)
    distinct, counts = _distinct(values)
    if len(distinct) == 1:
        return float(distinct[0]) - 1.0, float(distinct[0]) + 1.0
    most = most_intervals(len(values))
    if len(distinct) > most + 1:
        distinct = distinct[_evenly(counts.astype(np.float64), most)]
    return tuple(float(each) for each in distinct)


def most_intervals(rows: int) -> int:
    """How many intervals a column gets that holds many different values."""
    if rows < FEW_ROWS:
        return FEW_INTERVALS
    return MANY_INTERVALS if rows >= MANY_ROWS else INTERVALS


def _distinct(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Different values, rising, and how often each occurs."""
    # float32 is what the network will see: knots closer than that would make empty intervals
    distinct, counts = np.unique(values.astype(np.float32), return_counts=True)
    apart = np.diff(distinct.astype(np.float64), prepend=-np.inf) > CLOSEST
    return distinct[apart], counts[apart]


def _further(knots: tuple[float, ...], values: np.ndarray) -> tuple[float, ...]:
    """The knots, and quantiles of the values on either side of them, where there are enough."""
    room = MOST_INTERVALS - len(knots) + 1
    right = _beyond(knots[-1], values, room)
    left = _beyond(-knots[0], -values, room - len(right))
    return (*(-each for each in reversed(left)), *knots, *right)


def _beyond(last: float, values: np.ndarray, room: int) -> list[float]:
    """Knots above the ``last`` one, rising, at most ``room``."""
    outside = values[values.astype(np.float32) > np.float32(last) + CLOSEST]
    most = min(FEW_INTERVALS, room, len(outside) // PER_KNOT)
    if most < 1:
        return []
    distinct, counts = _distinct(outside)
    if len(distinct) > most:
        distinct = distinct[_evenly(counts.astype(np.float64), most)[1:]]
    return [float(each) for each in distinct]


def _evenly(rows: np.ndarray, intervals: int) -> np.ndarray:
    """Positions of the knots among sorted distinct values that occur ``rows`` times each."""
    for _ in range(3):  # capping the large ones shrinks the total, so the cap shrinks a few times too
        rows = np.minimum(rows, max(rows.sum() / intervals, 1.0))
    middle = (np.cumsum(rows) - rows / 2) / rows.sum()
    places = np.searchsorted(middle, np.linspace(0, 1, intervals + 1)).clip(0, len(rows) - 1)
    places[0], places[-1] = 0, len(rows) - 1
    return np.unique(places)
