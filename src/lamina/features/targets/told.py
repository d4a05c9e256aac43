"""Columns of answers before they are part of a frame: the same values become a column, or one row's cell.

A frame of one row costs milliseconds, its values microseconds.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl

MOST_PATTERNS: Final = 12  # classes of which every set of them can be listed


class Told(ABC):
    """One column of answers."""

    name: str

    @abstractmethod
    def series(self) -> pl.Series:
        """The column."""

    @abstractmethod
    def cell(self) -> Any:
        """The first row's value as plain Python: what ``series()[0]`` gives, lists as lists."""

    def cells(self) -> list[Any]:
        """Every row's value as plain Python."""
        return self.series().to_list()

    @property
    @abstractmethod
    def dtype(self) -> pl.DataType:
        """The column's type."""


@dataclass(frozen=True)
class Numbers(Told):
    """Numbers ``(rows,)``; null where NaN, and where ``known`` is false."""

    name: str
    values: np.ndarray
    known: np.ndarray
    single: bool = True  # Float32, else Float64

    def series(self) -> pl.Series:
        values = np.where(self.known, self.values, np.nan).astype(np.float32 if self.single else np.float64)
        return pl.Series(self.name, values, nan_to_null=True)

    def cell(self) -> float | None:
        value = float(np.float32(self.values[0]) if self.single else self.values[0])
        return value if self.known[0] and value == value else None

    @property
    def dtype(self) -> pl.DataType:
        return pl.Float32() if self.single else pl.Float64()


@dataclass(frozen=True)
class Labels(Told):
    """Of each row one of the ``labels``, by its number in ``codes`` ``(rows,)``; null below 0."""

    name: str
    codes: np.ndarray
    labels: Sequence[Any]

    def series(self) -> pl.Series:
        labels = pl.Series(self.name, [*self.labels, None])  # null stands last
        return labels.gather(pl.Series(np.where(self.codes < 0, len(self.labels), self.codes)))

    def cell(self) -> Any:
        return None if self.codes[0] < 0 else self.labels[int(self.codes[0])]

    def cells(self) -> list[Any]:
        return [None if code < 0 else self.labels[code] for code in self.codes.tolist()]

    @property
    def dtype(self) -> pl.DataType:
        return pl.Series(self.labels).dtype


@dataclass(frozen=True)
class LabelSets(Told):
    """Of each row some of the ``labels``, bool ``(rows, label)``; null where ``known`` is false."""

    name: str
    chosen: np.ndarray
    known: np.ndarray
    labels: Sequence[Any]

    def series(self) -> pl.Series:
        if len(self.labels) <= MOST_PATTERNS:
            return self._by_pattern()
        rows, codes = np.nonzero(self.chosen & self.known[:, None])
        words = pl.Series(self.labels).gather(pl.Series(codes))
        lists = (
            pl.DataFrame({"row": rows, "word": words}, schema={"row": pl.Int64, "word": words.dtype})
            .group_by("row", maintain_order=True)
            .agg("word")
        )
        places = pl.DataFrame({"row": np.arange(len(self.chosen))})
        filled = places.join(lists, on="row", how="left", maintain_order="left")["word"]
        empty = pl.Series([[]], dtype=self.dtype)
        known = pl.Series(self.known)
        filled = pl.select(pl.when(known).then(filled.fill_null(empty)).otherwise(None)).to_series()
        return filled.alias(self.name)

    def _by_pattern(self) -> pl.Series:
        """Few classes make few sets: each is made once."""
        count = len(self.labels)
        every = [[w for k, w in enumerate(self.labels) if n >> k & 1] for n in range(2**count)]
        lists = pl.Series(self.name, [*every, None], dtype=self.dtype)
        codes = self.chosen @ (1 << np.arange(count))
        return lists.gather(pl.Series(np.where(self.known, codes, 2**count)))

    def cell(self) -> list[Any] | None:
        return [self.labels[k] for k in np.flatnonzero(self.chosen[0]).tolist()] if self.known[0] else None

    @property
    def dtype(self) -> pl.DataType:
        return pl.List(pl.Series(self.labels).dtype)


@dataclass(frozen=True)
class Column(Told):
    """A column that is made as one."""

    column: pl.Series

    @property
    def name(self) -> str:  # type: ignore[override]
        return self.column.name

    def series(self) -> pl.Series:
        return self.column

    def cell(self) -> Any:
        value = self.column[0]
        return value.to_list() if isinstance(value, pl.Series) else value

    @property
    def dtype(self) -> pl.DataType:
        return self.column.dtype
