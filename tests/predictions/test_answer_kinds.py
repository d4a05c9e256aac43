"""Every kind of answer the whole way: fit, predict, evaluate, save; weights, groups, missing answers."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import lamina
from lamina.errors import LaminaError, UsageError
from lamina.model import Model
from lamina.store import file

QUICK = {"quality": "fast", "hidden": (16,), "members": 2, "epochs": 12, "rate": 0.02}
ROWS = 240
DOUBTS = ("abstain", "abstain_reason")
P = lamina.Predict
TASKS: dict[str, tuple[Any, tuple[str, ...]]] = {
    "classes": ("kind", ("kind",)),
    "number": ("price", ("price",)),
    "quantiles": (P("price", quantiles=(0.1, 0.5, 0.9)), ("price",)),
    "count": (P("visits", answer="count"), ("visits",)),
    "amount": (P("spent", answer="amount"), ("spent",)),
    "ordered": (P("size", answer="ordered"), ("size",)),
    "labels": ("tags", ("tags",)),
    "several": (["kind", "price", "tags"], ("kind", "price", "tags")),
}


def table() -> pl.DataFrame:
    """Two inputs that tell everything, the answers of all kinds, a weight and a group."""
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, ROWS))
    tags = [[t for t, on in (("hot", a[i] > 0), ("new", b[i] > 0)) if on] for i in range(ROWS)]
    return pl.DataFrame(
        {
            "a": a,
            "b": b,
            "kind": np.where(a + b > 0, "yes", "no"),
            "price": 10 * a + 3 * b + 100,
            "visits": rng.poisson(np.exp(1 + a)),
            "spent": np.exp(3 + a + 0.3 * rng.normal(size=ROWS)),
            "size": np.array(["S", "M", "L"])[np.digitize(a, (-0.5, 0.5))],
            "tags": pl.Series(tags, dtype=pl.List(pl.String)),
            "weight": rng.integers(0, 3, ROWS),
            "shop": rng.integers(0, 30, ROWS).astype(str),
        }
    )


def rows(name: str, *more: str) -> pl.DataFrame:
    return table().select("a", "b", *TASKS[name][1], *more)


@functools.cache
def model(name: str) -> Model:
    return lamina.fit(rows(name), TASKS[name][0], **QUICK)


every = pytest.mark.parametrize("name", TASKS)


@every
def test_answers_are_better_than_the_constant_ones(name: str) -> None:
    fitted, found = model(name).fitted, model(name).evaluate(rows(name))
    first = fitted.target.metrics[0]
    assert found.metric == first
    assert found.scores[first] < 0.8 * found.baseline[fitted.target.simplest][first]
    assert found.baseline["linear"][first] < found.baseline[fitted.target.simplest][first]
    low, high = found.intervals[first]
    assert low <= found.scores[first] <= high
    assert first in str(model(name))


@every
def test_a_saved_model_answers_the_same(name: str, tmp_path: Path) -> None:
    again = lamina.load(model(name).save(tmp_path / "m.lamina"))
    assert again.predict(rows(name)).equals(model(name).predict(rows(name)))
    assert again.fitted.task == model(name).fitted.task
    assert again.evaluate(rows(name)) == model(name).evaluate(rows(name))
    traced = model(name).trace(rows(name), 3).answer
    told = model(name).predict(rows(name)[3], probabilities=True).row(0, named=True)
    assert traced.keys() == told.keys()


@every
def test_a_hostile_manifest_is_refused(name: str, tmp_path: Path) -> None:
    path = model(name).save(tmp_path / "m.lamina")
    manifest, weights = file.read(path)
    architecture = manifest["architecture"]
    for changes in (
        {"architecture": {**architecture, "scores": architecture["scores"] + 1}},
        {"architecture": {**architecture, "answer": {"heads": []}}},
        {"architecture": {**architecture, "output": "several" if name != "several" else "labels"}},
        {"target": {**manifest["target"], "answer": "nothing"}},
        {"target": json.loads(json.dumps(manifest["target"]).replace(TASKS[name][1][0], "a"))},
    ):
        bad = file.write(tmp_path / "bad.lamina", {**manifest, **changes}, weights)
        with pytest.raises(LaminaError, match="was not loaded"):
            lamina.load(bad)


@every
def test_weights_and_groups_go_with_every_answer(name: str) -> None:
    settings = {**QUICK, "epochs": 2}
    task = TASKS[name][0] if isinstance(TASKS[name][0], P) else P(TASKS[name][0], balance="balanced")
    frame = rows(name, "weight", "shop")
    fitted = lamina.fit(frame, task, roles={"weight": "weight", "shop": "group"}, **settings)
    assert "group" in str(fitted.fitted.choices[0].why)
    assert fitted.evaluate(frame).rows == ROWS
    assert fitted.predict(rows(name)).height == ROWS


def test_rows_of_weight_zero_teach_nothing() -> None:
    frame = rows("count").with_columns(weight=pl.lit(1), visits=pl.col("visits").cast(pl.Int64))
    wrong = frame.with_columns(visits=pl.lit(200, pl.Int64), weight=pl.lit(0))
    task, roles = TASKS["count"][0], {"weight": "weight"}
    both = lamina.fit(pl.concat([frame, wrong]), task, roles=roles, refit=False, **QUICK)
    assert both.predict(frame)["predicted_visits"].mean() < 30


def test_columns_of_quantiles_rise() -> None:
    told = model("quantiles").predict(rows("quantiles"))
    assert told.columns == [
        "predicted_price",
        *(f"price_{name}" for name in ("q10", "q50", "q90", "low", "high")),
        *DOUBTS,
    ]
    assert told["predicted_price"].equals(told["price_q50"], null_equal=True)
    assert (np.diff(told.select("price_q10", "price_q50", "price_q90").to_numpy()) >= 0).all()


def test_columns_of_labels_and_of_several() -> None:
    told = model("labels").predict(rows("labels"))
    assert told.columns == ["predicted_tags", "probability_hot", "probability_new", "possible_tags", *DOUBTS]
    assert told.schema["predicted_tags"] == pl.List(pl.String)
    assert told["predicted_tags"].list.contains("hot").equals(told["probability_hot"] >= 0.5)
    assert model("several").predict(rows("several")).columns == [
        *("predicted_kind", "probability_kind", "probability_kind_no", "probability_kind_yes"),
        *("predicted_price", "predicted_tags", "probability_tags_hot", "probability_tags_new"),
        *("prediction_set_kind", "price_low", "price_high", "possible_tags", *DOUBTS),
    ]
    assert "joint" in model("several").validation.scores


def test_missing_answers_of_several_targets_keep_their_rows() -> None:
    frame = rows("several").with_columns(
        kind=pl.when(pl.arange(ROWS) % 2 == 0).then("kind"),
        tags=pl.when(pl.arange(ROWS) % 3 == 0).then("tags"),
    )
    task = P(("kind", "price", "tags"), metric="kind.accuracy", balance="balanced")
    fitted = lamina.fit(frame, task, **QUICK)
    assert fitted.fitted.rows["train"] + fitted.fitted.rows["validation"] == ROWS
    assert [f.count for f in fitted.findings if f.code == "target-missing"] == [120, 160]
    whole = fitted.evaluate(rows("several")).scores
    assert whole["kind.accuracy"] > 0.85
    assert whole["price.r2"] > 0.7
    few = frame.filter(pl.col("tags").is_null())
    assert not [name for name in fitted.evaluate(few).scores if name.startswith("tags.")]


def test_means_of_counts_and_amounts_are_right_in_total() -> None:
    for name in ("count", "amount"):
        assert model(name).evaluate(rows(name)).scores["total_ratio"] == pytest.approx(1, abs=0.2)


def test_targets_that_are_not_there_are_named() -> None:
    with pytest.raises(LaminaError, match=r"no column 'prise'.*\n.*Did you mean 'price'"):
        lamina.fit(rows("several"), ["kind", "prise"])
    with pytest.raises(UsageError, match="'rmse' does not judge an answer that is several targets at once"):
        lamina.fit(rows("several"), P(("kind", "price"), metric="rmse"), **QUICK)


def test_pictures_with_labels_are_calibrated(digits_folder: Path) -> None:
    paths = sorted(digits_folder.glob("[012]/*.png"))
    names = [int(path.parent.name) for path in paths]
    tags = [[tag for tag, on in (("round", n != 1), ("one", n == 1)) if on] for n in names]
    frame = pl.DataFrame({"file": [str(path) for path in paths], "tags": tags, "digit": names})
    fitted = lamina.fit(frame, P(("tags", "digit")), quality="fast", epochs=2)
    said = {each.what: each.value for each in fitted.fitted.choices if each.what.startswith("calibration")}
    assert said.keys() == {"calibration tags", "calibration digit"}


@pytest.mark.filterwarnings("default::lamina.LaminaWarning")
def test_the_commands_take_several_targets_and_answers(run: Callable[..., Any]) -> None:
    frame = rows("several").with_columns(pl.col("tags").list.join(";"), size=table()["size"])
    frame = frame.with_columns(tags=pl.when(pl.col("tags") == "").then(pl.lit("[]")).otherwise("tags"))
    frame.write_csv("t.csv")
    asked = ("-t", "tags", "-t", "price", "-t", "size", "--answer", "tags=labels", "--answer", "size=ordered")
    ran = run("fit", "t.csv", *asked, "--quantiles", "0.2,0.8", "--quality", "fast", "--epochs", 2)
    assert ran.code == 0, ran.err
    assert "any of 2 labels" in ran.out
    ran = run("predict", "t.lamina", "t.csv", "-o", "answers.csv", "--only-answers")
    assert ran.code == 0, ran.err
    told = pl.read_csv("answers.csv")
    wanted = ["predicted_price", "price_q20", "price_q80", "predicted_tags"]
    assert told.columns[:4] == wanted, "in the order of the table"
    assert set(told["predicted_tags"].unique()) <= {"hot", "new", "hot;new", "[]"}
    ran = run("evaluate", "t.lamina", "t.csv")
    assert "size.kappa" in ran.out
    assert "price.coverage_20" in ran.out
    ran = run("schema", "t.csv", "-t", "size", "--order", "S,M,L")
    assert ran.code == 0, ran.err
    for wrong, words in (
        (("--quantiles", "a"), "not a list of numbers"),
        (("--answer", "clases"), "'classes'"),
    ):
        ran = run("fit", "t.csv", "-t", "price", *wrong)
        assert ran.code == 2
        assert words in ran.err


def test_unreadable_labels_are_counted() -> None:
    frame = pl.DataFrame({"a": np.arange(60) % 7 / 3, "y": ['["p"]', '["q"]', "[]"] * 19 + ["[x"] * 3})
    fitted = lamina.fit(frame, P("y", answer="labels"), quality="fast", epochs=1)
    assert [each.count for each in fitted.findings if each.code == "unreadable"] == [3]


def test_what_is_said_of_a_target_needs_one(run: Callable[..., Any], digits_folder: Path) -> None:
    ran = run("fit", digits_folder, "--balance", "balanced")
    assert ran.code == 2
    assert "--balance says something of the target" in ran.err
    assert "--target label" in ran.err
