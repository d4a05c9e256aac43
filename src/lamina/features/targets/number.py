"""A target that is a number, learnt by squared error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl

from lamina.errors import TargetError
from lamina.features.targets.base import BEYOND, Target
from lamina.features.targets.told import Numbers, Told
from lamina.scores.numbers import number_scores
from lamina.scores.ranking import Scores


@dataclass(frozen=True)
class NumberTarget(Target):
    """A number ↔ its distance from the training mean in standard deviations."""

    column: str
    mean: float
    spread: float
    lowest: float
    highest: float
    whole: bool

    answer: ClassVar[str] = "number"
    flat: ClassVar[bool] = True

    @classmethod
    def fit(cls, frame: pl.DataFrame, column: str, form: Mapping[str, Any] | None = None) -> Self:
        values = finite(frame, column)
        spread = float(np.std(values))
        if not spread > 0:
            raise TargetError(
                f"The target {column!r} is always {values[0]:g}: there is nothing to learn.",
                "Bring rows in which it varies, or name another target.",
                column=column,
            )
        whole = bool(np.all(values == np.round(values)))
        return cls(column, float(values.mean()), spread, float(values.min()), float(values.max()), whole)

    def read(self, series: pl.Series) -> np.ndarray:
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
        return pl.Series(self.column, self.values(standard), dtype=pl.Float64, nan_to_null=True)

    def constant(self, answers: np.ndarray) -> np.ndarray:
        """The mean."""
        return np.array([np.nanmean(answers)])

    def loss_of_constant(self, answers: np.ndarray) -> float:
        return 1.0  # the variance, in standard units

    def judge(self, decoded: np.ndarray, answers: np.ndarray) -> Scores:
        return number_scores(self.values(decoded), self.raw(answers))

    def error(self, decoded: np.ndarray, answers: np.ndarray) -> float:
        return self.judge(decoded, answers)["rmse"]

    def told(
        self,
        decoded: np.ndarray,
        answered: np.ndarray,
        *,
        probabilities: bool | None = None,
        several: bool = False,
    ) -> list[Told]:
        """``predicted_<target>``."""
        return [Numbers(f"predicted_{self.column}", self.values(decoded), answered, single=False)]

    def describe(self) -> str:
        return f"the number {self.column!r}"

    def to_json(self) -> dict[str, Any]:
        return {
            "answer": self.answer,
            "column": self.column,
            "mean": self.mean,
            "spread": self.spread,
            "lowest": self.lowest,
            "highest": self.highest,
            "whole": self.whole,
        }

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> Self:
        return cls(
            str(state["column"]),
            float(state["mean"]),
            float(state["spread"]),
            float(state["lowest"]),
            float(state["highest"]),
            bool(state["whole"]),
        )


def finite(frame: pl.DataFrame, column: str) -> np.ndarray:
    """The numbers of a column that are there, float64. Raises TargetError where none is."""
    values = frame[column].cast(pl.Float64).drop_nulls().to_numpy()
    values = values[np.isfinite(values)]
    if not len(values):
        raise TargetError(
            f"The target {column!r} holds no number.",
            "Name another target, or check how the column is written.",
            column=column,
        )
    return values
