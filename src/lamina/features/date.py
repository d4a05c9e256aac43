"""Dates: where in the year, the month, the week and the day, and how long ago."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import tau
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl

from lamina.features.base import Arrays, Feature, with_missing
from lamina.features.number import NumberFeature

# The cycles of a calendar: position within the cycle, 0 to 1.
_CYCLES: dict[str, Callable[[pl.Series], pl.Series]] = {
    "year": lambda t: (t.dt.ordinal_day().cast(pl.Float64) - 1) / 366,
    "month": lambda t: (t.dt.day().cast(pl.Float64) - 1) / 31,
    "week": lambda t: (t.dt.weekday().cast(pl.Float64) - 1) / 7,
    "day": lambda t: (t.dt.hour().cast(pl.Float64) * 60 + t.dt.minute()) / 1440,
}


@dataclass(frozen=True)
class DateFeature(Feature):
    """Date columns → one float32 array ``(rows, parts)``, NaN where the date is missing.

    The parts of a column: seconds elapsed, the position in year, month, week and day as a plain number
    and as sine and cosine (so that 31 December is next to 1 January), and the time between each pair of
    date columns. Parts that do not vary in training (the hour of a date without time) are left out. They
    are scaled and embedded as numbers are.
    """

    kind: ClassVar[str] = "date"
    enough: ClassVar[int | None] = 200_000
    name: str
    columns: tuple[str, ...]
    numbers: NumberFeature

    @classmethod
    def fit(cls, name: str, frame: pl.DataFrame, columns: Sequence[str]) -> Self:
        parts = _parts(frame, columns)
        first = [f"{column} elapsed" for column in columns]
        varying = [part.name for part in parts if part.name in first or part.drop_nulls().n_unique() > 1]
        return cls(name, tuple(columns), NumberFeature.fit(name, parts.select(varying), varying))

    def transform(self, frame: pl.DataFrame) -> Arrays:
        return self.numbers.transform(_parts(frame, self.columns))

    def extend(self, frame: pl.DataFrame) -> Self:
        return replace(self, numbers=self.numbers.extend(_parts(frame, self.columns)))

    @property
    def knots(self) -> tuple[tuple[float, ...], ...]:
        return self.numbers.knots

    @property
    def linear_width(self) -> int:
        return 2 * len(self.knots)

    def linear(self, arrays: Arrays) -> np.ndarray:
        return with_missing(arrays[self.name])

    def to_json(self) -> dict[str, Any]:
        return {"columns": list(self.columns), "numbers": self.numbers.to_json()}

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> Self:
        numbers = NumberFeature.from_json(state["numbers"])
        return cls(numbers.name, tuple(state["columns"]), numbers)


def _parts(frame: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    """All parts of all date columns, Float64, as one frame."""
    parts: list[pl.Series] = []
    seconds = {c: frame[c].cast(pl.Datetime("us")).dt.epoch("us") / 1e6 for c in columns}
    for column in columns:
        when = frame[column].cast(pl.Datetime("us"))
        parts.append(seconds[column].alias(f"{column} elapsed"))
        for cycle, position in _CYCLES.items():
            share = position(when)
            parts += [
                share.alias(f"{column} in {cycle}"),
                (share * tau).sin().alias(f"{column} in {cycle} (sine)"),
                (share * tau).cos().alias(f"{column} in {cycle} (cosine)"),
            ]
    for i, early in enumerate(columns):
        for late in columns[i + 1 :]:
            parts.append((seconds[late] - seconds[early]).alias(f"{early} to {late}"))
    return pl.DataFrame(parts)
