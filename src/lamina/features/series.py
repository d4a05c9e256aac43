"""Series: numbers in their order, of any length."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl

from lamina.features.base import Arrays, Feature
from lamina.features.number import NumberFeature, centre_and_spread, scaled

MOST_POINTS = 512  # that the network sees of one series; longer ones are averaged over equal steps
CHUNK = 4_000_000  # numbers laid out at once
MOST_STEP = 16_384  # numbers to a point; of a series longer than that makes, the last numbers count
MEASURES = (
    *("mean", "spread", "lowest", "highest", "first", "last", "trend", "change", "turns"),
    *("length", "missing"),
)


@dataclass(frozen=True)
class SeriesFeature(Feature):
    """One column of lists, or the number columns of one block → float32 ``(rows, points)`` and measures.

    All numbers of a block are centred on their median, divided by a robust spread and bent by ``asinh``; NaN
    stands where a number is missing, and after the end of a series. Where training series are longer than
    ``MOST_POINTS``, every ``step`` numbers are averaged to one point, the same step for all; of a series
    longer than any in training the last points count. ``name.measures``, float32 ``(rows, 11)``, holds what
    can be said of a series as a whole, scaled as numbers are by ``measures``.
    """

    kind: ClassVar[str] = "series"
    enough: ClassVar[int | None] = 100_000
    name: str
    columns: tuple[str, ...]
    points: int
    step: int
    centre: float
    spread: float
    measures: NumberFeature

    @classmethod
    def fit(cls, name: str, frame: pl.DataFrame, columns: Sequence[str]) -> Self:
        lists = _lists(frame, columns)
        longest = int(lists.list.len().drop_nulls().to_numpy().max(initial=1))
        step = min(-(-longest // MOST_POINTS), MOST_STEP)
        points = min(-(-longest // step), MOST_POINTS)
        values = lists.explode().drop_nulls().to_numpy()
        values = values[np.isfinite(values)]
        centre, spread = centre_and_spread(values[:: max(1, len(values) // CHUNK)])
        bare = cls(
            name, tuple(columns), points, step, centre, spread,
            NumberFeature(f"{name}.measures", MEASURES, (0.0,), (1.0,), ((0.0, 1.0),)),
        )  # fmt: skip
        measured = pl.DataFrame(bare._measured(lists), schema=list(MEASURES))
        return cls(**{**vars(bare), "measures": NumberFeature.fit(f"{name}.measures", measured, MEASURES)})

    def transform(self, frame: pl.DataFrame) -> Arrays:
        lists = _lists(frame, self.columns)
        out = np.empty((len(lists), self.points), np.float32)
        for start, points in self._points(lists):
            out[start : start + len(points)] = points
        measured = pl.DataFrame(self._measured(lists), schema=list(MEASURES))
        return {self.name: out, **self.measures.transform(measured)}

    def _points(self, lists: pl.Series) -> Any:
        """First row and scaled points, float64 ``(rows, points)``, a chunk of rows at a time."""
        kept = self.points * self.step
        at_once = max(1, CHUNK // kept)
        for start in range(0, len(lists), at_once):
            laid = _laid_out(lists[start : start + at_once].list.tail(kept), kept)
            yield start, scaled(_averaged(laid, self.step), self.centre, self.spread)

    def _measured(self, lists: pl.Series) -> np.ndarray:
        """Float64 ``(rows, measures)``, NaN where there is nothing to measure."""
        out = np.full((len(lists), len(MEASURES)), np.nan)
        for start, points in self._points(lists):
            out[start : start + len(points)] = _measures(points)
        lengths = lists.list.len().cast(pl.Float64)
        empty = lists.list.eval(pl.element().is_null().cast(pl.Float64)).list.mean()
        out[:, -2] = np.log1p(lengths.to_numpy())
        out[:, -1] = empty.to_numpy()
        return out

    def extend(self, frame: pl.DataFrame) -> Self:
        return self  # the scale is fixed by the first training, so that old answers stay

    @property
    def row_bytes(self) -> int:
        return 4 * (self.points + len(MEASURES))

    @property
    def linear_width(self) -> int:
        return self.measures.linear_width + (2 * self.points if self._one_length else 0)

    @property
    def _one_length(self) -> bool:
        """Whether the place of a number means something to a linear model: columns of a block."""
        return len(self.columns) > 1

    def linear(self, arrays: Arrays) -> np.ndarray:
        measures = self.measures.linear(arrays)
        if not self._one_length:
            return measures
        points = arrays[self.name]
        missing = np.isnan(points)
        return np.concatenate([measures, np.where(missing, 0, points), missing], axis=1).astype(np.float32)

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "columns": list(self.columns),
            "points": self.points,
            "step": self.step,
            "centre": self.centre,
            "spread": self.spread,
            "measures": self.measures.to_json(),
        }

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> Self:
        points, step = int(state["points"]), int(state["step"])
        if not (1 <= points <= MOST_POINTS and 1 <= step <= MOST_STEP):
            raise ValueError(f"a series of {points:,} points of {step:,} numbers")
        return cls(
            str(state["name"]),
            tuple(state["columns"]),
            points,
            step,
            float(state["centre"]),
            float(state["spread"]),
            NumberFeature.from_json(state["measures"]),
        )

    def describe(self) -> str:
        first, *rest = self.columns
        columns = f"{first} … {rest[-1]}" if rest else first
        step = f", each the mean of {self.step}" if self.step > 1 else ""
        return f"series: {columns}, read as up to {self.points} points{step}"


def _lists(frame: pl.DataFrame, columns: Sequence[str]) -> pl.Series:
    """One list per row: the cell, or the cells of the block side by side; null where all are missing."""
    first = frame[columns[0]]
    if isinstance(first.dtype, pl.List):
        return first.cast(pl.List(pl.Float64))
    present = pl.any_horizontal(pl.col(columns).is_not_null())
    side_by_side = pl.concat_list(pl.col(columns).cast(pl.Float64))
    return frame.select(pl.when(present).then(side_by_side).alias(columns[0])).to_series()


def _laid_out(lists: pl.Series, width: int) -> np.ndarray:
    """Float64 ``(rows, width)``, filled from the left, NaN elsewhere."""
    out = np.full((len(lists), width), np.nan)
    lengths = lists.list.len().fill_null(0).to_numpy().astype(np.int64)
    values = lists.filter(pl.Series(lengths > 0)).explode().cast(pl.Float64).to_numpy()
    out[np.arange(width) < lengths[:, None]] = np.where(np.isfinite(values), values, np.nan)
    return out


def _averaged(values: np.ndarray, step: int) -> np.ndarray:
    """Means over ``step`` neighbours that are there: ``(rows, width)`` → ``(rows, width / step)``."""
    if step == 1:
        return values
    parts = values.reshape(len(values), -1, step)
    there = np.isfinite(parts)
    count = there.sum(2)
    total = np.where(there, np.clip(parts, -1e150, 1e150), 0.0).sum(2)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _measures(points: np.ndarray) -> np.ndarray:
    """What can be said of each series as a whole, float64 ``(rows, measures)``; the last two stay NaN."""
    out = np.full((len(points), len(MEASURES)), np.nan)
    there = np.isfinite(points)
    count = there.sum(1)
    filled = np.where(there, points, 0.0)
    n = np.maximum(count, 1)
    mean = filled.sum(1) / n
    away = np.where(there, points - mean[:, None], 0.0)
    spread = np.sqrt((away**2).sum(1) / n)
    place = np.where(there, np.arange(points.shape[1]) - _mean_place(there, n)[:, None], 0.0)
    trend = (place * away).sum(1) / np.maximum((place**2).sum(1), 1e-9) * n
    beside = there[:, 1:] & there[:, :-1]
    change = np.where(beside, np.abs(np.diff(filled, axis=1)), 0.0).sum(1) / np.maximum(beside.sum(1), 1)
    sign = away > 0
    turns = (beside & (sign[:, 1:] != sign[:, :-1])).sum(1) / np.maximum(beside.sum(1), 1)
    first, last = there.argmax(1), points.shape[1] - 1 - there[:, ::-1].argmax(1)
    rows = np.arange(len(points))
    low = np.where(there, points, np.inf).min(1)
    high = np.where(there, points, -np.inf).max(1)
    columns = (mean, spread, low, high, filled[rows, first], filled[rows, last], trend, change, turns)
    some = count > 0
    out[some, : len(columns)] = np.stack(columns, axis=1)[some]
    return out


def _mean_place(there: np.ndarray, n: np.ndarray) -> np.ndarray:
    places: np.ndarray = (there * np.arange(there.shape[1])).sum(1) / n
    return places
