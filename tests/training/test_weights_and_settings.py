"""Row weights, class weights, settings, and the validation metrics."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
import torch
from sklearn import metrics

import lamina
from lamina.errors import TrainingError, UsageError
from lamina.network.outputs.classes import Classes
from lamina.network.outputs.number import Number
from lamina.settings import Settings, settings_from

QUICK = {"quality": "fast", "hidden": (16,), "members": 2, "epochs": 25}


def rare(rows: int = 600, seed: int = 0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    sick = rng.random(rows) < 0.06
    return pl.DataFrame(
        {
            "x": rng.normal(size=rows) + 1.5 * sick,
            "z": rng.normal(size=rows),
            "y": np.where(sick, "sick", "well"),
        }
    )


def recall(model: lamina.Model, frame: pl.DataFrame) -> float:
    told = model.predict(frame)["predicted_y"]
    return float((told == "sick").filter(frame["y"] == "sick").mean())


def test_balanced_classes_raise_the_recall_of_a_rare_class() -> None:
    train, test = rare(), rare(seed=1)
    plain = recall(lamina.fit(train, "y", **QUICK), test)
    balanced = recall(lamina.fit(train, lamina.Predict(target="y", balance="balanced"), **QUICK), test)
    assert balanced > plain + 0.2


def test_a_weight_column_is_respected() -> None:
    rng = np.random.default_rng(0)
    frame = pl.DataFrame({"x": rng.normal(size=400), "w": [0.0, 1.0] * 200, "y": [100.0, 0.0] * 200})
    frame = frame.with_columns(y=pl.col("y") + rng.normal(0, 0.1, 400))
    model = lamina.fit(frame, "y", roles={"w": "weight"}, **QUICK)
    answers = model.predict(frame)["predicted_y"]
    assert answers.abs().max() < 15, "the rows of weight zero, all at 100, taught nothing"


def test_weights_that_are_all_zero_are_refused() -> None:
    frame = rare(100).with_columns(w=pl.lit(0.0))
    with pytest.raises(TrainingError, match="weight zero"):
        lamina.fit(frame, "y", roles={"w": "weight"}, **QUICK)


def test_all_problems_of_the_settings_stand_in_one_message() -> None:
    with pytest.raises(UsageError) as caught:
        settings_from(
            {"mambers": 3, "members": 0, "rate": -1, "quality": "superb", "hidden": (4, 0), "validation": 1}
        )
    words = str(caught.value)
    for part in (
        "no setting 'mambers'. Did you mean 'members'?", "members=0: at least 1",
        "rate=-1", "no quality 'superb'",
        "hidden=(4, 0)", "validation=1",
    ):  # fmt: skip
        assert part in words
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    "choice",
    [
        {"hidden": "wide"}, {"hidden": (1.5,)}, {"members": 2.5}, {"epochs": 0}, {"batch": 0}, {"seed": -1},
        {"validation": 0.0}, {"split": "odd"}, {"activation": "rellu"}, {"rate": float("nan")}, {"rate": 0},
        {"time_limit": 0}, {"rate": float("inf")}, {"size": 1}, {"refit": "maybe"},
    ],
)  # fmt: skip
def test_settings_that_cannot_be_are_refused(choice: dict[str, object]) -> None:
    with pytest.raises(UsageError, match=next(iter(choice))):
        settings_from(choice)


def test_settings_that_can_be() -> None:
    assert settings_from({}) == Settings()
    assert settings_from({"hidden": [8, 4], "rate": 1, "seed": 7}).hidden == (8, 4)


def test_validation_metrics_equal_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.ones(3), 200).astype(np.float32).round(2) + 1e-3
    p /= p.sum(1, keepdims=True)
    y = rng.integers(0, 3, 200)
    mine = {
        name: float(Classes.metrics[name](torch.from_numpy(p), torch.from_numpy(y)))
        for name in ("log_loss", "accuracy", "auroc")
    }
    areas = [metrics.roc_auc_score(y == k, p[:, k]) for k in range(3)]
    assert mine["log_loss"] == pytest.approx(metrics.log_loss(y, p), rel=1e-4)
    assert mine["accuracy"] == pytest.approx(metrics.accuracy_score(y, p.argmax(1)))
    assert mine["auroc"] == pytest.approx(np.mean(areas), rel=1e-5)
    a, b = rng.normal(size=100), rng.normal(size=100)
    for name, other in (
        ("rmse", metrics.root_mean_squared_error),
        ("mae", metrics.mean_absolute_error), ("r2", metrics.r2_score),
    ):  # fmt: skip
        assert float(Number.metrics[name](torch.from_numpy(a), torch.from_numpy(b))) == pytest.approx(
            other(b, a)
        )
