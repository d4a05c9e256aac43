"""Scores against scikit-learn and against hand calculation."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics

from lamina.scores.classes import calibration_error, class_scores
from lamina.scores.intervals import intervals
from lamina.scores.numbers import number_scores

RNG = np.random.default_rng(0)


def drawn(classes: int, rows: int = 300) -> tuple[np.ndarray, np.ndarray]:
    y = RNG.integers(0, classes, rows)
    p = RNG.dirichlet(np.ones(classes), rows) + 0.5 * np.eye(classes)[y] * RNG.random((rows, 1))
    return (p / p.sum(1, keepdims=True)).round(3), y


@pytest.mark.parametrize("classes", [2, 3, 7])
def test_scores_of_classes_equal_those_of_scikit_learn(classes: int) -> None:
    p, y = drawn(classes)
    p /= p.sum(1, keepdims=True)
    mine, chosen = class_scores(p, y), p.argmax(1)
    one_hot = np.eye(classes)[y]
    columns = [1] if classes == 2 else range(classes)
    assert mine["accuracy"] == pytest.approx(metrics.accuracy_score(y, chosen))
    assert mine["balanced_accuracy"] == pytest.approx(metrics.balanced_accuracy_score(y, chosen))
    assert mine["f1"] == pytest.approx(metrics.f1_score(y, chosen, average="macro"))
    assert mine["log_loss"] == pytest.approx(
        metrics.log_loss(y, np.clip(p, 1e-12, 1), labels=range(classes)), rel=1e-6
    )
    areas = [metrics.roc_auc_score(one_hot[:, k], p[:, k]) for k in columns]
    assert mine["auroc"] == pytest.approx(np.mean(areas))
    precisions = [metrics.average_precision_score(one_hot[:, k], p[:, k]) for k in columns]
    assert mine["average_precision"] == pytest.approx(np.mean(precisions))


def test_scores_of_numbers_equal_those_of_scikit_learn() -> None:
    y = RNG.normal(100, 10, 200)
    told = y + RNG.normal(0, 3, 200)
    mine = number_scores(told, y)
    assert mine["rmse"] == pytest.approx(metrics.root_mean_squared_error(y, told))
    assert mine["mae"] == pytest.approx(metrics.mean_absolute_error(y, told))
    assert mine["r2"] == pytest.approx(metrics.r2_score(y, told))
    assert "r2" not in number_scores(np.array([1.0, 2.0]), np.array([3.0, 3.0]))


def test_the_calibration_error_by_hand() -> None:
    # ten answers at 0.8 of which six are right, ten at 0.6 of which all are: (10·0.2 + 10·0.4) / 20
    p = np.array([[0.8, 0.2]] * 10 + [[0.6, 0.4]] * 10)
    y = np.array([0] * 6 + [1] * 4 + [0] * 10)
    assert calibration_error(p, y) == pytest.approx(0.3)
    assert calibration_error(np.array([[1.0, 0.0]]), np.array([0])) == 0.0


def test_intervals_contain_the_score_and_shrink_with_rows() -> None:
    p, y = drawn(3, 2000)
    few, many = intervals(class_scores, p[:100], y[:100]), intervals(class_scores, p, y)
    for name, value in class_scores(p, y).items():
        if name == "ece":  # a few rows drawn again look worse calibrated than they are
            continue
        low, high = many[name]
        assert low <= value <= high, name
        assert high - low < few[name][1] - few[name][0]
    assert intervals(class_scores, p, y) == many, "the same rows give the same intervals"


def test_a_class_never_seen_counts_as_wrong_and_has_no_probability() -> None:
    p, y = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.7, 0.3]]), np.array([0, 1, -1, 1])
    found = class_scores(p, y)
    assert found["accuracy"] == 0.5
    assert found["balanced_accuracy"] == pytest.approx((1 + 0.5 + 0) / 3)
    assert found["log_loss"] == pytest.approx(-np.log([0.9, 0.8, 0.3]).mean())
    only = class_scores(p, np.full(4, -1))
    assert only["accuracy"] == 0
    assert "log_loss" not in only


def test_rows_of_one_class_have_no_ranking() -> None:
    found = class_scores(np.array([[0.9, 0.1], [0.2, 0.8]]), np.array([0, 0]))
    assert "auroc" not in found
    assert found["accuracy"] == 0.5


def test_the_interval_of_a_gap_holds_the_gap_itself() -> None:
    for seed in range(5):
        rng = np.random.default_rng(seed)
        p = rng.uniform(0.5, 1, 400)
        two = np.stack([1 - p, p], axis=1)
        came = (rng.random(400) < p).astype(np.int64)
        found = intervals(lambda a, b: {"ece": calibration_error(a, b)}, two, came, seed)["ece"]
        assert 0 <= found[0] <= calibration_error(two, came) <= found[1]
