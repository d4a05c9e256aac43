"""The gate: how often it lets through what is no better, and that it sees what is."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from lamina.data.groups import Grouping
from lamina.learning.compare import allowance, compared, upper
from lamina.learning.gate import Judged, contradicted, decide
from lamina.learning.losses import RowLosses
from lamina.learning.records import LearnSettings

SETTINGS = LearnSettings()
NAMES = ("log_loss", "error")


def judged(
    rows: int, gain: float, seed: int = 0, *, decides: float | None = None, champion: float = 0.5
) -> Judged:
    """Losses of a champion and of a candidate that is better by ``gain`` on average."""
    rng = np.random.default_rng(seed)
    before = rng.gamma(2, champion / 2, rows)
    after = before - gain + rng.normal(0, 0.1, rows)
    wrong = (rng.random(rows) < 0.25).astype(float)
    better = gain if decides is None else decides
    mended = wrong - (rng.random(rows) < abs(better)) * np.sign(better)
    return Judged(RowLosses(before, wrong, NAMES), RowLosses(after, mended, NAMES), (0.69, 0.5))


def test_the_bound_is_that_of_a_paired_t_test() -> None:
    values = np.random.default_rng(0).normal(0.1, 1, 50)
    wanted = stats.ttest_1samp(values, 0, alternative="less").confidence_interval(0.95).high
    assert upper(values, 0.05) == pytest.approx(wanted)


def test_better_on_new_and_no_worse_on_old_is_promoted() -> None:
    verdict = decide(judged(300, 0.05), judged(1000, 0.0), SETTINGS)
    assert verdict.outcome == "promoted"
    assert verdict.tests[0].passed
    assert not verdict.followed


def test_no_better_is_kept_and_says_so() -> None:
    verdict = decide(judged(300, 0.0), judged(1000, 0.0), SETTINGS)
    assert verdict.outcome == "kept"
    assert "not proved to be better" in verdict.why
    nearly = decide(judged(40, 0.01, seed=3), judged(1000, 0.0), SETTINGS)
    assert nearly.outcome == "kept"
    assert nearly.advice


def test_worse_on_old_rows_is_kept() -> None:
    verdict = decide(judged(300, 0.05), judged(1000, -0.1), SETTINGS)
    assert verdict.outcome == "kept"
    assert "old rows" in verdict.why
    assert not contradicted(verdict)  # it does decide better on the new ones
    assert contradicted(decide(judged(300, 0.05, decides=0.0), judged(1000, -0.1), SETTINGS))


def test_a_changed_relation_is_followed_only_by_better_decisions() -> None:
    old = judged(1000, -0.1)
    new = judged(400, 0.2)
    assert decide(new, old, SETTINGS, relation=False).outcome == "kept"
    followed = decide(new, old, SETTINGS, relation=True)
    assert (followed.outcome, followed.followed) == ("promoted", True)
    assert decide(new, old, LearnSettings(relation="hold"), relation=True).outcome == "kept"
    only_less_sure = judged(400, 0.2, decides=0.0)
    assert decide(only_less_sure, old, SETTINGS, relation=True).outcome == "kept"


def test_a_group_that_is_worse_keeps_the_champion() -> None:
    new, old = judged(400, 0.05), judged(1000, 0.0)
    inside = np.arange(1400) >= 1300
    new.candidate.loss[:] -= 0.05
    old.candidate.loss[:] -= 0.05
    old.candidate.loss[-100:] += 0.4
    groups = [Grouping("city", "values", ("Bern", "other"), np.stack([inside, ~inside]))]
    assert decide(new, old, SETTINGS).outcome == "promoted"
    verdict = decide(new, old, SETTINGS, groups=groups)
    assert verdict.outcome == "kept"
    assert "city = Bern" in verdict.why


def test_few_rows_prove_nothing() -> None:
    verdict = decide(judged(10, 0.3), judged(1000, 0.0), SETTINGS)
    assert verdict.outcome == "kept"
    assert "too few" in verdict.why
    assert decide(judged(300, 0.05), judged(0, 0.0), SETTINGS).outcome == "promoted"  # nothing old is kept


def test_new_classes_may_not_take_old_rows() -> None:
    old = judged(1000, 0.0)
    for share, outcome in ((0.01, "promoted"), (0.2, "kept")):
        taken = old._replace(small=1.0, taken=share)
        assert decide(judged(300, 0.5), taken, SETTINGS).outcome == outcome


def test_the_margin_is_a_share_of_what_matters() -> None:
    assert allowance(np.full(5, 0.4), 0.7, 0.05) == pytest.approx(0.02)
    assert allowance(np.full(5, 0.001), 0.7, 0.05) == pytest.approx(0.0035)
    assert allowance(np.full(5, 0.001), 0.7, 0.05, 1.0) == pytest.approx(0.035)


def test_the_same_answers_are_not_worse() -> None:
    same = np.ones(50)
    assert not compared("new", same, same, "loss", 0.05, allowed=0.0).passed
    assert compared("old", same, same, "loss", 0.05, allowed=0.01).passed


def test_a_candidate_that_is_no_better_is_seldom_promoted() -> None:
    passed = [compared("new", *_null(seed), "loss", 0.05, allowed=0.0).passed for seed in range(2000)]
    assert np.mean(passed) == pytest.approx(0.05, abs=0.016)


def test_a_candidate_at_the_margin_is_seldom_let_through() -> None:
    passed = []
    for seed in range(2000):
        champion, candidate = _null(seed)
        passed.append(compared("old", champion, candidate + 0.02, "loss", 0.05, allowed=0.02).passed)
    assert np.mean(passed) == pytest.approx(0.05, abs=0.016)


def _null(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    champion = rng.gamma(1, 0.5, 200)
    return champion, champion + rng.normal(0, 0.1, 200)
