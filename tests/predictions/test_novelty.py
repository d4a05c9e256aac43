"""Rows unlike the training rows are told from others, by what the network sees; answers abstain."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.covariance import EmpiricalCovariance
from sklearn.datasets import load_digits
from sklearn.metrics import roc_auc_score

import lamina
from lamina.errors import ModelFileError
from lamina.features.targets.classes import ClassTarget
from lamina.features.targets.labels import LabelsTarget
from lamina.features.targets.number import NumberTarget
from lamina.features.targets.told import LabelSets
from lamina.predictions import surroundings
from lamina.predictions.abstain import abstentions
from lamina.predictions.novelty import FALSE_ALARMS, Novelty, entropy
from lamina.predictions.surroundings import HASHED, Surroundings, hashed
from small_data import churn_table

THREE = ClassTarget("t", ("a", "b", "c"), "string")

# ---------------------------------------------------------------------------------- distances


def groups(rng: np.random.Generator, rows: int, wide: int = 6) -> tuple[np.ndarray, np.ndarray]:
    """Three clouds of one shape."""
    classes = rng.integers(0, 3, rows)
    shape = np.random.default_rng(7).normal(size=(wide, wide))
    middles = 4 * np.random.default_rng(8).normal(size=(3, wide))
    return (middles[classes] + rng.normal(size=(rows, wide)) @ shape).astype(np.float32), classes


@pytest.mark.parametrize("relative", [False, True])
def test_the_distance_is_mahalanobis_as_scikit_learn_has_it(relative: bool, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(surroundings, "RIDGE", 1e-9)
    rng = np.random.default_rng(0)
    seen, classes = groups(rng, 20_000)
    new, _ = groups(rng, 50)
    means = np.stack([seen[classes == k].mean(0) for k in range(3)])
    within = EmpiricalCovariance().fit(seen - means[classes])
    wanted = np.min([within.mahalanobis(new - mean) for mean in means], axis=0)
    if relative:
        wanted = wanted - EmpiricalCovariance().fit(seen).mahalanobis(new)
    told = Surroundings.fit(seen, classes, relative=relative).distance(new)
    np.testing.assert_allclose(told, wanted, rtol=0.02, atol=0.02)


def test_directions_in_which_little_varies_count_as_much():
    rng = np.random.default_rng(0)
    seen = rng.normal(size=(5000, 5)) * np.array([5, 4, 1, 1, 1])
    found = Surroundings.fit(seen.astype(np.float32), None, relative=False)
    away = np.array([[0, 0, 10, 0, 0], [50, 0, 0, 0, 0]], np.float32)
    assert found.distance(away) == pytest.approx([100, 100], rel=0.15)


@given(st.integers(1, 1200), st.integers(0, 5))
def test_many_values_are_added_up_with_their_lengths(wide: int, seed: int):
    x = np.random.default_rng(seed).normal(size=(8, wide)).astype(np.float32)
    told = hashed(x)
    assert told.shape == (8, min(wide, HASHED))
    assert (told**2).sum() == pytest.approx((x**2).sum(), rel=0.5)
    np.testing.assert_allclose(hashed(2 * x), 2 * told, rtol=1e-5)


@pytest.mark.parametrize("relative", [False, True])
@pytest.mark.parametrize("wide", [7, HASHED, 700])
def test_torch_tells_the_same_distance(wide: int, relative: bool):
    rng = np.random.default_rng(0)
    seen, classes = rng.normal(size=(400, wide)).astype(np.float32), rng.integers(0, 3, 400)
    found = Surroundings.fit(seen, classes, relative=relative)
    told = found.distance(torch.from_numpy(seen))
    assert told.dtype == np.float64
    np.testing.assert_allclose(told, found.distance(seen), rtol=1e-4, atol=1e-2)


def test_the_mean_of_a_class_of_one_row_is_not_that_row():
    seen = np.zeros((10, 3), np.float32)
    seen[0] = 9
    found = Surroundings.fit(seen, np.r_[0, np.ones(9, int)], relative=False)
    mean = found.centre + found.means[0] @ np.linalg.inv(found.within)
    assert np.abs(mean - seen[0]).min() > 3


def test_entropy_by_hand():
    p = np.array([[0.5, 0.5, 0.0], [1.0, 0.0, 0.0]], np.float32)
    assert entropy(THREE, p) == pytest.approx([np.log(2), 0], abs=1e-6)
    labels = LabelsTarget("l", ("a", "b", "c"))
    assert entropy(labels, p) == pytest.approx([2 * np.log(2), 0], abs=1e-6)


# -------------------------------------------------------------------------------- false alarms


def made(rng: np.random.Generator, rows: int) -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
    seen, classes = groups(rng, rows)
    far = np.abs(seen[:, :3]) + 0.1
    return [seen], classes, (far / far.sum(1, keepdims=True)).astype(np.float32)


def test_false_alarms_are_as_rare_as_stated():
    """Over 200 random splits: at most the share stated, and not far below it."""
    rng, alarms, kept = np.random.default_rng(3), [], 400
    learnt, classes, _ = made(rng, 500)
    for _ in range(200):
        seen, _, decoded = made(rng, 2 * kept)
        novelty = Novelty.found(THREE, learnt, classes, [seen[0][:kept]], decoded[:kept], deep=False)
        told = novelty.judge(THREE)(decoded[kept:], [seen[0][kept:]])
        alarms.append(novelty.unlike(told).mean())
    deviation = np.sqrt(FALSE_ALARMS * (1 / kept + 1 / kept) / 200)
    assert np.mean(alarms) < FALSE_ALARMS + 4 * deviation
    assert np.mean(alarms) > FALSE_ALARMS - 1 / kept - 4 * deviation


@pytest.mark.parametrize("deep", [False, True])
def test_strangers_are_found_and_the_file_keeps_it(deep: bool):
    rng = np.random.default_rng(0)
    learnt, classes, _ = made(rng, 2000)
    kept, _, decoded = made(rng, 500)
    novelty = Novelty.found(THREE, learnt, classes, kept, decoded, deep=deep)
    strange = [np.asarray(rng.normal(size=(200, 6)) * 30 + 40, np.float32)]
    even = np.full((200, 3), 1 / 3, np.float32)
    own, others = novelty.judge(THREE)(decoded, kept), novelty.judge(THREE)(even, strange)
    assert novelty.unlike(others).mean() > 0.9
    assert novelty.unlike(own).mean() <= FALSE_ALARMS
    again = Novelty.of(novelty.tensors(), THREE)
    np.testing.assert_array_equal(again.judge(THREE)(even, strange), others)
    np.testing.assert_array_equal(again.judge(THREE)(decoded, kept), own)


def test_a_state_that_does_not_fit_is_refused():
    rng = np.random.default_rng(0)
    learnt, classes, _ = made(rng, 300)
    kept, _, decoded = made(rng, 200)
    state = Novelty.found(THREE, learnt, classes, kept, decoded, deep=False).tensors()
    for broken in (
        {},
        {name: each for name, each in state.items() if name != "sums"},
        {**state, "units": np.zeros((2, 1), np.float32)},
        {**state, "sums": np.zeros(5, np.float32)},
        {**state, "0.centre": np.zeros(2, np.float32)},
        {**state, "0.within": state["0.within"][:, :-1]},
        {**state, "7.centre": np.zeros(2, np.float32)},
    ):
        with pytest.raises((ValueError, KeyError)):
            Novelty.of(broken, THREE)
    with pytest.raises(ValueError, match="parts"):  # a number has no entropy
        Novelty.of(state, NumberTarget("n", 0.0, 1.0, -9.0, 9.0, False))


@given(st.integers(99, 10_000))
def test_the_row_most_unlike_of_all_is_called_so(kept: int):
    """Whatever the number of rows kept from training, and though the score is rounded to a float32."""
    surroundings = Surroundings.fit(np.random.default_rng(0).normal(size=(50, 3)), None, relative=False)
    told = Novelty((surroundings,), np.array([[0.0], [1.0]]), np.arange(kept, dtype=np.float32))
    novelty = np.array([kept, int(kept * 0.98)], np.float64) / (kept + 1)
    assert told.unlike(novelty.astype(np.float32)).tolist() == [True, False]


def test_reasons_by_hand():
    chosen = np.array([[1, 0], [1, 1], [0, 0], [0, 1]], bool)
    unlike, known = np.array([False, True, False, True]), np.array([True, True, False, True])
    sets = [LabelSets("prediction_set", chosen, known, ["a", "b"])]
    abstain, reasons = [each.series().to_list() for each in abstentions(sets, unlike, known)]
    assert abstain == [False, True, True, True]
    assert reasons == [
        None,
        "several classes are possible; unlike the training rows",
        "nothing could be read",
        "unlike the training rows",
    ]
    two = [LabelSets("prediction_set_kind", chosen, known, ["a", "b"])]
    assert abstentions(two, None, known)[1].series()[1] == "several classes of kind are possible"
    nothing = [each.series() for each in abstentions([], None, np.zeros(0, bool))]
    assert [(len(each), each.dtype) for each in nothing] == [(0, pl.Boolean), (0, pl.String)]


# -------------------------------------------------------------------------------- whole models


@pytest.fixture(scope="module")
def churn() -> lamina.Model:
    return lamina.fit(churn_table(2000, seed=0), "churned", quality="fast", epochs=4)


def test_rows_from_elsewhere_are_not_relied_on(churn: lamina.Model, tmp_path: Path):
    new = churn_table(1000, seed=1)
    answers = churn.predict(new)
    assert answers["novelty"].is_between(0, 1).all()
    unlike = answers["abstain_reason"].fill_null("").str.contains("unlike")
    assert unlike.mean() < 0.03
    several = answers["prediction_set"].list.len() > 1
    assert answers["abstain"].equals(unlike | several, check_names=False)
    assert answers["abstain"].equals(answers["abstain_reason"].is_not_null(), check_names=False)
    strange = churn.predict(new.with_columns(months=pl.lit(9000), charge=pl.lit(1e5)))
    assert strange["abstain"].mean() > 0.95
    again = lamina.load(churn.save(tmp_path / "churn.lamina"))
    assert again.predict(new).equals(answers)
    alone = pl.concat([churn.predict(new[k]) for k in range(20)])
    assert alone["novelty"].to_numpy() == pytest.approx(answers["novelty"][:20].to_numpy(), abs=0.01)
    assert "rows called unlike the training rows by mistake" in str(churn)


def test_few_rows_learnt_from_in_the_end_still_give_few_false_alarms():
    """Where all rows held out are learnt from at last, they are a little more familiar than new ones."""
    alarms = []
    for seed in range(4):
        model = lamina.fit(churn_table(900, seed=seed), "churned", quality="fast", epochs=4, seed=seed)
        assert model.fitted.novelty is not None
        told = model.predict(churn_table(1000, seed=seed + 50))
        alarms.append(told["abstain_reason"].fill_null("").str.contains("unlike").mean())
    assert np.mean(alarms) < 0.03


def test_too_few_rows_cannot_tell():
    model = lamina.fit(churn_table(300), "churned", quality="fast", epochs=1)
    assert model.fitted.novelty is None
    answers = model.predict(churn_table(3, seed=1))
    assert "novelty" not in answers.columns
    assert "abstain" in answers.columns


@pytest.mark.parametrize("target", ["charge", ("churned", "charge")])
def test_other_answers_know_their_rows_too(target: str | tuple[str, ...]):
    model = lamina.fit(churn_table(1500), target, quality="fast", epochs=3)
    strange = churn_table(200, seed=1).with_columns(months=pl.lit(9000))
    own = model.predict(churn_table(500, seed=1))
    assert own["abstain_reason"].fill_null("").str.contains("unlike").mean() < 0.04
    assert model.predict(strange)["novelty"].mean() > own["novelty"].mean() + 0.2


def test_digits_never_learnt_are_found():
    digits = load_digits()
    frame = pl.DataFrame({"image": digits.images.astype(np.uint8) * 15, "digit": digits.target.astype(str)})
    known = frame.filter(pl.col("digit").str.to_integer() < 7)
    learnt, new = known[:-300], known[-300:]
    model = lamina.fit(learnt, "digit", kinds={"image": "image"}, quality="fast", epochs=6)
    own = model.predict(new)["novelty"].to_numpy()
    strange = model.predict(frame.filter(pl.col("digit").str.to_integer() >= 7))["novelty"].to_numpy()
    truth = np.repeat([0, 1], [len(own), len(strange)])
    assert roc_auc_score(truth, np.concatenate([own, strange])) > 0.85


def test_files_without_it_answer_as_before(churn: lamina.Model, tmp_path: Path):
    kept, churn.fitted.novelty = churn.fitted.novelty, None
    try:
        path = churn.save(tmp_path / "old.lamina")
        answers = lamina.load(path).predict(churn_table(5, seed=1))
    finally:
        churn.fitted.novelty = kept
    assert "novelty" not in answers.columns
    assert answers["abstain"].dtype == pl.Boolean


def test_a_file_whose_layers_do_not_fit_is_refused(churn: lamina.Model, tmp_path: Path):
    kept = churn.fitted.novelty
    assert kept is not None
    layers = [Surroundings.fit(np.eye(9, dtype=np.float32), None, relative=False).rounded()] * 2
    churn.fitted.novelty = Novelty(tuple(layers), kept.units, kept.sums)
    try:
        path = churn.save(tmp_path / "wrong.lamina")
    finally:
        churn.fitted.novelty = kept
    with pytest.raises(ModelFileError, match="training rows does not fit the layers"):
        lamina.load(path)
