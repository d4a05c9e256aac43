"""Answers that arrive late: joined to the predictions made; live scores against what is computed by hand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest

import lamina
from lamina.errors import ColumnError, TargetError, UsageError
from lamina.model import Model
from lamina.scores.calibration import confidence_error
from lamina.stores import Store
from small_data import churn_table

Make = Callable[..., Store]
COSTS = {"nothing": {"no": 0, "yes": "6 * charge"}, "offer": {"no": 40, "yes": "2 * charge"}}


@pytest.fixture
def store(new_store: Make, churn_model: Model) -> Store:
    made = new_store(who="anna")
    made.add(churn_model, id="customer")
    return made


def test_a_thousand_answers_are_joined(store: Store):
    rows = churn_table(1000, seed=5)
    answers = store.predict(rows, log=True)
    assert answers["id"].to_list() == rows["customer"].to_list()
    told = store.feedback(rows.select("customer", "churned").sample(fraction=1.0, shuffle=True, seed=0))
    assert (told.rows, told.joined, told.unknown) == (1000, 1000, 0)
    live = store.live().row(0, named=True)
    right = (answers["predicted_churned"] == rows["churned"]).to_numpy()
    sure = answers["probability"].cast(pl.Float64).to_numpy()
    assert (live["predictions"], live["answered"]) == (1000, 1000)
    assert live["accuracy"] == pytest.approx(right.mean())
    assert live["estimated_accuracy"] == pytest.approx(sure.mean())
    assert live["estimate_off"] == pytest.approx(sure.mean() - right.mean())
    assert live["estimate_noise"] == pytest.approx(1.96 * np.sqrt((sure * (1 - sure)).sum()) / 1000)
    assert live["calibration_error"] == pytest.approx(confidence_error(sure, right))
    assert "money" not in live


def test_accuracy_is_estimated_before_answers_come(store: Store):
    answers = store.predict(churn_table(200, seed=5), log=True)
    live = store.live().row(0, named=True)
    assert (live["answered"], live["accuracy"], live["estimate_off"]) == (0, None, None)
    assert live["estimated_accuracy"] == pytest.approx(answers["probability"].mean())


def test_the_same_answers_twice_change_nothing_and_others_correct(store: Store):
    rows = churn_table(100, seed=5)
    store.predict(rows, log=True)
    store.feedback(rows)
    before = store.live()
    assert store.feedback(rows).repeated == 100
    assert store.live().equals(before)
    turned = rows.head(10).with_columns(churned=pl.col("churned").replace({"yes": "no", "no": "yes"}))
    told = store.feedback(turned)
    assert (told.joined, told.corrected, told.repeated) == (0, 10, 0)
    assert store.live()["accuracy"][0] != before["accuracy"][0]


def test_an_answer_belongs_to_every_prediction_that_waits(store: Store):
    rows = churn_table(10, seed=5)
    for _ in range(2):
        store.predict(rows, log=True)
    assert store.feedback(rows.head(4)).joined == 8
    store.predict(rows, log=True)  # the next month: its answers come later
    assert store.live()["answered"].sum() == 8
    told = store.feedback(rows.head(4))
    assert (told.joined, told.repeated) == (4, 0)


def test_answers_for_nobody_and_answers_that_are_none(store: Store):
    rows = churn_table(10, seed=5)
    store.predict(rows, log=True)
    late = rows.with_columns(
        customer=pl.Series([*rows["customer"][:7], "x", "y", "z"]),
        churned=pl.Series([None, *rows["churned"][1:]]),
    )
    told = store.feedback(pl.concat([late, late.tail(1)]))
    assert (told.rows, told.joined, told.unknown) == (9, 6, 3)


def test_ids_are_made_where_there_are_none(new_store: Make, churn_model: Model):
    store = new_store()
    store.add(churn_model)
    rows = churn_table(20, seed=5).drop("customer")
    answers = store.predict(rows, log=True)
    assert answers["id"].n_unique() == 20
    told = store.feedback(rows.with_columns(number=answers["id"]), id="number")
    assert told.joined == 20
    with pytest.raises(UsageError, match="Which column holds the rows' ids"):
        store.feedback(rows)


def test_nothing_is_logged_unless_asked(store: Store):
    rows = churn_table(20, seed=5)
    assert "id" not in store.predict(rows).columns
    assert store.feedback(rows).unknown == 20
    assert store.live().height == 0


def test_the_money_that_decisions_made(store: Store):
    rows = churn_table(300, seed=5)
    costs = lamina.Costs(COSTS)
    decided = store.decide(rows, costs, log=True)
    store.feedback(rows.head(200))
    live = store.live(every="day").row(0, named=True)
    money = store.champion.worth(rows.head(200), costs)
    assert live["money"] == pytest.approx(money.made)
    nothing = next(each for each in money.policies if each.name == "nothing")
    assert live["money_doing_nothing"] == pytest.approx(nothing.made)
    assert live["money_expected"] == pytest.approx(decided["expected_value"].head(200).sum())


def test_numbers_have_errors_and_bounds(new_store: Make):
    rng = np.random.default_rng(0)

    def table(count: int) -> pl.DataFrame:
        x = rng.normal(size=count)
        y = 10 * x + rng.normal(size=count) * 3
        return pl.DataFrame({"row": [f"r{rng.integers(1 << 60)}" for _ in range(count)], "x": x, "y": y})

    model = lamina.fit(table(3000), "y", quality="fast", epochs=5, roles={"row": "ignored"})
    store = new_store()
    store.add(model, id="row")
    rows = table(2000)
    answers = store.predict(rows, log=True)
    before = store.live().row(0, named=True)
    store.feedback(rows)
    live = store.live().row(0, named=True)
    error = (answers["predicted_y"] - rows["y"]).to_numpy()
    assert live["mae"] == pytest.approx(np.abs(error).mean())
    assert live["rmse"] == pytest.approx(np.sqrt((error**2).mean()))
    inside = (answers["y_low"] <= rows["y"]) & (rows["y"] <= answers["y_high"])
    assert live["coverage"] == pytest.approx(inside.mean())
    assert before["mae"] is None
    assert before["estimated_mae"] == pytest.approx(live["mae"], rel=0.15)  # known before any answer came
    assert live["estimate_off"] == pytest.approx(live["estimated_mae"] - live["mae"])


def test_several_targets_are_each_joined(new_store: Make):
    rows = churn_table(400, seed=0)
    store = new_store()
    store.add(lamina.fit(rows, ["churned", "charge"], quality="fast", epochs=1), id="customer")
    store.predict(rows.head(50), log=True)
    assert store.feedback(rows.head(50).drop("charge")).joined == 50
    assert store.feedback(rows.head(50)).joined == 50  # the other one
    assert store.live(target="churned")["answered"].to_list() == [50]
    assert store.live(target="charge")["mae"][0] > 0
    with pytest.raises(UsageError, match="'city' is no target"):
        store.live(target="city")


def test_labels_are_compared_as_sets(new_store: Make):
    rows = pl.DataFrame(
        {
            "n": [f"n{k}" for k in range(200)],
            "x": np.arange(200.0) % 7,
            "tags": [["a", "b"] if k % 7 > 3 else ["b"] for k in range(200)],
        }
    )
    store = new_store()
    task = lamina.Predict("tags", answer="labels")
    store.add(lamina.fit(rows, task, quality="fast", epochs=5, roles={"n": "ignored"}), id="n")
    answers = store.predict(rows, log=True)
    turned = rows.with_columns(pl.col("tags").list.reverse())
    store.feedback(turned)
    right = answers["predicted_tags"].list.sort() == rows["tags"].list.sort()
    assert store.live()["accuracy"][0] == pytest.approx(right.mean())


def test_versions_are_told_apart(store: Store, churn_model: Model):
    rows = churn_table(40, seed=5)
    store.predict(rows.head(10), log=True)
    store.add(churn_model)
    store.predict(rows.tail(30), log=True)
    live = store.live(by_version=True)
    assert live.select("version", "predictions").rows() == [(1, 10), (2, 30)]


def test_what_cannot_be_joined_is_said(store: Store):
    rows = churn_table(10, seed=5)
    with pytest.raises(TargetError, match="has no column 'churned'"):
        store.feedback(rows.drop("churned"))
    with pytest.raises(ColumnError, match="has no column 'customer'"):
        store.feedback(rows.drop("customer"))
    with pytest.raises(ColumnError, match="no id in 1 rows, first in row 0"):
        store.predict(rows.with_columns(customer=pl.Series([None, *rows["customer"][1:]])), log=True)
    with pytest.raises(UsageError, match="no period 'moment'"):
        store.live(every="moment")


def test_the_type_of_frame_comes_back(store: Store):
    rows = churn_table(5, seed=5).to_dict(as_series=False)
    assert isinstance(store.predict(rows, log=True), dict)
