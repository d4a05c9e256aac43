"""The column to predict, turned into what the network compares its scores with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

import numpy as np
import polars as pl

from lamina.errors import TargetError

BEYOND = 0.1  # of the range of the training answers
UNKNOWN = -1  # the code of a class that training never saw


@dataclass(frozen=True)
class ClassTarget:
    """Classes ↔ codes 0, 1, 2, …: sorted as numbers where they all are numbers, else as words.

    ``dtype`` is what the classes were in the user's table ("string", "integer", "boolean"), so that
    answers come back as what came in.
    """

    column: str
    labels: tuple[str, ...]
    dtype: str

    answer: ClassVar[Literal["classes"]] = "classes"

    @classmethod
    def fit(cls, frame: pl.DataFrame, column: str) -> Self:
        series = frame[column]
        words = _words(series).drop_nulls().unique().to_list()
        if len(words) < 2:
            only = f"only {words[0]!r}" if words else "no value"
            raise TargetError(
                f"The target {column!r} holds {only}: there is nothing to tell apart.",
                "Bring rows of at least two classes, or name another target.",
                column=column,
                classes=words,
            )
        dtype = "boolean" if series.dtype == pl.Boolean else "string"
        if all(_is_integer(word) for word in words):
            return cls(column, tuple(sorted(words, key=int)), "integer")
        return cls(column, tuple(sorted(words)), dtype)

    def encode(self, series: pl.Series) -> np.ndarray:
        """int64 codes ``(rows,)``; ``UNKNOWN`` for a class that is missing or was never seen."""
        labels = pl.Series(self.labels, dtype=pl.String)
        codes = pl.Series(range(len(self.labels)), dtype=pl.Int64)
        words = _words(series)
        return words.replace_strict(labels, codes, default=UNKNOWN, return_dtype=pl.Int64).to_numpy()

    def decode(self, codes: np.ndarray) -> pl.Series:
        """Codes → classes in the type they came in; code -1 is null."""
        values: list[Any] = list(self.labels)
        if self.dtype == "integer":
            values = [int(each) for each in values]
        elif self.dtype == "boolean":
            values = [each == "true" for each in values]
        picked = pl.Series(self.column, values).gather(pl.Series(np.maximum(codes, 0)))
        return picked.set(pl.Series(codes < 0), None)

    def to_json(self) -> dict[str, Any]:
        return {
            "answer": "classes",
            "column": self.column,
            "labels": list(self.labels),
            "dtype": self.dtype,
        }


@dataclass(frozen=True)
class NumberTarget:
    """A number ↔ its distance from the training mean in standard deviations."""

    column: str
    mean: float
    spread: float
    lowest: float
    highest: float
    whole: bool

    answer: ClassVar[Literal["number"]] = "number"

    @classmethod
    def fit(cls, frame: pl.DataFrame, column: str) -> Self:
        values = frame[column].cast(pl.Float64).drop_nulls().to_numpy()
        values = values[np.isfinite(values)]
        if not len(values):
            raise TargetError(
                f"The target {column!r} holds no number.",
                "Name another target, or check how the column is written.",
                column=column,
            )
        spread = float(np.std(values))
        if not spread > 0:
            raise TargetError(
                f"The target {column!r} is always {values[0]:g}: there is nothing to learn.",
                "Bring rows in which it varies, or name another target.",
                column=column,
            )
        whole = bool(np.all(values == np.round(values)))
        return cls(column, float(values.mean()), spread, float(values.min()), float(values.max()), whole)

    def encode(self, series: pl.Series) -> np.ndarray:
        """float32 ``(rows,)``, NaN where the number is missing."""
        raw = series.cast(pl.Float64).to_numpy()
        standard: np.ndarray = ((raw - self.mean) / self.spread).astype(np.float32)
        return standard

    def values(self, standard: np.ndarray) -> np.ndarray:
        """Standard units → the user's unit, float64 ``(rows,)``.

        No answer lies further outside the training answers than a tenth of their range.
        """
        room = BEYOND * (self.highest - self.lowest)
        return np.clip(self.raw(standard), self.lowest - room, self.highest + room)  # NaN stays NaN

    def raw(self, standard: np.ndarray) -> np.ndarray:
        """The inverse of ``encode``, without bounds, float64 ``(rows,)``."""
        return standard.astype(np.float64) * self.spread + self.mean

    def decode(self, standard: np.ndarray) -> pl.Series:
        """Standard units → a column in the user's unit, Float64; NaN is null."""
        return pl.Series(self.column, self.values(standard), dtype=pl.Float64).fill_nan(None)

    def to_json(self) -> dict[str, Any]:
        return {
            "answer": "number",
            "column": self.column,
            "mean": self.mean,
            "spread": self.spread,
            "lowest": self.lowest,
            "highest": self.highest,
            "whole": self.whole,
        }


Target = ClassTarget | NumberTarget


def target_from_json(state: Mapping[str, Any]) -> Target:
    """The target that ``to_json`` wrote."""
    if state["answer"] == "classes":
        return ClassTarget(str(state["column"]), tuple(state["labels"]), str(state["dtype"]))
    return NumberTarget(
        str(state["column"]),
        float(state["mean"]),
        float(state["spread"]),
        float(state["lowest"]),
        float(state["highest"]),
        bool(state["whole"]),
    )


def _words(series: pl.Series) -> pl.Series:
    return series.cast(pl.String)


def _is_integer(word: str) -> bool:
    # "007" and "+7" are words: turned into 7 they would not come back as they were written
    return word.lstrip("-").isascii() and word.lstrip("-").isdigit() and str(int(word)) == word
