"""One row of plain cells is answered as the same row in a table is, warnings and errors included."""

from __future__ import annotations

import warnings
from datetime import date, datetime
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import lamina
from lamina.errors import LaminaError
from lamina.predictions.one_row import OneRow, UnusualError, cells_of, in_kind
from small_data import churn_table

QUICK = {"quality": "fast", "epochs": 2, "hidden": (16,), "members": 2}


@pytest.fixture(scope="module")
def models() -> dict[str, lamina.Model]:
    """Classes, a number, a count, several targets and quantiles, from all kinds of plain cells."""
    rng = np.random.default_rng(0)
    frame = churn_table(300).with_columns(
        member=pl.Series(rng.random(300) < 0.5),
        zone=pl.Series(rng.integers(1, 6, 300)),
        lat=pl.Series(rng.uniform(45, 55, 300)),
        lon=pl.Series(rng.uniform(5, 15, 300)),
        visits=pl.Series(rng.poisson(3, 300)),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        kinds = {"zone": "category"}
        return {
            "classes": lamina.fit(frame, "churned", kinds=kinds, **QUICK),
            "number": lamina.fit(frame, "charge", kinds=kinds, **QUICK),
            "count": lamina.fit(frame, lamina.Predict("visits", answer="count"), kinds=kinds, **QUICK),
            "several": lamina.fit(frame, ("churned", "charge"), kinds=kinds, **QUICK),
            "quantiles": lamina.fit(
                frame, lamina.Predict("charge", quantiles=(0.1, 0.9)), kinds=kinds, **QUICK
            ),
        }


numbers = st.one_of(
    st.integers(-100, 100), st.floats(-1e6, 1e6), st.sampled_from([None, float("nan"), float("inf"), 2**70]),
    st.sampled_from(["12", " 7.5 ", "1,234", "?", "n/a", "twelve", "", "-"]),
)  # fmt: skip
words = st.one_of(
    st.sampled_from(["basic", "plus", " pro ", "Bern", "Köln", "never seen", "", "NA", "3", "3.0", None]),
    st.integers(0, 7), st.sampled_from([3.0, 2.5, True]),
)  # fmt: skip
flags = st.sampled_from([True, False, None, "yes", "no", "true", 1, 0, "maybe"])
days = st.sampled_from([date(2020, 2, 29), datetime(2021, 5, 1, 12), None, "2019-07-01", "not yet"])
degrees = st.sampled_from([47.5, 8.0, None, "48.1", 200.0, 0.0])
rows = st.fixed_dictionaries(
    {"months": numbers, "plan": words, "charge": numbers, "joined": days, "city": words, "member": flags,
     "zone": words, "lat": degrees, "lon": degrees, "visits": numbers, "churned": words},
    optional={"customer": words, "other": words},
)  # fmt: skip


def outcome(model: lamina.Model, data: Any) -> tuple[Any, list[str]]:
    """The answer, or the error in words; and what was warned of."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            found = model.predict(data)
        except LaminaError as error:
            found = str(error)
    return found, sorted(str(each.message) for each in said)


def ordinary(model: lamina.Model, data: Any) -> tuple[Any, list[str]]:
    """The same by the way of tables."""
    plain = lamina.Model(model.fitted, model.baseline, model.validation)
    plain._quickly = lambda *_: None  # type: ignore[method-assign]
    return outcome(plain, data)


def alike(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return one == pytest.approx(other, rel=1e-5, abs=1e-6)
    if isinstance(one, dict) and isinstance(other, dict):
        return list(one) == list(other) and all(alike(one[k], other[k]) for k in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(alike, one, other))
    return type(one) is type(other) and one == other


@pytest.mark.parametrize("answer", ["classes", "number", "count", "several", "quantiles"])
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(row=rows)
def test_one_row_is_answered_as_in_a_table(models: dict[str, lamina.Model], answer: str, row: dict[str, Any]):
    model = models[answer]
    for _ in range(2):  # the second time its cells are remembered
        (quick, said), (slow, told) = outcome(model, [row]), ordinary(model, [row])
        assert alike(quick, slow)
        assert said == told


@pytest.mark.parametrize("answer", ["classes", "number", "several", "quantiles"])
def test_every_way_to_give_a_row(models: dict[str, lamina.Model], answer: str):
    model = models[answer]
    row = {
        "months": 3, "plan": "basic", "charge": 50.5, "joined": date(2020, 1, 2), "city": "Bern",
        "member": True, "zone": 2, "lat": 47.0, "lon": 8.0, "visits": 2, "churned": "no",
    }  # fmt: skip
    for data in ([row], row, {k: [v] for k, v in row.items()}):
        assert cells_of(data) == row
        assert alike(outcome(model, data), ordinary(model, data))
    frame = pl.DataFrame([row])
    quick, slow = model.predict(frame), ordinary(model, frame)[0]
    assert quick.schema == slow.schema
    assert alike(quick.to_dicts(), slow.to_dicts())
    told = OneRow(model.fitted).answer(row, probabilities=True, coverage=None)
    assert list(in_kind(told, row)) == ordinary(model, frame.head(1))[0].columns or answer == "classes"


def test_what_is_no_single_row():
    for data in ([], [{"a": 1}, {"a": 2}], {"a": [1, 2]}, {}, {1: 2}, pl.DataFrame({"a": [1, 2]}), "a.csv"):
        assert cells_of(data) is None


def test_a_missing_column_is_left_to_the_ordinary_way(models: dict[str, lamina.Model]):
    reader = OneRow(models["number"].fitted)
    with pytest.raises(UnusualError):
        reader.answer({"months": 3}, probabilities=None, coverage=None)
    assert "lacks" in outcome(models["number"], [{"months": 3}])[0]


def test_new_weights_are_used_at_once(models: dict[str, lamina.Model]):
    """Folded weights are kept only while they do not change."""
    import torch

    model = lamina.fit(churn_table(200), "charge", **QUICK)
    row = [churn_table(1).to_dicts()[0]]
    before = model.predict(row)[0]["predicted_charge"]
    with torch.no_grad():
        model.fitted.network.hidden.first.weight.mul_(1.5)  # type: ignore[union-attr]
    after = model.predict(row)[0]["predicted_charge"]
    assert after != before
    assert after == pytest.approx(ordinary(model, row)[0][0]["predicted_charge"], rel=1e-5)
