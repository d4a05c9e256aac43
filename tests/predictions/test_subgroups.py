"""Sub-groups: how rows are grouped, and that only real differences are named."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from lamina.data.groups import LEAST, groupable, grouping, with_groups
from lamina.data.infer import infer
from lamina.data.table import Table
from lamina.errors import UsageError
from lamina.records import Field, Schema
from lamina.scores.worse import FALSE_ALARMS, compare


def grouped(values: pl.Series, kind: str = "category"):
    field = Field(name="x", kind=kind, role="group", why="")
    return grouping(values.to_frame("x"), field)


def counts(found) -> dict[str, int]:
    return dict(zip(found.names, found.members.sum(1).tolist(), strict=True))


def test_values_are_groups_and_small_ones_are_joined():
    found = grouped(pl.Series(["a"] * 50 + ["b"] * 40 + ["c"] * 9 + ["d"] * 8 + [None] * 5))
    assert counts(found) == {"a": 50, "b": 40, "the other values (2 groups)": 17, "(missing)": 5}
    assert found.how == f"by value; 2 groups of fewer than {LEAST} rows joined"


def test_numbers_are_cut_into_bands_of_about_equally_many_rows():
    found = grouped(pl.Series(range(100, 600), dtype=pl.Float64), "number")
    assert counts(found) == {f"{100 * k} to {100 * k + 99}": 100 for k in range(1, 6)}


def test_a_frequent_number_has_a_band_of_its_own():
    found = grouped(pl.Series([0.0] * 900 + list(range(1, 101)), dtype=pl.Float64), "number")
    assert counts(found) == {"0": 900, "1 to 100": 100}


def test_few_numbers_are_values():
    assert counts(grouped(pl.Series([1.0, 2.0, 3.5] * 40), "number")) == {"1": 40, "2": 40, "3.5": 40}


def test_dates_are_cut_into_periods():
    days = pl.Series([datetime(2023, 12, 1) + timedelta(days=k) for k in range(400)])
    assert list(counts(grouped(days, "date"))) == ["2023", "2024", "2025"]
    assert next(iter(counts(grouped(days[:120], "date")))) == "2023-12"
    assert len(counts(grouped(days[:3], "date"))) == 1  # too few rows each: joined


def test_words_of_lists_are_groups_that_overlap():
    found = grouped(pl.Series([["red", "blue"], ["red"], []] * 40), "set")
    assert counts(found) == {"red": 80, "blue": 40, "(none)": 40}


def test_texts_are_grouped_by_length():
    texts = pl.Series([" ".join(["word"] * (1 + k % 50)) for k in range(500)])
    assert next(iter(counts(grouped(texts, "text")))) == "1 to 10 words"


def test_pictures_have_no_groups():
    with pytest.raises(UsageError, match="holds pictures, of which no groups can be made"):
        grouped(pl.Series(["a.png"]), "image")


def test_a_column_that_the_model_does_not_read_can_be_grouped_by():
    frame = pl.DataFrame({"size": range(100), "id": [f"n{k}" for k in range(100)]})
    table = Table(frame, "memory")
    schema = infer(table)
    assert schema["id"].role == "ignored"
    assert with_groups(schema, table, ["id"])["id"].kind == "category"
    with pytest.raises(UsageError, match=r"no column 'sise' to group by .*\n.*Did you mean 'size'"):
        with_groups(schema, table, ["sise"])


def test_every_column_that_has_groups_is_found():
    frame = pl.DataFrame({"a": ["x", "y"] * 50, "b": [1.0] * 100, "c": np.arange(100.0)})
    fields = [Field(name=n, kind=k, role="input", why="") for n, k in
              (("a", "category"), ("b", "number"), ("c", "number"))]  # fmt: skip
    assert [each.column for each in groupable(frame, Schema(tuple(fields)))] == ["a", "c"]


# ------------------------------------------------------------------------------ what is named as worse


def random_groups(rng: np.random.Generator, rows: int, columns: int = 3) -> np.ndarray:
    """Groups of several columns, of very different sizes."""
    found = []
    for _ in range(columns):
        shares = rng.dirichlet(np.full(rng.integers(2, 9), 0.7))
        codes = rng.choice(len(shares), rows, p=shares)
        found += [codes == code for code in range(len(shares))]
    return np.array(found)


def losses_without_difference(rng: np.random.Generator, rows: int) -> np.ndarray:
    """Rare errors and heavy tails; half of the second are unknown."""
    heavy = rng.exponential(size=rows) ** 2
    heavy[rng.random(rows) < 0.5] = np.nan
    return np.stack([(rng.random(rows) < 0.03).astype(float), heavy])


def test_false_alarms_are_as_rare_as_stated(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("lamina.scores.worse.DEALS", 120)
    rng = np.random.default_rng(0)
    alarms = 0
    for seed in range(150):
        members = random_groups(rng, 600)
        alarms += bool((compare(losses_without_difference(rng, 600), members, seed).least > 0).any())
    assert alarms <= 150 * FALSE_ALARMS + 2 * np.sqrt(150 * FALSE_ALARMS * (1 - FALSE_ALARMS))


def test_a_real_difference_is_found_and_its_bound_holds():
    rng = np.random.default_rng(1)
    members = random_groups(rng, 4000)
    members = np.concatenate([members, (rng.random(4000) < 0.1)[None]])
    wrong = (rng.random(4000) < np.where(members[-1], 0.3, 0.1)).astype(float)
    found = compare(wrong[None], members)
    assert 0.05 < found.least[0, -1] < 0.2
    assert found.inside[0, -1] == pytest.approx(wrong[members[-1]].mean())
    assert found.outside[0, -1] == pytest.approx(wrong[~members[-1]].mean())


def test_groups_of_few_rows_are_not_compared():
    members = np.arange(500)[None] < 10
    losses = np.where(members, 5.0, np.random.default_rng(0).random(500))
    assert np.isnan(compare(losses, members).least).all()


# ------------------------------------------------------------------------------------ through the door


@pytest.fixture(scope="module")
def spoilt(churn_folder: Path) -> pl.DataFrame:
    """Test rows of which one city has wrong answers half of the time."""
    from small_data import churn_table

    frame = churn_table(1500, seed=5)
    rng = np.random.default_rng(0)
    swapped = (frame["city"] == "Graz").to_numpy() & (rng.random(1500) < 0.5)
    other = pl.col("churned").replace_strict({"yes": "no", "no": "yes"})
    return frame.with_columns(pl.when(pl.Series(swapped)).then(other).otherwise("churned").alias("churned"))


def test_the_spoilt_group_is_named(churn_model, spoilt):
    found = churn_model.evaluate(spoilt, by=["city", "months"])
    city, months = found.groups
    assert {each.group for each in city.worse} == {"Graz"}
    assert not months.worse or {each.column for each in months.worse} == {"months"}
    assert sum(each.rows for each in city.groups) == 1500
    first = city.groups[0]
    low, high = first.intervals["accuracy"]
    assert low <= first.scores["accuracy"] <= high


def test_coverage_in_groups_and_where_it_is_lost(churn_model, charge_model, spoilt):
    found = churn_model.evaluate(spoilt, by="city")
    (city,) = found.groups
    covered = {each.name: each.scores["coverage"] for each in city.groups}
    told = churn_model.predict(spoilt).select("prediction_set", truth=spoilt["churned"], city=spoilt["city"])
    held = told.with_columns(held=pl.col("prediction_set").list.contains(pl.col("truth")))
    for name, wanted in held.group_by("city").agg(pl.col("held").mean()).iter_rows():
        assert covered[name] == pytest.approx(wanted)
    assert found.scores["coverage"] == pytest.approx(held["held"].mean())
    assert "missed" in {each.measure for each in city.worse if each.group == "Graz"}
    first = city.groups[0]
    low, high = first.intervals["coverage"]
    assert low < first.scores["coverage"] < high
    shifted = spoilt.with_columns(charge=pl.col("charge") + 300 * (pl.col("plan") == "pro"))
    plans = charge_model.evaluate(shifted, by="plan").groups[0]
    assert {each.name: each.scores["coverage"] for each in plans.groups}["pro"] < 0.2
    assert ("pro", "missed") in {(each.group, each.measure) for each in plans.worse}


def test_numbers_name_groups_whose_answers_are_shifted(charge_model, spoilt):
    shifted = spoilt.with_columns(
        pl.when(pl.col("plan") == "pro").then(pl.col("charge") + 60).otherwise("charge").alias("charge")
    )
    found = charge_model.evaluate(shifted, by="plan").groups[0]
    assert ("pro", "too_low") in {(each.group, each.measure) for each in found.worse}


def test_the_command(run, model_files: Path, spoilt, tmp_path: Path):
    spoilt.write_csv(tmp_path / "spoilt.csv")
    ran = run("evaluate", model_files / "churn.lamina", tmp_path / "spoilt.csv", "--by", "city")
    assert ran.code == 0
    assert "By city (by value):" in ran.out
    assert "city = Graz" in ran.out
    assert "answers are wrong more often" in ran.out
    ran = run("evaluate", model_files / "churn.lamina", tmp_path / "spoilt.csv", "--by", "citty")
    assert ran.code == 2
    assert "Did you mean 'city'" in ran.err
