"""Every registered kind keeps the contracts, and the checks notice one that does not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
import pytest

from lamina.catalog import KINDS
from lamina.checks import ContractError, check_feature, check_kind, made
from lamina.errors import UsageError
from lamina.features.base import Arrays
from lamina.features.flag import FlagFeature

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
