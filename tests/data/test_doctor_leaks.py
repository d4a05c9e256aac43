"""Every kind of leak in made tables, and none where there is none."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import lamina

ROWS = 2000
RNG = np.random.default_rng(0)
CITY = RNG.choice([f"c{n}" for n in range(40)], ROWS)
X, Z, NOISE = RNG.normal(size=(3, ROWS))
SOLD = RNG.random(ROWS) < 1 / (1 + np.exp(-X))
AMOUNT = 3 * X + Z + RNG.normal(size=ROWS)
CLASSES = pl.DataFrame({"x": X, "z": Z, "city": CITY, "sold": np.where(SOLD, "yes", "no")})
NUMBERS = pl.DataFrame({"x": X, "z": Z, "city": CITY, "amount": AMOUNT})


def found(table: pl.DataFrame, target: str, **options: Any) -> list[tuple[str, str | None]]:
    report = lamina.doctor(table, target, **{"quick": True, **options})
    return [(each.code, each.column) for each in report.findings]


def mean_of_city(kind: str) -> pl.Series:
    """The mean answer per city: plain, of the other class, without the row itself, or shrunk."""
    y, city = pl.Series("y", SOLD).cast(pl.Float64), pl.Series("city", CITY)
    frame = pl.DataFrame([y, city])
    whole, rows = pl.col("y").sum().over("city"), pl.len().over("city")
    means = {
        "plain": whole / rows,
        "other": 1 - whole / rows,
        "without": (whole - pl.col("y")) / (rows - 1),
        "shrunk": (whole + 10 * pl.col("y").mean()) / (rows + 10),
    }
    return frame.select(k=means[kind])["k"]


SPELT = {True: ("YES", " 1", "yes "), False: ("No", " 0", "no")}
LEAKS: dict[str, Any] = {
    "copy": np.where(SOLD, "yes", "no"),
    "spelt otherwise": [SPELT[bool(s)][n % 3] for n, s in enumerate(SOLD)],
    "mean": mean_of_city("plain"),
    "mean of the other class": mean_of_city("other"),
    "mean without the row": mean_of_city("without"),
    "shrunk mean": mean_of_city("shrunk"),
    "reason": [f"because {n % 5}" if s else None for n, s in enumerate(SOLD)],
    "confidence of the reason": [0.5 + n % 50 / 100 if s else (None, 0.0)[n % 2] for n, s in enumerate(SOLD)],
    "date of the sale": [
        datetime(2020, 1, 1) + timedelta(hours=n) if s else None for n, s in enumerate(SOLD)
    ],
    "scenario": [1 + n % 3 if s else 0 for n, s in enumerate(SOLD)],
}


@pytest.mark.parametrize("how", LEAKS)
def test_a_leak_of_a_class(how: str):
    assert ("leak", "k") in found(CLASSES.with_columns(k=pl.Series(LEAKS[how])), "sold")


@pytest.mark.parametrize("name", ["sold_confidence", "sold_gold", "soldConfidence"])
def test_a_leak_by_name(name: str):
    assert ("leak", name) in found(CLASSES.with_columns(pl.Series(name, NOISE)), "sold")


POSSIBLE: dict[str, Any] = {
    "shifted and scaled, with noise": 100 * SOLD + 7 + NOISE * 5,
    "filled in for some of one class": [("seen" if n % 2 else "asked") if s and n % 5 == 0 else None
                                        for n, s in enumerate(SOLD)],
    "copy with mistakes": np.where(SOLD ^ (np.arange(ROWS) % 200 == 0), "p", "q"),
}  # fmt: skip


@pytest.mark.parametrize("how", POSSIBLE)
def test_a_possible_leak_of_a_class(how: str):
    codes = {code for code, column in found(CLASSES.with_columns(k=pl.Series(POSSIBLE[how])), "sold")
             if column == "k"}  # fmt: skip
    assert codes & {"possible-leak", "leak"}


@pytest.mark.parametrize(
    ("code", "values"),
    [
        ("leak", AMOUNT),
        ("leak", AMOUNT * 100 + 3),
        ("leak", [f"{each} EUR" for each in AMOUNT]),
        ("leak", NUMBERS.select(pl.col("amount").mean().over("city"))["amount"]),
        ("possible-leak", AMOUNT * 2 + NOISE / 10),
    ],
)
def test_a_leak_of_a_number(code: str, values: Any):
    assert (code, "k") in found(NUMBERS.with_columns(k=pl.Series(values)), "amount")


def test_a_sum_of_columns():
    parts = NUMBERS.with_columns(a=NOISE, b=AMOUNT - NOISE)
    assert {("leak", "a"), ("leak", "b")} <= set(found(parts, "amount"))
    total = NUMBERS.with_columns(total=AMOUNT + NOISE, part=NOISE)
    assert ("leak", "total") in found(total, "amount")
    assert ("leak", "part") not in found(total, "amount")


def test_one_column_that_outweighs_the_rest():
    weak = RNG.random(ROWS) < 1 / (1 + np.exp(-0.7 * X - 3 * NOISE))
    table = CLASSES.with_columns(duration=np.exp(NOISE + 3), sold=weak.astype(str))
    assert ("possible-leak", "duration") not in found(table, "sold")
    assert ("possible-leak", "duration") in found(table, "sold", quick=False)


def test_the_order_of_the_rows():
    ordered = CLASSES.sort("sold").with_columns(t=np.arange(ROWS) * 3 + RNG.integers(0, 2, ROWS))
    codes = found(ordered, "sold")
    assert ("possible-leak", "t") in codes
    assert ("row-order", "sold") in codes
    assert "row-order" not in dict(found(CLASSES, "sold"))


def test_leaks_are_left_out_of_the_fit_unless_kept():
    table = CLASSES.with_columns(k=pl.Series(LEAKS["reason"]))
    quick = {"quality": "fast", "epochs": 1, "hidden": (8,), "members": 1}
    with pytest.warns(lamina.LaminaWarning, match="'k' gives the answer away.*It is left out.*roles="):
        model = lamina.fit(table, "sold", **quick)
    assert model.schema["k"].role == "ignored"
    assert "the doctor left it out" in model.schema["k"].why
    assert model.predict(table.drop("k")).height == ROWS
    for kept in ({"allow": ("leak",)}, {"roles": {"k": "input"}}):
        model = lamina.fit(table, "sold", **quick, **kept)
        assert model.schema["k"].role == "input"
        assert [each.severity for each in model.findings if each.code == "leak"] == ["note"]


def test_the_only_input_stays():
    rows = {"height": [1.5, 1.6, 1.7, 1.8] * 60, "tall": ["no", "no", "yes", "yes"] * 60}
    report = lamina.doctor(rows, "tall", quick=True)
    assert report.schema["height"].role == "input"
    assert "It was kept" in report.findings[0].remedy


def test_allow_takes_known_words_only():
    with pytest.raises(lamina.LaminaError, match="allow"):
        lamina.fit(CLASSES, "sold", allow=("leek",))


@given(st.integers(0, 10**6), st.integers(30, 400), st.sampled_from([2, 3, 8, 0]))
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
def test_clean_random_tables_have_no_leaks(seed: int, rows: int, classes: int):
    rng = np.random.default_rng(seed)
    table: dict[str, Any] = {f"n{each}": rng.normal(size=rows) for each in range(3)}
    table["filled"] = np.where(rng.random(rows) < 0.3, None, rng.normal(size=rows))
    table |= {f"c{each}": rng.choice(list("abcdefgh")[: 2 + 3 * each], rows) for each in range(3)}
    table["when"] = [
        datetime(2020, 1, 1) + timedelta(hours=int(each)) for each in rng.integers(0, 9999, rows)
    ]
    table["y"] = (
        rng.choice([f"class {each}" for each in range(classes)], rows) if classes else rng.gamma(2, size=rows)
    )
    frame = pl.DataFrame([pl.Series(name, cells, strict=False) for name, cells in table.items()])
    assert not [each for each in found(frame, "y") if "leak" in each[0]]
