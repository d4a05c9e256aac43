"""Every registered kind keeps the contracts, and the checks notice one that does not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
import pytest
import torch

from lamina.catalog import ANSWERS, KINDS
from lamina.checks import ContractError, check_feature, check_kind, made
from lamina.checks.answers import AnswerError, check_answer, check_output, check_target
from lamina.errors import UsageError
from lamina.features.base import Arrays
from lamina.features.flag import FlagFeature
from lamina.features.targets.number import NumberTarget
from lamina.network.outputs.number import Number

# Kinds that need a part which may be absent: what is imported, and the extra it comes with
NEEDS = {"audio": ("soundfile", "audio")}


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_keeps_its_contracts(name: str) -> None:
    if name in NEEDS:
        module, extra = NEEDS[name]
        pytest.importorskip(module, reason=f'needs pip install "lamina[{extra}]"')
    check_kind(name)


def test_an_unknown_kind_is_answered_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="Did you mean 'number'"):
        check_kind("nummber")


@dataclass(frozen=True)
class Learner(FlagFeature):
    """Looks at the other rows while it transforms."""

    def transform(self, frame: pl.DataFrame) -> Arrays:
        (array,) = super().transform(frame).values()
        return {self.name: array - array.sum(0, keepdims=True)}


@dataclass(frozen=True)
class Loser(FlagFeature):
    """Leaves rows out."""

    def transform(self, frame: pl.DataFrame) -> Arrays:
        return super().transform(frame.drop_nulls())


@dataclass(frozen=True)
class Dice(FlagFeature):
    """Answers differently every time."""

    def transform(self, frame: pl.DataFrame) -> Arrays:
        return {self.name: np.random.default_rng().normal(size=(frame.height, 2))}


@pytest.mark.parametrize(("kind", "why"), [(Learner, "alone"), (Loser, "per row"), (Dice, "deterministic")])
def test_a_broken_feature_is_noticed(kind: type[FlagFeature], why: str) -> None:
    frame = made._flags(0, False)
    with pytest.raises(ContractError, match=why):
        check_feature(kind.fit("flag", frame, frame.columns), frame, frame)


@pytest.mark.parametrize("name", ANSWERS)
def test_every_kind_of_answer_keeps_its_contracts(name: str) -> None:
    check_answer(name)


def test_an_unknown_answer_is_answered_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="Did you mean 'ordered'"):
        check_answer("orderd")


@dataclass(frozen=True)
class Forgetful(NumberTarget):
    """Forgets the mean in its file."""

    def to_json(self) -> dict[str, object]:
        return {**super().to_json(), "mean": 0.0}


class Steep(Number):
    """Its gradient is not that of its loss."""

    def losses(self, scores: torch.Tensor, answers: torch.Tensor) -> torch.Tensor:
        return (
            super().losses(scores, answers).detach()
            + 2 * scores.squeeze(-1)
            - 2 * scores.detach().squeeze(-1)
        )


def test_a_broken_answer_is_noticed() -> None:
    frame, _ = made.made_answers("number")
    with pytest.raises(AnswerError, match="from_json"):
        check_target(Forgetful.fit(frame, "number"), frame)
    with pytest.raises(AnswerError, match="finite differences"):
        check_output(Steep(5, 1, 3), NumberTarget.fit(frame, "number"), frame)
