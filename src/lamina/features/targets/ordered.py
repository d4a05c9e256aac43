"""A target that is one of several classes in an order: low < medium < high."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl

from lamina.errors import TargetError, nearest
from lamina.features.targets.classes import ClassTarget, is_integer, words_of
from lamina.scores.ordered import ordered_scores
from lamina.scores.ranking import Scores


@dataclass(frozen=True)
class OrderedTarget(ClassTarget):
    """Classes ↔ codes in their order, the lowest first; ``form["order"]`` names it."""

    answer: ClassVar[str] = "ordered"

    def extend(self, frame: pl.DataFrame) -> OrderedTarget:
        """Unchanged: where a new class stands in the order only a person knows."""
        return self

    @classmethod
    def fit(cls, frame: pl.DataFrame, column: str, form: Mapping[str, Any] | None = None) -> Self:
        plain = ClassTarget.fit(frame, column)
        order = tuple((form or {}).get("order", ())) or plain.labels
        strange = [word for word in plain.labels if word not in order]
        if strange:
            count = int(words_of(frame[column]).is_in(strange).sum())
            raise TargetError(
                f"The target {column!r} holds {strange[0]!r}, which is not in the order {' < '.join(order)} "
                f"({count:,} rows hold such a value).",
                f"Name every class in the order, lowest first. {nearest(strange[0], order)}",
                column=column,
                classes=strange,
            )
        dtype = (
            "integer" if all(map(is_integer, order)) else "boolean" if plain.dtype == "boolean" else "string"
        )
        return cls(column, order, dtype)

    @property
    def scores(self) -> int:
        return len(self.labels) - 1

    @property
    def width(self) -> int:
        return len(self.labels)

    @property
    def binary(self) -> bool:
        return False

    def judge(self, decoded: np.ndarray, answers: np.ndarray) -> Scores:
        return ordered_scores(decoded, answers)

    def describe(self) -> str:
        shown = (
            " < ".join(self.labels) if len(self.labels) <= 8 else f"{self.labels[0]} < … < {self.labels[-1]}"
        )
        return f"{self.column!r}, one of {len(self.labels)} classes in order ({shown})"
