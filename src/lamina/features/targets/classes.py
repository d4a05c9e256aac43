"""A target that is one of several classes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl

from lamina.errors import TargetError
from lamina.features.targets.base import Target, told_probabilities, wants_all
from lamina.features.targets.told import Labels, Numbers, Told
from lamina.scores.classes import class_scores, log_loss
from lamina.scores.ranking import Scores

UNKNOWN = -1  # the code of a class that training never saw
LEAST_NEW = 5  # rows of a class that comes later: with fewer it may be a slip of the pen


@dataclass(frozen=True)
class ClassTarget(Target):
    """Classes ↔ codes 0, 1, 2, …: sorted as numbers where they all are numbers, else as words.

    ``dtype`` is what the classes were in the user's table ("string", "integer", "boolean"), so that
    answers come back as what came in.
    """

    column: str
    labels: tuple[str, ...]
    dtype: str

    answer: ClassVar[str] = "classes"
    codes: ClassVar[bool] = True
    simplest: ClassVar[str] = "majority"

    @classmethod
    def fit(cls, frame: pl.DataFrame, column: str, form: Mapping[str, Any] | None = None) -> Self:
        series = frame[column]
        words = words_of(series).drop_nulls().unique().to_list()
        if len(words) < 2:
            only = f"only {words[0]!r}" if words else "no value"
            raise TargetError(
                f"The target {column!r} holds {only}: there is nothing to tell apart.",
                "Bring rows of at least two classes, or name another target.",
                column=column,
                classes=words,
            )
        dtype = "boolean" if series.dtype == pl.Boolean else "string"
        if all(is_integer(word) for word in words):
            return cls(column, tuple(sorted(words, key=int)), "integer")
        return cls(column, tuple(sorted(words)), dtype)

    def extend(self, frame: pl.DataFrame) -> ClassTarget:
        """New classes with rows enough are appended, those with the most rows first."""
        counts = words_of(frame[self.column]).drop_nulls().alias("class").value_counts(name="rows")
        new = counts.filter((pl.col("rows") >= LEAST_NEW) & ~pl.col("class").is_in(list(self.labels)))
        labels = new.sort(["rows", "class"], descending=[True, False])["class"].to_list()
        dtype = self.dtype
        if (dtype == "integer" and not all(map(is_integer, labels))) or (dtype == "boolean" and labels):
            dtype = "string"
        return type(self)(self.column, (*self.labels, *labels), dtype)

    def read(self, series: pl.Series) -> np.ndarray:
        """int64 codes ``(rows,)``; ``UNKNOWN`` for a class that is missing or was never seen."""
        labels = pl.Series(self.labels, dtype=pl.String)
        codes = pl.Series(range(len(self.labels)), dtype=pl.Int64)
        words = words_of(series)
        return words.replace_strict(labels, codes, default=UNKNOWN, return_dtype=pl.Int64).to_numpy()

    def decode(self, codes: np.ndarray) -> pl.Series:
        """Codes → classes in the type they came in; code -1 is null."""
        return Labels(self.column, codes, self.values).series()

    @cached_property
    def values(self) -> list[Any]:
        """The classes in the type they came in."""
        if self.dtype == "integer":
            return [int(each) for each in self.labels]
        return [each == "true" for each in self.labels] if self.dtype == "boolean" else list(self.labels)

    @property
    def scores(self) -> int:
        return len(self.labels)

    @property
    def binary(self) -> bool:
        return len(self.labels) == 2

    def constant(self, answers: np.ndarray) -> np.ndarray:
        """The share of every class."""
        return np.bincount(answers[answers >= 0], minlength=len(self.labels)) / max(len(answers), 1)

    def loss_of_constant(self, answers: np.ndarray) -> float:
        """The entropy of the shares."""
        shares = self.constant(answers)
        return float(-(shares * np.log(np.where(shares > 0, shares, 1))).sum())

    def balance(self, answers: np.ndarray) -> np.ndarray | None:
        counts = np.bincount(answers, minlength=len(self.labels))
        weights: np.ndarray = 1 / np.maximum(counts, 1)[answers]
        return weights

    def judge(self, decoded: np.ndarray, answers: np.ndarray) -> Scores:
        return class_scores(decoded, answers)

    def error(self, decoded: np.ndarray, answers: np.ndarray) -> float:
        return log_loss(decoded, answers)

    def told(
        self,
        decoded: np.ndarray,
        answered: np.ndarray,
        *,
        probabilities: bool | None = None,
        several: bool = False,
    ) -> list[Told]:
        """``predicted_<target>``, the ``probability`` of that class, and ``probability_<class>`` of each."""
        highest = decoded.argmax(1)
        chosen = np.where(answered, highest, -1)
        name = f"probability_{self.column}" if several else "probability"
        told: list[Told] = [
            Labels(f"predicted_{self.column}", chosen, self.values),
            Numbers(name, decoded[np.arange(len(decoded)), highest], answered),
        ]
        if wants_all(probabilities, self.labels):
            told += told_probabilities(self.column, self.labels, decoded, answered, several)
        return told

    def describe(self) -> str:
        return f"{self.column!r}, one of {len(self.labels)} classes"

    def to_json(self) -> dict[str, Any]:
        return {
            "answer": self.answer,
            "column": self.column,
            "labels": list(self.labels),
            "dtype": self.dtype,
        }

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> Self:
        labels = tuple(state["labels"])
        if len(set(labels)) != len(labels) or not all(isinstance(each, str) for each in labels):
            raise ValueError("classes are words, each once")
        return cls(str(state["column"]), labels, str(state["dtype"]))


def words_of(series: pl.Series) -> pl.Series:
    """Classes as text, whatever they were."""
    return series.cast(pl.String)


def is_integer(word: str) -> bool:
    """Whether a class is a whole number that comes back as it was written."""
    # "007" and "+7" are words: turned into 7 they would not come back as they were written
    return word.lstrip("-").isascii() and word.lstrip("-").isdigit() and str(int(word)) == word
