"""What refuses new rows, what only warns, and what is set aside and counted."""

from __future__ import annotations

from datetime import datetime
from functools import cache

import numpy as np
import polars as pl
import pytest

import lamina
from lamina.data.conform import conform
from lamina.data.read import read
from lamina.learning.check import Checked, check
from lamina.learning.meaning import unit_factor
from lamina.learning.memory import Memory
from lamina.learning.new_columns import new_columns
from lamina.learning.records import LearnSettings
from lamina.model import Model
from small_data import churn_table

NOW = datetime(2026, 1, 1)


@cache
def model() -> Model:
    return lamina.fit(churn_table(400), "churned", quality="fast", epochs=2, hidden=(8,), members=1)


@cache
def memory() -> Memory:
    frame, _ = conform(read(churn_table(400)), model().schema, need_target=True)
    return Memory.empty().with_rows(
        frame, model().schema, judge=np.zeros(400, bool), losses=np.zeros(400), when=NOW, update=0
    )


def checked(frame: pl.DataFrame, **settings: object) -> Checked:
    return check(model().fitted, read(frame), memory(), LearnSettings(**settings))  # type: ignore[arg-type]


def new(rows: int = 200, seed: int = 7) -> pl.DataFrame:
    return churn_table(rows, seed=seed)


def codes(found: Checked) -> set[tuple[str, str | None]]:
    return {(each.code, each.column) for each in found.refused}


def test_rows_of_the_same_world_are_taken_whole() -> None:
    found = checked(new())
    assert (found.frame.height, found.came, found.known) == (200, 200, 0)
    assert not found.refused
    assert len(found.ids) == 200


def test_rows_learnt_before_are_left_out_and_counted() -> None:
    found = checked(pl.concat([churn_table(400)[:50], new(30)]))
    assert (found.known, found.frame.height) == (50, 30)
    assert "known-rows" in {each.code for each in found.findings}
    assert checked(churn_table(400)).frame.height == 0


@pytest.mark.parametrize(
    ("change", "code", "column"),
    [
        (pl.col("charge") * 1000, "units-changed", "charge"),
        (pl.col("charge") * 1000 + 3, "units-changed", "charge"),
        (pl.col("months") / 12, "units-changed", None),
        (pl.lit(None, pl.Float64).alias("charge"), "emptied-column", "charge"),
        (pl.col("plan").str.to_uppercase(), "other-values", "plan"),
        (pl.lit("many").alias("charge"), "unreadable", "charge"),
    ],
)
def test_columns_that_mean_something_else_refuse(change: pl.Expr, code: str, column: str | None) -> None:
    found = codes(checked(new().with_columns(change)))
    assert (code, column) in found if column else True


def test_exchanged_columns_refuse() -> None:
    turned = new().rename({"months": "charge", "charge": "months"})
    assert ("exchanged-columns", "months") in codes(checked(turned))


def test_the_user_may_force_what_would_refuse() -> None:
    scaled = new().with_columns(pl.col("charge") * 1000)
    found = checked(scaled, force=("units-changed",))
    assert not found.refused
    assert ("units-changed", "warning") in {(each.code, each.severity) for each in found.findings}


def test_a_missing_column_refuses_and_a_renamed_one_is_recognised() -> None:
    assert ("missing-column", "plan") in codes(checked(new().drop("plan")))
    found = checked(new().rename({"charge": "charges_eur"}))
    (finding,) = [each for each in found.refused if each.column == "charge"]
    assert finding.code == "renamed-column"
    assert "rename 'charges_eur' to 'charge'" in finding.remedy
    forced = checked(new().drop("plan"), force=("missing-column",))
    assert not forced.refused
    assert forced.frame["plan"].null_count() == 200


def test_rows_without_answers_refuse_or_are_left_out() -> None:
    assert {each[0] for each in codes(checked(new().drop("churned")))} == {"no-answers"}
    some = new().with_columns(
        pl.when(pl.int_range(200) < 20).then(None).otherwise("churned").alias("churned")
    )
    found = checked(some)
    assert found.frame.height == 180
    assert "target-missing" in {each.code for each in found.findings}


def test_a_single_class_is_no_reason_to_refuse() -> None:
    assert not checked(new().filter(pl.col("churned") == "yes")).refused


@pytest.mark.parametrize("factor", [1000, 1 / 1000, 100, 10, 60, 2.54, 1 / 2.20462])
def test_units_are_recognised(factor: float) -> None:
    rng = np.random.default_rng(0)
    assert unit_factor(rng.gamma(4, size=400), factor * rng.gamma(4, size=200)) == pytest.approx(factor)


def test_growth_and_noise_are_no_units() -> None:
    rng = np.random.default_rng(0)
    for change in (1.0, 1.1, 1.3, 2.0):
        assert unit_factor(rng.gamma(4, size=400), change * rng.gamma(4, size=200)) is None
    assert unit_factor(rng.integers(0, 2, 100).astype(float), 10.0 * rng.integers(0, 2, 100)) is None


def test_numbers_that_spread_over_orders_of_magnitude_are_smaller_one_season_and_no_other_unit() -> None:
    rng = np.random.default_rng(0)
    winter, summer = rng.lognormal(6, 2.0, 2000), rng.lognormal(3.1, 1.6, 2000)
    assert unit_factor(winter, summer) is None
    assert unit_factor(winter, rng.lognormal(6, 2.0, 2000) / 1000) == 1 / 1000


def test_new_columns_are_read_unless_they_are_unfit() -> None:
    rng = np.random.default_rng(0)
    frame = new().with_columns(
        pl.Series("visits", rng.poisson(3, 200)),
        pl.Series("told", np.where(new()["churned"] == "yes", "goes", "stays")),
        pl.Series("empty", [None] * 200, dtype=pl.Float64),
    )
    fields, findings = new_columns(model().fitted, read(frame), LearnSettings())
    assert [(each.name, each.kind, each.role) for each in fields] == [("visits", "number", "input")]
    assert {each.column for each in findings} == {"told", "empty"}
    assert new_columns(model().fitted, read(frame), LearnSettings(columns="ignore")) == ((), [])
    assert checked(frame).frame["visits"].null_count() == 0


def test_a_column_that_said_nothing_is_read_once_it_does() -> None:
    first = churn_table(400).with_columns(
        pl.lit(None, dtype=pl.Float64).alias("visits"), pl.lit("EUR").alias("currency"), told=pl.lit(1)
    )
    once = lamina.fit(
        first, "churned", quality="fast", epochs=1, hidden=(8,), members=1, roles={"told": "ignored"}
    )
    rng = np.random.default_rng(0)
    frame = new().with_columns(
        pl.Series("visits", rng.poisson(3, 200)),
        pl.Series("currency", rng.choice(["EUR", "USD"], 200)),
        pl.Series("told", rng.poisson(3, 200)),
    )
    fields, findings = new_columns(once.fitted, read(frame), LearnSettings())
    assert [(each.name, each.kind) for each in fields] == [("visits", "number"), ("currency", "category")]
    assert not findings
    found = check(once.fitted, read(frame), Memory.empty(), LearnSettings())
    assert found.frame["visits"].null_count() == 0
    schema = once.schema.with_fields(found.fields)
    assert len(schema) == len(once.schema)
    assert schema["visits"].role == "input"
    still = new_columns(once.fitted, read(first), LearnSettings())
    assert still == ((), [])  # as silent as before: nothing to say
