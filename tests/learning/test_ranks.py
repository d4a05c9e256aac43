"""Rare classes: how far their rows are told from the others, and what the gate makes of it."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from lamina.learning.gate import Judged, Ranked, decide
from lamina.learning.losses import RowLosses
from lamina.learning.ranks import rank_losses
from lamina.learning.records import LearnSettings

NAMES = ("log_loss", "error")


def told(rows: int = 4000, rare: float = 0.03, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    answers = (rng.random(rows) < rare).astype(np.int64)
    scores = np.round(1 / (1 + np.exp(-rng.normal(2.0 * answers, 1))), 2)  # some are alike
    return np.stack([1 - scores, scores], 1), answers


def test_the_mean_is_one_less_the_area_under_the_curve() -> None:
    p, y = told()
    losses = rank_losses(p, y)
    assert len(losses) == y.sum()
    assert 1 - losses.mean() == pytest.approx(roc_auc_score(y, p[:, 1]))


def test_only_rare_classes_count_each_by_itself() -> None:
    p, y = told(rare=0.3)
    assert not len(rank_losses(p, y))
    rng = np.random.default_rng(1)
    many = rng.dirichlet((1, 1, 1), 3000)
    y = rng.choice(3, 3000, p=(0.9, 0.06, 0.04))
    losses = rank_losses(many, y)
    ones = 1 - losses[: (y == 1).sum()].mean()
    assert ones == pytest.approx(roc_auc_score(y == 1, many[:, 1]))
    assert len(losses) == (y > 0).sum()


def verdict(new_gain: float, every_gain: float, *, loss: float = 0.0, rows: int = 60) -> str:
    """What the gate says where the ranks of ``rows`` rows of a rare class are better by so much."""
    rng = np.random.default_rng(3)
    before = rng.gamma(2, 0.02, 2000)
    none = np.zeros(2000)
    after = before - loss + rng.normal(0, 0.002, 2000)
    judged = Judged(RowLosses(before, none, NAMES), RowLosses(after, none, NAMES), (0.1, 0.02))
    ranks = [(each := rng.random(rows), each - gain + rng.normal(0, 0.02, rows)) for gain in
             (new_gain, every_gain)]  # fmt: skip
    return decide(judged, judged, LearnSettings(), ranked=Ranked(*ranks)).outcome


def test_order_alone_can_prove_it_and_must_not_suffer() -> None:
    assert verdict(0.0, 0.001) == "kept"
    assert verdict(0.1, 0.05) == "promoted"
    assert verdict(0.1, -0.02) == "kept"  # among all rows the rare ones stand worse
    assert verdict(0.0, 0.01, loss=0.001) == "promoted"  # the loss proves it, the order is no worse
    assert verdict(0.0, -0.02, loss=0.001) == "kept"
    assert verdict(0.1, -0.02, rows=10) == "kept"  # too few rows to prove anything by
    assert verdict(0.1, -0.02, loss=0.001, rows=10) == "promoted"  # and too few to doubt
