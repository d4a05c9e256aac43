"""Categories: names from a list that may grow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl

from lamina.features.base import Arrays, Feature

MISSING, UNSEEN, RARE, FIRST = 0, 1, 2, 3  # codes; known values count on from FIRST
MOST_LINEAR = 64  # values per column that the linear baseline tells apart
RARE_BELOW = 2  # a value with fewer training rows than this shares the code RARE


@dataclass(frozen=True)
class CategoryFeature(Feature):
    """Category columns → one int32 array of codes ``(rows, columns)``.

    Missing, never seen in training, and too rare to learn have codes of their own (0, 1, 2); known
    values count on from 3, the most frequent first. ``rare`` remembers which values were rare, so that
    a value seen once is not called unseen.
    """

    kind: ClassVar[str] = "category"
    by_column: ClassVar[bool] = True
    name: str
    columns: tuple[str, ...]
    known: tuple[tuple[str, ...], ...]
    rare: tuple[tuple[str, ...], ...]

    @classmethod
    def fit(cls, name: str, frame: pl.DataFrame, columns: Sequence[str]) -> Self:
        known, rare = zip(*(vocabulary(frame[each]) for each in columns), strict=True)
        return cls(name, tuple(columns), known, rare)

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        return cls(
            parts[0].name,
            tuple(each for p in parts for each in p.columns),
            tuple(each for p in parts for each in p.known),
            tuple(each for p in parts for each in p.rare),
        )

    def stored(self, name: str) -> np.dtype[Any]:
        """As small as the codes allow: uint8, int16 or int32."""
        most = max(self.sizes)
        return np.dtype(np.uint8 if most <= 2**8 else np.int16 if most <= 2**15 else np.int32)

    def transform(self, frame: pl.DataFrame) -> Arrays:
        out = np.empty((frame.height, len(self.columns)), np.int32)
        for j, column in enumerate(self.columns):
            out[:, j] = codes_of(frame[column].cast(pl.String), self.known[j], self.rare[j])
        return {self.name: out}

    def extend(self, frame: pl.DataFrame) -> Self:
        """New values that are frequent enough are appended; known codes stay."""
        known, rare = list(self.known), list(self.rare)
        for j, column in enumerate(self.columns):
            old = set(known[j])
            frequent, once = vocabulary(frame[column].cast(pl.String))
            known[j] = (*known[j], *(value for value in frequent if value not in old))
            everything = {*rare[j], *once} - set(known[j])
            rare[j] = tuple(sorted(everything))
        return replace(self, known=tuple(known), rare=tuple(rare))

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many codes each column has, the three special ones included."""
        return tuple(FIRST + len(each) for each in self.known)

    @property
    def linear_width(self) -> int:
        return sum(min(size, FIRST + MOST_LINEAR) for size in self.sizes)

    def linear(self, arrays: Arrays) -> np.ndarray:
        codes, blocks = arrays[self.name], []
        for j, size in enumerate(self.sizes):
            kept = min(size, FIRST + MOST_LINEAR)  # known values stand most frequent first
            blocks.append((codes[:, j, None] == np.arange(kept)).astype(np.float32))
        return np.concatenate(blocks, axis=1)

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "columns": list(self.columns),
            "known": [list(each) for each in self.known],
            "rare": [list(each) for each in self.rare],
        }

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> Self:
        return cls(
            str(state["name"]),
            tuple(state["columns"]),
            tuple(tuple(map(str, each)) for each in state["known"]),
            tuple(tuple(map(str, each)) for each in state["rare"]),
        )


def vocabulary(series: pl.Series) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Values with enough rows (most frequent first, ties by name), and the rare ones by name."""
    counts = (
        series.cast(pl.String).drop_nulls().alias("value").value_counts(name="rows")
        .sort(["rows", "value"], descending=[True, False])
    )  # fmt: skip
    often = counts.filter(pl.col("rows") >= RARE_BELOW)["value"].to_list()
    seldom = counts.filter(pl.col("rows") < RARE_BELOW)["value"].to_list()
    return tuple(often), tuple(seldom)


def codes_of(series: pl.Series, known: Sequence[str], rare: Sequence[str]) -> np.ndarray:
    """One code per row; one hash join, whatever the size of the vocabulary."""
    values = pl.Series([*known, *rare, None], dtype=pl.String)
    codes = [*range(FIRST, FIRST + len(known)), *[RARE] * len(rare), MISSING]
    coded = series.replace_strict(
        values, pl.Series(codes, dtype=pl.Int32), default=UNSEEN, return_dtype=pl.Int32
    )
    return coded.to_numpy()
