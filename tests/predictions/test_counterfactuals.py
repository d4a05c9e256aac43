"""The least change: against every combination of values, under every rule."""

from __future__ import annotations

import functools
from datetime import datetime, timedelta
from itertools import combinations, product

import numpy as np
import polars as pl
import pytest

import lamina
from lamina.errors import UsageError
from lamina.model import Model
from lamina.predictions.explain.candidates import candidates_of
from lamina.predictions.explain.change import _combined
from lamina.predictions.explain.reading import Reader

ROWS = 300


def table(seed: int = 0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    income, debt = rng.normal(50, 15, ROWS).round(1), rng.integers(0, 40, ROWS)
    plan = rng.choice(["basic", "plus", "pro"], ROWS)
    since = [datetime(2020, 1, 1) + timedelta(days=int(each)) for each in rng.integers(0, 900, ROWS)]
    score = (income - 50) / 15 - (debt - 20) / 10 + np.where(plan == "pro", 1.0, 0.0)
    return pl.DataFrame(
        {
            "income": income,
            "debt": debt,
            "plan": plan,
            "guarantor": rng.random(ROWS) < 0.3,
            "since": since,
            "note": [
                "as agreed, paid in the second week of the month " + str(k) for k in rng.integers(0, 9, ROWS)
            ],
            "score": score,
            "credit": np.where(score + 0.3 * rng.normal(size=ROWS) > 0.4, "yes", "no"),
        }
    )


@functools.cache
def bank() -> Model:
    frame = table().drop("score")
    kinds = {"note": "text"}
    return lamina.fit(
        frame, "credit", quality="fast", hidden=(16,), members=2, epochs=12, kinds=kinds, pretrained=False
    )


@functools.cache
def refused() -> list[int]:
    told = bank().predict(table())
    return [k for k in range(ROWS) if told["predicted_credit"][k] == "no"]


def brute_force(row: int, columns: list[str]) -> tuple[int, float] | None:
    """The fewest columns and the least distance over the whole grid of candidates."""
    frame = bank()._inputs(table())
    reader = Reader(bank().fitted)
    candidates = {
        each.column: each for each in candidates_of(reader.features, frame, row, dict.fromkeys(columns))
    }
    for count in range(1, len(columns) + 1):
        best = np.inf
        for group in combinations(columns, count):
            grid = list(product(*(range(len(candidates[name])) for name in group)))
            asked = pl.concat([frame[row]] * len(grid)).with_columns(
                candidates[name].values.gather([places[k] for places in grid]).alias(name)
                for k, name in enumerate(group)
            )
            costs = [
                sum(candidates[n].costs[p] for n, p in zip(group, places, strict=True)) for places in grid
            ]
            yes = (bank().predict(asked)["predicted_credit"] == "yes").to_numpy()
            best = min([best, *np.array(costs)[yes]])
        if best < np.inf:
            return count, float(best)
    return None


@pytest.mark.parametrize("place", [0, 5, 11, 40])
@pytest.mark.parametrize("columns", [["income", "plan"], ["debt", "guarantor", "plan"]])
def test_no_combination_does_with_fewer_columns_or_less(place: int, columns: list[str]) -> None:
    row = refused()[place]
    found = bank().counterfactual(table(), row=row, changeable=columns)
    wanted = brute_force(row, columns)
    assert found.found == (wanted is not None)
    if wanted is None:
        return
    assert len(found.changes) == wanted[0]
    assert found.distance <= wanted[1] + 1e-9
    changed = table()[row].with_columns(
        pl.lit(each.after).cast(table()[each.column].dtype).alias(each.column) for each in found.changes
    )
    assert bank().predict(changed)["predicted_credit"][0] == "yes"


def test_rules_hold() -> None:
    for row in refused()[:25]:
        rules = {"income": "up", "debt": "down", "since": (datetime(2021, 1, 1), None), "plan": ["plus"]}
        found = bank().counterfactual(table(), row=row, changeable=rules, wanted="yes")
        for each in found.changes:
            if each.column == "income":
                assert each.before < each.after <= table()["income"].max()
            elif each.column == "debt":
                assert each.before > each.after >= 0
                assert each.after == round(each.after)
            elif each.column == "since":
                assert datetime(2021, 1, 1) <= each.after <= table()["since"].max()
                assert each.after.hour == 0
            else:
                assert each.after == "plus"


def test_what_cannot_be_reached_is_said() -> None:
    told = bank().predict(table())["probability_yes"].to_numpy()
    found = bank().counterfactual(
        table(), row=int(told.argmin()), changeable={"income": (None, 60), "guarantor": "any"}
    )
    assert not found.found
    assert "none of the changes allowed brings it" in str(found)
    assert found.tried > 10


def test_a_row_that_is_answered_so_already() -> None:
    found = bank().counterfactual(table(), row=refused()[0], changeable=["income"], wanted="no")
    assert (found.found, found.changes, found.distance) == (True, (), 0.0)
    assert "it is so already" in str(found)


def test_a_number_between_bounds() -> None:
    model = lamina.fit(
        table().drop("credit", "note"), "score", quality="fast", hidden=(16,), members=2, epochs=25
    )
    found = model.counterfactual(table(), row=0, changeable=["income", "debt"], wanted=(1.0, 1.5))
    assert found.found
    assert 1.0 <= float(found.after) <= 1.5
    with pytest.raises(UsageError, match="no bounds"):
        model.counterfactual(table(), row=0, changeable=["income"], wanted="yes")


def test_what_cannot_change() -> None:
    def asked(changeable: object, **further: object) -> None:
        bank().counterfactual(table(), changeable=changeable, **further)  # type: ignore[arg-type]

    with pytest.raises(UsageError, match="no column 'incom'"):
        asked(["incom"])
    with pytest.raises(UsageError, match="'note' is a text"):
        asked(["note"])
    with pytest.raises(UsageError, match="'gold' is no value of 'plan'"):
        asked({"plan": ["gold"]})
    with pytest.raises(UsageError, match="by the rule 'sideways'"):
        asked({"income": "sideways"})
    with pytest.raises(UsageError, match="No column may change"):
        asked([])
    with pytest.raises(UsageError, match="no class 'maybe'"):
        asked(["income"], wanted="maybe")
    with pytest.raises(UsageError, match="no row 999"):
        asked(["income"], row=999)


def test_the_same_change_every_time() -> None:
    columns = ["income", "debt", "plan", "guarantor", "since"]
    one, two = (bank().counterfactual(table(), row=refused()[3], changeable=columns) for _ in range(2))
    assert one == two


def test_many_columns_are_tried_in_good_time() -> None:
    """Of 60 columns no four together bring it: half a million choices are not gone through one by one."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 60))
    frame = pl.DataFrame({f"x{k}": x[:, k] for k in range(60)} | {"y": x.sum(1)})
    model = lamina.fit(frame, "y", quality="fast", hidden=(8,), members=1, epochs=5)
    found = model.counterfactual(frame, row=0, changeable=frame.columns[:60], wanted=(1e6, None))
    assert not found.found
    assert len(found.changes) == 4
    assert found.tried < 100_000
    assert "not at every value" in found.why


def test_combinations_are_counted() -> None:
    sizes = [3, 1, 4, 5]
    exact = sum(int(np.prod(each)) for each in combinations(sizes, 3))
    assert _combined(sizes, 3) == exact


def test_one_of_several_answers() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 200))
    tags = [[t for t, on in (("hot", x > 0), ("new", y > 0)) if on] for x, y in zip(a, b, strict=True)]
    frame = pl.DataFrame({"a": a, "b": b, "price": 10 * a + b, "tags": tags})
    task = lamina.Predict(target=("price", "tags"), answer={"tags": "labels", "price": "number"})
    model = lamina.fit(frame, task, quality="fast", hidden=(16,), members=2, epochs=40, rate=0.02)
    row = int(np.argmin(a))
    found = model.counterfactual(frame, row=row, changeable=["a", "b"], of="tags", wanted="hot")
    assert (found.found, [each.column for each in found.changes]) == (True, ["a"])
    found = model.counterfactual(frame, row=row, changeable={"a": "up"}, of="price", wanted=(0, 5))
    assert 0 <= float(found.after) <= 5
    with pytest.raises(UsageError, match="say which answer is to change"):
        model.counterfactual(frame, row=row, changeable=["a"], wanted="hot")
    with pytest.raises(UsageError, match="no label 'hit'"):
        model.counterfactual(frame, row=row, changeable=["a"], of="tags", wanted="hit")
