"""Targets above zero whose mean is what is asked: counts and amounts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl

from lamina.errors import TargetError
from lamina.features.targets.base import BEYOND, Target
from lamina.features.targets.number import finite
from lamina.features.targets.told import Numbers, Told
from lamina.scores.numbers import amount_scores, count_scores, gamma_deviance, poisson_deviance
from lamina.scores.ranking import Scores


@dataclass(frozen=True)
class MeanTarget(Target):
    """An amount ↔ its ratio to the training mean; the network gives expected values, in the same unit."""

    column: str
    mean: float
    highest: float

    flat: ClassVar[bool] = True

    @classmethod
    def fit(cls, frame: pl.DataFrame, column: str, form: Mapping[str, Any] | None = None) -> Self:
        values = finite(frame, column)
        cls.check(values, column)
        if values.min() == values.max():
            raise TargetError(
                f"The target {column!r} is always {values[0]:g}: there is nothing to learn.",
                "Bring rows in which it varies, or name another target.",
                column=column,
            )
        return cls(column, float(values.mean()), float(values.max()))

    @classmethod
    def check(cls, values: np.ndarray, column: str) -> None:
        """Raises TargetError for values that cannot be of this kind."""
        raise NotImplementedError

    def read(self, series: pl.Series) -> np.ndarray:
        """float32 ``(rows,)``, NaN where missing."""
        ratio: np.ndarray = (series.cast(pl.Float64).to_numpy() / self.mean).astype(np.float32)
        return ratio

    def values(self, ratio: np.ndarray) -> np.ndarray:
        """Ratios → the user's unit, float64; never more than a tenth above the highest training answer."""
        return np.minimum(ratio.astype(np.float64) * self.mean, (1 + BEYOND) * self.highest)

    def constant(self, answers: np.ndarray) -> np.ndarray:
        """The mean."""
        return np.array([np.nanmean(answers)])

    def error(self, decoded: np.ndarray, answers: np.ndarray) -> float:
        return self.judge(decoded, answers)["deviance"]

    def told(
        self,
        decoded: np.ndarray,
        answered: np.ndarray,
        *,
        probabilities: bool | None = None,
        several: bool = False,
    ) -> list[Told]:
        """``predicted_<target>``, the expected value."""
        return [Numbers(f"predicted_{self.column}", self.values(decoded), answered, single=False)]

    def to_json(self) -> dict[str, Any]:
        return {"answer": self.answer, "column": self.column, "mean": self.mean, "highest": self.highest}

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> Self:
        target = cls(str(state["column"]), float(state["mean"]), float(state["highest"]))
        if not 0 < target.mean <= target.highest < np.inf:
            raise ValueError("a mean lies between zero and the highest value")
        return target


@dataclass(frozen=True)
class CountTarget(MeanTarget):
    """A count, learnt by Poisson deviance, which gives the right mean whatever the spread around it is
    (Gourieroux, Monfort and Trognon 1984, "Pseudo maximum likelihood methods"). Zeros are answers."""

    answer: ClassVar[str] = "count"

    @classmethod
    def check(cls, values: np.ndarray, column: str) -> None:
        below = int((values < 0).sum())
        if below:
            raise TargetError(
                f"The target {column!r} was asked for as a count, but {below:,} rows hold less than zero "
                f"({values.min():g}).",
                'Correct them, or predict a number: Predict(…, answer="number").',
                column=column,
            )

    def loss_of_constant(self, answers: np.ndarray) -> float:
        known = answers[~np.isnan(answers)].astype(np.float64)
        return poisson_deviance(np.full(len(known), known.mean()), known) / 2

    def judge(self, decoded: np.ndarray, answers: np.ndarray) -> Scores:
        return count_scores(self.values(decoded), answers.astype(np.float64) * self.mean)

    def describe(self) -> str:
        return f"the count {self.column!r}"


@dataclass(frozen=True)
class AmountTarget(MeanTarget):
    """A skewed amount above zero, learnt by gamma deviance: errors count in proportion to the amount, and
    the mean is right without a correction, which squared errors of logarithms need afterwards and get only
    where the spread is everywhere the same (Duan 1983, "Smearing estimate")."""

    answer: ClassVar[str] = "amount"

    @classmethod
    def check(cls, values: np.ndarray, column: str) -> None:
        below = int((values <= 0).sum())
        if below:
            raise TargetError(
                f"The target {column!r} was asked for as an amount above zero, but {below:,} rows hold "
                f"{'zero' if values.min() == 0 else 'zero or less'}.",
                'Zeros are possible with Predict(…, answer="count"), anything with answer="number".',
                column=column,
            )

    def loss_of_constant(self, answers: np.ndarray) -> float:
        known = answers[~np.isnan(answers)].astype(np.float64)
        return gamma_deviance(np.full(len(known), known.mean()), known) / 2

    def judge(self, decoded: np.ndarray, answers: np.ndarray) -> Scores:
        return amount_scores(self.values(decoded), answers.astype(np.float64) * self.mean)

    def describe(self) -> str:
        return f"the amount {self.column!r}"
