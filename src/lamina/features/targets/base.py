"""What every target is: the column to predict, turned into what the network compares its scores with."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl

from lamina.catalog import ANSWERS
from lamina.features.targets.told import Numbers, Told
from lamina.scores.ranking import Scores

MOST_PROBABILITIES = 20  # classes or labels up to which each one gets a column of its own
BEYOND = 0.1  # of the range of the training answers: no number is answered further outside


class Target(ABC):
    """Answers as the user writes them ↔ what the network learns and gives.

    Two arrays matter. *Answers* are what ``encode`` makes of the table, ``(rows,)`` or ``(rows, k)``: int64
    codes, where -1 is a class that was never seen, or float32, where NaN is missing. *Decoded* is what the
    output layer's ``decode`` gives, ``(rows,)`` or ``(rows, width)``. Subclasses are frozen dataclasses whose
    state is JSON.

    ``answer`` is the name in ``catalog.ANSWERS``; ``codes`` says that answers are codes; ``flat`` that
    decoded answers are ``(rows,)``; ``simplest`` names the constant answer that baselines start from;
    ``frames`` that the answer is read moment by moment, or pixel by pixel, from one column of the kind
    ``source``, so that nothing is read beside it.
    """

    answer: ClassVar[str]
    codes: ClassVar[bool] = False
    flat: ClassVar[bool] = False
    simplest: ClassVar[str] = "mean"
    frames: ClassVar[bool] = False
    source: ClassVar[str] = "audio"
    column: str

    @classmethod
    @abstractmethod
    def fit(cls, frame: pl.DataFrame, column: str, form: Mapping[str, Any] | None = None) -> Self:
        """Learns from the answers of a conformed frame. ``form`` is the field's: order, levels.

        Raises TargetError where there is nothing to learn.
        """

    @property
    def targets(self) -> tuple[str, ...]:
        """The columns that are predicted."""
        return (self.column,)

    def extend(self, frame: pl.DataFrame) -> Target:
        """The target after seeing more rows: it may know more classes, old codes keep their numbers."""
        return self

    def encode(self, frame: pl.DataFrame) -> np.ndarray:
        """The answers of a conformed frame."""
        return self.read(frame[self.column])

    @abstractmethod
    def read(self, series: pl.Series) -> np.ndarray:
        """The answers in one column."""

    @property
    def scores(self) -> int:
        """How many scores the output layer gives."""
        return 1

    @property
    def width(self) -> int:
        """How many columns the decoded answers have."""
        return self.scores

    @property
    def binary(self) -> bool:
        """Whether the answer is one of two classes."""
        return False

    @property
    def picture(self) -> tuple[int, int] | None:
        """Height and width in pixels, where the answer is a picture; those that are read take the same."""
        return None

    @property
    def answer_width(self) -> int:
        """How many columns the answers have; 0 where they are ``(rows,)``."""
        return 0

    def spec(self) -> dict[str, Any]:
        """What the output layer is told besides its sizes, plain JSON."""
        return {}

    @abstractmethod
    def constant(self, answers: np.ndarray) -> np.ndarray:
        """The best decoded answer that is the same in every row, ``(width,)``."""

    @abstractmethod
    def loss_of_constant(self, answers: np.ndarray) -> float:
        """About what the output layer's loss is for ``constant``: several heads are weighed by it."""

    def balance(self, answers: np.ndarray) -> np.ndarray | None:
        """Row weights that give rare answers as much to say as frequent ones; None where none are rare."""
        return None

    @abstractmethod
    def judge(self, decoded: np.ndarray, answers: np.ndarray) -> Scores:
        """Every score of these rows, in the user's unit."""

    @abstractmethod
    def error(self, decoded: np.ndarray, answers: np.ndarray) -> float:
        """The first of the kind's metrics alone: less is better."""

    @property
    def metrics(self) -> tuple[str, ...]:
        """What validation can look at; the first is the default."""
        return ANSWERS[self.answer].metrics

    def written(self, told: np.ndarray) -> np.ndarray:
        """What the output layer tells (``Output.told``) → decoded answers."""
        return told

    @abstractmethod
    def told(
        self,
        decoded: np.ndarray,
        answered: np.ndarray,
        *,
        probabilities: bool | None = None,
        several: bool = False,
    ) -> Sequence[Told]:
        """The answers, the first ``predicted_<target>``; null where ``answered`` is false.

        ``probabilities``: one for each class (None: where there are at most ``MOST_PROBABILITIES``);
        ``several``: probabilities carry the target's name, because other targets stand beside.
        """

    def answer_columns(
        self, decoded: np.ndarray, answered: np.ndarray, **asked: bool | None
    ) -> list[pl.Series]:
        """The same as columns."""
        return [each.series() for each in self.told(decoded, answered, **asked)]  # type: ignore[arg-type]

    @abstractmethod
    def describe(self) -> str:
        """What is predicted, in words."""

    @abstractmethod
    def to_json(self) -> dict[str, Any]:
        """The state as plain JSON values, ``answer`` among them."""

    @classmethod
    @abstractmethod
    def from_json(cls, state: Mapping[str, Any]) -> Self:
        """The target that ``to_json`` wrote."""


def told_probabilities(
    target: str, names: tuple[str, ...], shares: np.ndarray, answered: np.ndarray, several: bool
) -> list[Numbers]:
    """``probability_<name>`` for every class or label, ``shares`` ``(rows, name)``."""
    prefix = f"probability_{target}_" if several else "probability_"
    return [Numbers(f"{prefix}{name}", shares[:, k], answered) for k, name in enumerate(names)]


def wants_all(probabilities: bool | None, names: tuple[str, ...]) -> bool:
    """Whether every class or label gets a column."""
    return len(names) <= MOST_PROBABILITIES if probabilities is None else probabilities
