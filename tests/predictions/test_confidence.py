"""Probabilities that mean what they say, and bounds that hold as often as promised."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

import lamina
from lamina.errors import UsageError
from lamina.features.targets.classes import ClassTarget
from lamina.features.targets.labels import LabelsTarget
from lamina.features.targets.number import NumberTarget
from lamina.features.targets.quantiles import QuantilesTarget
from lamina.network.engine import Answered
from lamina.predictions.bounds import BOUNDS, Bound
from lamina.predictions.calibration import Calibrator
from lamina.predictions.confidence import Confidence
from lamina.predictions.conformal import Online, threshold, thresholds
from lamina.scores.calibration import calibration_error, calibration_noise, reliability
from lamina.scores.classes import log_loss
from small_data import churn_table

SPLITS = 200

# ------------------------------------------------------------------------------------ coverage


def classes_of(rng: np.random.Generator, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of four classes that are too sure of themselves, and what came."""
    scores = rng.normal(size=(rows, 4)) * 1.5
    true = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    answers = (true.cumsum(1) > rng.random((rows, 1))).argmax(1)
    told = np.exp(3 * scores) / np.exp(3 * scores).sum(1, keepdims=True)
    return told.astype(np.float32), answers


def numbers_of(rng: np.random.Generator, rows: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Answers whose error grows with the members' disagreement."""
    hard = np.exp(rng.normal(size=rows))
    told = rng.normal(size=rows)
    answers = told + hard * rng.standard_t(4, rows)
    return told.astype(np.float32), (0.1 * hard).astype(np.float32), answers.astype(np.float32)


def quantiles_of(rng: np.random.Generator, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Quantiles that lie too close together."""
    middle, wide = rng.normal(size=rows), np.exp(0.5 * rng.normal(size=rows))
    answers = middle + wide * rng.normal(size=rows)
    told = middle[:, None] + wide[:, None] * np.array([-0.7, 0.0, 0.7])
    return told.astype(np.float32), answers.astype(np.float32)


def labels_of(rng: np.random.Generator, rows: int) -> tuple[np.ndarray, np.ndarray]:
    told = rng.random((rows, 3)).astype(np.float32)
    answers = (rng.random((rows, 3)) < told**1.5).astype(np.float32)
    return told, answers


def drawn(kind: str, rng: np.random.Generator, rows: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Decoded answers, spread and true answers of a kind."""
    if kind == "number":
        return numbers_of(rng, rows)
    told, answers = {"classes": classes_of, "labels": labels_of, "quantiles": quantiles_of}[kind](rng, rows)
    return told, np.zeros(rows, np.float32), answers


@pytest.mark.parametrize("kind", ["classes", "number", "quantiles", "labels"])
def test_bounds_hold_as_often_as_promised(kind: str):
    """Over many splits the mean coverage is the promise: its distribution is known (Vovk 2012), a beta
    distribution whose mean lies between c and c + 1 / (n + 1)."""
    rng, promised, rows = np.random.default_rng(5), 0.8, 300
    held = []
    for _ in range(SPLITS):
        told, spread, answers = drawn(kind, rng, 2 * rows)
        bound: Bound = BOUNDS[kind].fit(told[:rows], spread[:rows], answers[:rows], None)
        limits = bound.limits(promised, None, rows)
        inside, _ = bound.held(told[rows:], spread[rows:], answers[rows:], limits)
        held.append(inside.mean())
    kept = len(bound.misfits)
    deviation = np.sqrt(promised * (1 - promised) * (1 / kept + 1 / rows) / SPLITS)
    assert np.mean(held) > promised - 4 * deviation
    # sets always hold the most probable class, labels those told: they may cover more
    if kind in ("number", "quantiles"):
        assert np.mean(held) < promised + 1 / kept + 4 * deviation
        assert np.std(held) < 1.5 * np.sqrt(promised * (1 - promised) * (1 / kept + 1 / rows))


def test_intervals_are_wide_where_rows_are_hard():
    rng = np.random.default_rng(0)
    told, spread, answers = numbers_of(rng, 6000)
    bound = BOUNDS["number"].fit(told[:3000], spread[:3000], answers[:3000], None)
    inside, width = bound.held(told[3000:], spread[3000:], answers[3000:], bound.limits(0.9, None, 3000))
    hard = spread[3000:] > np.median(spread)
    assert width[hard].mean() > 2 * width[~hard].mean()
    # how hard a row is stays within what was met, so that the hardest are covered a little less
    assert abs(inside[hard].mean() - inside[~hard].mean()) < 0.06
    always = np.quantile(np.abs(answers[:3000] - told[:3000]), 0.9)
    assert np.median(width) < 1.5 * always


def test_coverage_in_every_class_and_every_group():
    rng = np.random.default_rng(1)
    told, answers = classes_of(rng, 20_000)
    told[:, 3] *= 0.2  # the last class is told far too rarely
    told /= told.sum(1, keepdims=True)
    first, second = slice(0, 10_000), slice(10_000, None)
    none = np.zeros(10_000, np.float32)
    plain = BOUNDS["classes"].fit(told[first], none, answers[first], None)
    inside, _ = plain.held(told[second], none, answers[second], plain.limits(0.8, None, 10_000))
    assert inside[answers[second] == 3].mean() < 0.74
    each = BOUNDS["classes"].fit(told[first], none, answers[first], answers[first])
    inside, _ = each.held(told[second], none, answers[second], each.limits(0.8, np.arange(4), 4))
    for k in range(4):
        assert inside[answers[second] == k].mean() > 0.77


def test_coverage_in_every_group_over_many_splits():
    """Each group by itself keeps the promise, easy or hard, and not much more."""
    rng, promised, rows = np.random.default_rng(6), 0.8, 400
    held: list[list[float]] = [[], []]
    for _ in range(SPLITS):
        told, spread, answers = drawn("number", rng, 2 * rows)
        groups = (rng.random(2 * rows) < 0.3).astype(int)
        answers = told + np.where(groups, 5, 1) * (answers - told)
        first, second = slice(0, rows), slice(rows, None)
        bound = BOUNDS["number"].fit(told[first], 0 * spread[first], answers[first], groups[first])
        limits = bound.limits(promised, groups[second], rows)
        inside, _ = bound.held(told[second], 0 * spread[second], answers[second], limits)
        for each in (0, 1):
            held[each].append(inside[groups[second] == each].mean())
    for each, kept in ((0, 0.7 * 0.8 * rows), (1, 0.3 * 0.8 * rows)):
        deviation = np.sqrt(promised * (1 - promised) * 2 / kept / SPLITS)
        assert promised - 4 * deviation < np.mean(held[each]) < promised + 1.5 / kept + 4 * deviation


def test_coverage_in_every_class_over_many_splits():
    rng, promised, rows = np.random.default_rng(7), 0.8, 600
    held: list[list[float]] = [[] for _ in range(4)]
    for _ in range(SPLITS):
        told, answers = classes_of(rng, 2 * rows)
        none = np.zeros(rows, np.float32)
        bound = BOUNDS["classes"].fit(told[:rows], none, answers[:rows], answers[:rows])
        inside, _ = bound.held(told[rows:], none, answers[rows:], bound.limits(promised, np.arange(4), 4))
        for each in range(4):
            held[each].append(inside[answers[rows:] == each].mean())
    deviation = np.sqrt(promised * (1 - promised) * 2 / (rows / 4) / SPLITS)
    assert min(map(np.mean, held)) > promised - 4 * deviation


def test_weights_keep_coverage_where_other_rows_come():
    """Rows with a large x are hard and come three times as often: without weights coverage is lost."""
    rng, promised, rows = np.random.default_rng(8), 0.8, 500
    plain, weighted = [], []
    for _ in range(SPLITS):
        x, new = rng.random(rows), rng.random(4 * rows)
        new = new[rng.random(4 * rows) < np.where(new > 0.5, 0.75, 0.25)]
        misfits, later = (
            np.abs(rng.normal(size=len(each))) * np.where(each > 0.5, 4, 1) for each in (x, new)
        )
        plain.append((later <= threshold(misfits, promised)).mean())
        weights = np.where(x > 0.5, 0.75, 0.25)
        weighted.append((later <= threshold(misfits, promised, weights)).mean())
    assert np.mean(plain) < promised - 0.03
    assert promised - 0.005 < np.mean(weighted) < promised + 0.01


def test_thresholds_by_hand():
    misfits = np.arange(1.0, 20.0)
    assert threshold(misfits, 0.9) == 18
    assert threshold(misfits, 0.95) == 19
    assert threshold(misfits, 0.96) == np.inf
    assert threshold(misfits, 0.9, np.ones(19)) == 18
    late = np.where(misfits > 10, 1.0, 0.0)  # only the last nine rows are like what comes now
    assert threshold(misfits, 0.5, late) == 15
    groups = np.repeat([0, 1], [15, 4])
    assert thresholds(misfits, groups, 2, 0.8).tolist() == [13, 19]
    assert thresholds(misfits, groups, 2, 0.9).tolist() == [15, 18]


def test_coverage_on_a_stream_that_drifts():
    rng, online, held, level = np.random.default_rng(0), Online(0.9, pace=0.02), [], 0.9
    kept = np.abs(rng.normal(size=500))
    for step in range(4000):
        missed = abs(rng.normal()) * (1 if step < 1000 else 3)
        held.append(missed <= threshold(kept, level))
        level = online.seen(held[-1])
    assert np.mean(held[1000:]) == pytest.approx(0.9, abs=0.02)
    plain = np.mean(np.abs(rng.normal(size=4000)) * 3 <= threshold(kept, 0.9))
    assert plain < 0.5


# ---------------------------------------------------------------------------------- calibration


def test_calibration_makes_sure_probabilities_honest():
    rng = np.random.default_rng(2)
    told, answers = classes_of(rng, 6000)
    calibrator = Calibrator.fit(told[:3000], answers[:3000])
    honest = calibrator(told[3000:])
    assert calibrator.name != "none"
    assert log_loss(honest, answers[3000:]) < log_loss(told[3000:], answers[3000:]) - 0.05
    assert calibration_error(told[3000:], answers[3000:]) > 0.15
    assert calibration_error(honest, answers[3000:]) < 2 * calibration_noise(honest) + 0.01
    np.testing.assert_allclose(honest.sum(1), 1, atol=1e-5)


def test_honest_probabilities_stay():
    rng = np.random.default_rng(3)
    p = rng.dirichlet(np.ones(3), 4000)
    answers = (p.cumsum(1) > rng.random((4000, 1))).argmax(1)
    changed = Calibrator.fit(p[:2000], answers[:2000])(p[2000:])
    assert log_loss(changed, answers[2000:]) < log_loss(p[2000:], answers[2000:]) + 0.005


@pytest.mark.parametrize("rows", [3, 60, 400])
def test_few_rows_and_missing_classes(rows: int):
    rng = np.random.default_rng(rows)
    told, answers = classes_of(rng, rows)
    answers[answers == 2] = -1
    honest = Calibrator.fit(told, answers)(told)
    assert np.isfinite(honest).all()
    assert honest.shape == told.shape


def test_the_noise_of_few_rows_and_the_reliability_by_hand():
    p = np.array([[0.9, 0.1], [0.9, 0.1], [0.4, 0.6], [0.4, 0.6]])
    low, high = reliability(p, np.array([0, 1, 1, 1]), bins=10)
    assert (low.rows, low.right, round(low.confidence, 6)) == (2, 1.0, 0.6)
    assert (high.rows, high.right, round(high.confidence, 6)) == (2, 0.5, 0.9)
    rng = np.random.default_rng(0)
    some = np.stack([q := rng.random(20_000), 1 - q], 1)
    came = (rng.random(20_000) < some[:, 1]).astype(int)
    assert calibration_error(some, came) == pytest.approx(calibration_noise(some), abs=0.006)


# ------------------------------------------------------------------------------- whole models


@pytest.fixture(scope="module")
def churn() -> lamina.Model:
    return lamina.fit(churn_table(1500, seed=0), "churned", quality="fast", epochs=4)


def test_answers_carry_a_set_that_holds_the_answer(churn: lamina.Model, tmp_path: Path):
    new = churn_table(1000, seed=1)
    answers = churn.predict(new)
    inside = answers["prediction_set"].list.contains(answers["predicted_churned"])
    assert inside.all()
    truth = pl.DataFrame([answers["prediction_set"], new["churned"]])
    covered = truth.select(pl.col("prediction_set").list.contains(pl.col("churned")))["prediction_set"]
    assert covered.mean() > 0.86
    assert churn.evaluate(new).scores["coverage"] == pytest.approx(covered.mean())
    wide = churn.predict(new, coverage=0.98)["prediction_set"].list.len()
    assert wide.mean() > answers["prediction_set"].list.len().mean()
    again = lamina.load(churn.save(tmp_path / "churn.lamina"))
    assert again.predict(new, coverage=0.95).equals(churn.predict(new, coverage=0.95))
    alone = pl.concat([churn.predict(new[k]) for k in range(3)])
    assert alone["prediction_set"].to_list() == answers["prediction_set"][:3].to_list()


def test_a_coverage_that_cannot_be_promised_is_refused(churn: lamina.Model):
    with pytest.raises(UsageError, match="promise at most"):
        churn.predict(churn_table(5), coverage=0.9999)
    with pytest.raises(UsageError, match="share between 0 and 1"):
        lamina.fit(churn_table(100), "churned", coverage=1.5)
    with pytest.raises(UsageError, match="no column that is read"):
        lamina.fit(churn_table(100), "churned", coverage_by="plann")


def test_few_rows_promise_nothing_and_say_so():
    model = lamina.fit(churn_table(40), "churned", quality="fast", epochs=1)
    assert "prediction_set" not in model.predict(churn_table(3, seed=1)).columns
    assert "there are no bounds" in str(model)


def test_bounds_in_every_group_of_a_column():
    table = churn_table(2500, seed=3)
    model = lamina.fit(table, "churned", quality="fast", epochs=2, coverage_by="plan")
    assert "in every group of 'plan'" in str(model)
    confidence = model.fitted.confidence
    assert confidence is not None
    assert confidence.groups == ("basic", "plus", "pro")
    assert model.predict(table.drop("churned").head(5)).height == 5
    assert model.evaluate(churn_table(500, seed=4)).scores["coverage"] > 0.84
    each = lamina.fit(table, "churned", quality="fast", epochs=1, coverage_by="churned")
    assert each.evaluate(churn_table(500, seed=4)).scores["coverage"] > 0.84


def test_intervals_of_a_number():
    rng = np.random.default_rng(0)
    x = rng.uniform(-2, 2, 1500)
    table = pl.DataFrame({"x": x, "y": 3 * x + np.exp(0.7 * x) * rng.normal(size=1500)})
    model = lamina.fit(table[:1000], "y", quality="fast", epochs=10)
    answers = model.predict(table[1000:])
    truth = table["y"][1000:]
    inside = ((answers["y_low"] <= truth) & (truth <= answers["y_high"])).mean()
    assert 0.84 < inside < 0.96
    width = answers["y_high"] - answers["y_low"]
    assert width.filter(table["x"][1000:] > 1).mean() > 1.5 * width.filter(table["x"][1000:] < -1).mean()


def test_a_state_that_does_not_fit_is_refused():
    told, answers = classes_of(np.random.default_rng(0), 400)
    target = ClassTarget("t", ("a", "b", "c", "d"), "string")
    answered = Answered(told, np.zeros((400, 1), np.float32))
    confidence = Confidence.found(target, answered, answers)
    state, tensors = confidence.to_json(), confidence.tensors()
    again = Confidence.of(state, tensors, target)
    np.testing.assert_array_equal(again.calibrated(told), confidence.calibrated(told))
    for broken in (
        {name: each for name, each in tensors.items() if "misfits" not in name},
        {**tensors, "0.bound.misfits": np.zeros((2, 2))},
        {**tensors, "0.calibration.extra": np.zeros(2)},
        {**tensors, "0.bound.groups": np.zeros(3, np.int64)},
    ):
        with pytest.raises((ValueError, KeyError)):
            Confidence.of(state, broken, target)
    with pytest.raises(ValueError, match="coverage"):
        Confidence.of({**state, "coverage": 2.0}, tensors, target)


def test_every_kind_of_bound_survives_its_file():
    rng = np.random.default_rng(0)
    targets = {
        "number": NumberTarget("n", 0.0, 1.0, -9.0, 9.0, False),
        "quantiles": QuantilesTarget("n", 0.0, 1.0, -9.0, 9.0, False, (0.1, 0.5, 0.9)),
        "labels": LabelsTarget("l", ("a", "b", "c")),
    }
    for kind, target in targets.items():
        told, spread, answers = drawn(kind, rng, 300)
        answered, known = Answered(told, spread[:, None]), np.ones(300, bool)
        found = Confidence.found(target, answered, answers)
        again = Confidence.of(found.to_json(), found.tensors(), target)
        for one, other in zip(found.columns(answered, known), again.columns(answered, known), strict=True):
            assert one.series().equals(other.series(), check_names=True)


@pytest.mark.parametrize("seed", range(12))
def test_a_correction_by_few_rows_of_a_class_never_turns_the_order_round(seed: int) -> None:
    rng = np.random.default_rng(seed)
    odds = rng.normal(-5, 1, 900)
    p = 1 / (1 + np.exp(-odds))
    answers = np.zeros(900, np.int64)
    answers[rng.permutation(900)[:6]] = 1  # whatever the row
    both = np.stack([1 - p, p], 1)
    told = Calibrator.by("linear", both, answers)(both)[np.argsort(p), 1]
    assert (np.diff(told) >= 0).all()
