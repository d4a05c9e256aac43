"""How far an update goes: whole or shorter steps, each proved, and honest about exchanged answers."""

from __future__ import annotations

import copy
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import torch
from benchmarks.worlds import rows
from hypothesis import given
from hypothesis import strategies as st

import lamina
from lamina.learning.compare import compared
from lamina.learning.exchanged import Exchanged
from lamina.learning.gate import Judged
from lamina.learning.gate import decide as gate_decides
from lamina.learning.judging import Judges, Seen
from lamina.learning.losses import RowLosses
from lamina.learning.records import LearnSettings, Verdict
from lamina.learning.way import SHARES, Way, between, go
from lamina.network.network import Network

NAMES = ("log_loss", "error")


class FakeWay:
    """Steps that are named by their share."""

    def __init__(self, divisible: bool = True) -> None:
        self.divisible, self.taken = divisible, list[float]()

    def step(self, share: float) -> float:
        self.taken.append(share)
        return share


class FakeJudges:
    """Promotes the steps it is told to, of (share, corrected); ``better``: on new rows all of them are."""

    def __init__(self, *promoted: tuple[float, bool], relation: bool = False, better: bool = True) -> None:
        self.promoted, self.relation, self.better = promoted, relation, better
        self.asked_twice = list[bool]()

    def see(self, candidate: float, *, corrected: bool, follow: bool = False) -> SimpleNamespace:
        return SimpleNamespace(fitted=(candidate, corrected), follow=follow)

    def verdict(self, seen: SimpleNamespace, *, twice: bool, follow: bool = False) -> Verdict:
        assert seen.follow is follow
        self.asked_twice.append(twice)
        losses = np.zeros(20), np.full(20, -0.1 if self.better else 0.1)
        test = compared("new rows", *losses, "log_loss", 0.05, allowed=0.0)
        outcome = "promoted" if seen.fitted in self.promoted else "kept"
        return Verdict(outcome=outcome, why="", tests=(test,))


def gone(judges: FakeJudges, *, divisible: bool = True) -> tuple[Any, str, float]:
    found = go(cast("Way", FakeWay(divisible)), cast("Judges", judges))
    return found.seen.fitted, found.verdict.outcome, found.share


def test_the_whole_step_comes_first() -> None:
    judges = FakeJudges((1.0, True), (0.25, False))
    assert gone(judges) == ((1.0, True), "promoted", 1.0)
    assert judges.asked_twice == [True]


def test_the_longest_step_before_the_first_that_fails() -> None:
    assert gone(FakeJudges((0.25, False), (0.5, False))) == ((0.5, False), "promoted", 0.5)
    assert gone(FakeJudges((0.25, False), (1.0, False))) == ((0.25, False), "promoted", 0.25)
    assert gone(FakeJudges(*((each, False) for each in SHARES))) == ((1.0, False), "promoted", 1.0)
    judges = FakeJudges((0.5, False), (1.0, False))  # a longer one does not count once a shorter failed
    assert gone(judges) == ((1.0, True), "kept", 1.0)
    assert judges.asked_twice == [True, True]


def test_what_is_not_better_as_a_whole_is_not_better_in_part() -> None:
    judges = FakeJudges((0.25, False), better=False)
    assert gone(judges) == ((1.0, True), "kept", 1.0)
    assert len(judges.asked_twice) == 1


def test_a_way_that_cannot_be_divided_is_gone_whole_at_the_whole_level() -> None:
    judges = FakeJudges((0.25, False))
    assert gone(judges, divisible=False) == ((1.0, True), "kept", 1.0)
    assert judges.asked_twice == [False]


def networks() -> tuple[Network, Network]:
    model = lamina.fit(rows(300, np.random.default_rng(0)), "answer", quality="fast", epochs=1)
    begin = model.fitted.network
    end = copy.deepcopy(begin)
    with torch.no_grad():
        for each in end.parameters():
            each.add_(torch.randn(each.shape, generator=torch.Generator().manual_seed(1)) * 0.1)
    return begin, end


def test_between_two_networks_lie_their_weights() -> None:
    begin, end = networks()
    before = [each.clone() for each in (*begin.parameters(), *end.parameters())]
    middle = between(begin, end, 0.25)
    for a, b, m in zip(begin.parameters(), end.parameters(), middle.parameters(), strict=True):
        assert torch.allclose(m, 0.75 * a + 0.25 * b, atol=1e-6)
    assert all(
        torch.equal(a, b) for a, b in zip(before, (*begin.parameters(), *end.parameters()), strict=True)
    )
    assert not middle.training


# --------------------------------------------------------------------------- how often it is mistaken


class Walk:
    """Candidates whose true losses are known: ``gain`` a whole step wins on new rows, ``harm`` it adds to old
    ones, both growing along the way, and noise in proportion to the step."""

    def __init__(self, rng: np.random.Generator, gain: float, harm: float, old: int) -> None:
        self.rng, self.gain, self.harm = rng, gain, harm
        self.before = [rng.gamma(2, 0.2, count) for count in (400, old)]
        self.noise = [rng.normal(0, 0.2, count) for count in (400, old)]
        self.relation = False

    def see(self, share: float, *, corrected: bool, follow: bool = False) -> Seen:
        moves = (-self.gain * share, self.harm * share)
        judged = []
        for before, noise, move in zip(self.before, self.noise, moves, strict=True):
            none = np.zeros(len(before))
            losses = (RowLosses(each, none, NAMES) for each in (before, before + move + share * noise))
            judged.append(Judged(*losses, (0.69, 0.5)))
        return Seen(cast("Any", share), *judged)

    def verdict(self, seen: Seen, *, twice: bool, follow: bool = False) -> Verdict:
        return gate_decides(seen.new, seen.old, LearnSettings(), twice=twice)


@pytest.mark.parametrize("harm", [0.021, 0.04, 0.08, 0.2])
def test_harm_beyond_the_margin_is_seldom_promoted_however_far(harm: float) -> None:
    """The margin is 5 % of 0.4: of steps that lose more on old rows at most 5 % may pass, all in all."""
    rng, harmed = np.random.default_rng(7), 0
    for _ in range(600):
        found = go(cast("Way", FakeWay()), cast("Judges", Walk(rng, gain=0.1, harm=harm, old=200)))
        harmed += found.verdict.outcome == "promoted" and found.share * harm > 0.02
    assert harmed <= 600 * 0.05 + 3 * (600 * 0.05 * 0.95) ** 0.5


def test_no_gain_is_seldom_promoted() -> None:
    rng = np.random.default_rng(8)
    walks = [go(cast("Way", FakeWay()), cast("Judges", Walk(rng, 0.0, 0.0, 2000))) for _ in range(600)]
    assert sum(each.verdict.outcome == "promoted" for each in walks) <= 600 * 0.05 + 3 * 5.4


def test_few_old_rows_vouch_for_a_shorter_step() -> None:
    """A candidate that harms nothing, noisy, and 60 old rows: whole it is kept, a quarter of it promoted."""
    rng = np.random.default_rng(9)
    walks = [go(cast("Way", FakeWay()), cast("Judges", Walk(rng, 0.05, 0.0, 60))) for _ in range(200)]
    shares = [each.share for each in walks if each.verdict.outcome == "promoted"]
    assert len(shares) > 150
    assert np.mean(np.array(shares) < 1) > 0.8


# ------------------------------------------------------------------------------------ exchanged answers


@given(st.floats(0.0, 0.8), st.integers(2, 5), st.integers(0, 99))
def test_how_many_answers_were_exchanged_is_found(share: float, classes: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    told = rng.dirichlet(np.full(classes, 0.3), 4000)
    answers = (told.cumsum(1) > rng.random((4000, 1))).argmax(1)
    answers = np.where(rng.random(4000) < share, rng.integers(0, classes, 4000), answers)
    found = Exchanged.found(told, answers)
    assert abs(found.share - share) < 0.08
    assert np.allclose(found(told).sum(1), 1)


def test_answers_that_are_turned_are_not_exchanged() -> None:
    """A relation that turned round is not explained away: what is left to win stays large."""
    rng = np.random.default_rng(0)
    told = rng.dirichlet((0.3, 0.3), 4000)
    answers = 1 - (told[:, 1] > rng.random(4000))
    mended = Exchanged.found(told, answers)(told)
    lost = -np.log(np.maximum(mended[np.arange(4000), answers], 1e-9)).mean()
    possible = -np.log(np.maximum(told[np.arange(4000), 1 - answers], 1e-9)).mean()
    assert lost > possible + 0.3
