"""What every feature is: the fitted reader of one kind of raw columns."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl

from lamina.records import Finding

Arrays = dict[str, np.ndarray]


class Feature(ABC):
    """Raw columns of one kind → arrays, fitted on training rows.

    Subclasses are frozen dataclasses whose state is JSON or numpy. The same ``transform`` trains and
    serves; it never learns. Every value has a defined code: known, missing, unseen or unreadable.
    ``name`` is the key of the block's first array; further arrays are ``name.something``.
    """

    kind: ClassVar[str]
    # How many rows, evenly taken, tell enough to fit on; None: every row counts
    enough: ClassVar[int | None] = None
    # Whether every column is fitted by itself and ``joined`` puts them together: one column in memory
    by_column: ClassVar[bool] = False
    name: str
    columns: tuple[str, ...]

    @classmethod
    @abstractmethod
    def fit(cls, name: str, frame: pl.DataFrame, columns: Sequence[str]) -> Self:
        """Learns from the training rows of ``frame`` how to read ``columns``."""

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """One feature of those that read a column each, where ``by_column``."""
        return parts[0]

    @abstractmethod
    def transform(self, frame: pl.DataFrame) -> Arrays:
        """Arrays aligned with the rows of ``frame``: the first axis is the row."""

    @abstractmethod
    def extend(self, frame: pl.DataFrame) -> Self:
        """The feature after seeing more rows: it may know more values, old codes keep their numbers."""

    @abstractmethod
    def to_json(self) -> dict[str, Any]:
        """The state as plain JSON values."""

    @classmethod
    @abstractmethod
    def from_json(cls, state: Mapping[str, Any]) -> Self:
        """The feature that ``to_json`` wrote."""

    def findings(self, arrays: Arrays) -> list[Finding]:
        """What is noticed in the encoded values themselves: recordings that are silent, say."""
        return []

    def stored(self, name: str) -> np.dtype[Any] | None:
        """A smaller type that holds the array ``name`` just as well, where many rows are kept."""
        return None

    @property
    def row_bytes(self) -> int:
        """Bytes that one row's arrays take, about: large tables are encoded so many rows at a time."""
        return 8 * len(self.columns)

    @property
    def linear_width(self) -> int:
        """How many columns ``linear`` gives."""
        return len(self.columns)

    def linear(self, arrays: Arrays) -> np.ndarray:
        """The block as a linear model can use it, float32 ``(rows, linear_width)``: for the baseline."""
        array = arrays[self.name]
        return array.reshape(len(array), -1).astype(np.float32)

    def describe(self) -> str:
        """One line for people: what this block reads."""
        return f"{self.kind}: {', '.join(self.columns)}"


def with_missing(values: np.ndarray) -> np.ndarray:
    """Numbers for a linear model: NaN as zero, and beside each column whether it was missing, float32."""
    missing = np.isnan(values)
    return np.concatenate([np.where(missing, 0, values), missing], axis=1).astype(np.float32)
