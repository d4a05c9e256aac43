"""Drift: how seldom it is seen where there is none, and that it is seen and told where there is."""

from __future__ import annotations

from datetime import datetime
from functools import cache

import numpy as np
import polars as pl
import pytest

import lamina
from lamina.data.conform import conform
from lamina.data.read import read
from lamina.learning.drift import coded, drift, holm, reference
from lamina.learning.hashing import row_ids
from lamina.learning.memory import ID, UPDATE, Memory
from lamina.learning.recalled import Recalled
from lamina.learning.records import Drift, LearnSettings
from lamina.learning.two_samples import clouds_apart, numbers_apart, risen, shares_apart, values_apart
from lamina.model import Model

NOW = datetime(2026, 1, 1)


def world(
    rows: int, seed: int, *, shift: float = 0.0, turned: bool = False, empty: float = 0.0
) -> pl.DataFrame:
    rng = np.random.default_rng((5, seed))
    a, b = rng.normal(size=rows) + shift, rng.normal(size=rows)
    word = rng.choice(["x", "y", "z"], rows, p=(0.5, 0.3, 0.2))
    lean = 1.5 * a + np.where(word == "x", 1, -1) * (-1 if turned else 1)
    answer = np.where(rng.random(rows) < 1 / (1 + np.exp(-2 * lean)), "yes", "no")
    frame = pl.DataFrame({"a": a, "b": b, "word": word, "answer": answer})
    gone = pl.Series(rng.random(rows) < empty)
    return frame.with_columns(pl.when(gone).then(None).otherwise("b").alias("b"))


@cache
def model() -> Model:
    return lamina.fit(world(600, 0), "answer", quality="fast", epochs=4, hidden=(16,), members=2)


def conformed(frame: pl.DataFrame) -> pl.DataFrame:
    return conform(read(frame), model().schema, need_target=True)[0]


def memory(seed: int, rows: int = 300) -> Memory:
    frame = conformed(world(rows, seed))
    judge = np.ones(rows, bool)
    return Memory.empty().with_rows(
        frame, model().schema, judge=judge, losses=np.zeros(rows), when=NOW, update=0
    )


def compared(new: pl.DataFrame, seed: int = 1000) -> tuple[Drift, ...]:
    frame = conformed(new)
    ids = row_ids(frame, model().schema)
    return drift(Recalled(model().fitted), frame, memory(seed), LearnSettings(seed=seed), ids=ids)


def alarms(months: int) -> float:
    return float(
        np.mean([any(d.moved for d in compared(world(150, k), 5000 + k)) for k in range(1, months + 1)])
    )


def test_clean_months_raise_few_alarms(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lamina.learning.two_samples.DEALS", 199)
    assert alarms(60) <= 0.05 + 2.6 * (0.05 * 0.95 / 60) ** 0.5


@pytest.mark.slow
def test_a_thousand_clean_months_raise_as_few_alarms_as_promised() -> None:
    share = alarms(1000)
    assert share <= 0.05 + 2.6 * (0.05 * 0.95 / 1000) ** 0.5


def test_a_column_that_moves_is_named() -> None:
    found = compared(world(400, 1, shift=0.8))
    moved = {each.column for each in found if each.moved and each.what == "column"}
    assert moved == {"a"}
    first = next(each for each in found if each.column == "a")
    assert "median" in first.message
    assert "log_loss" in first.effect
    assert any(each.what == "features" and each.moved for each in found)


def test_cells_that_go_missing_are_named() -> None:
    found = compared(world(400, 1, empty=0.3))
    assert [each.column for each in found if each.moved and each.what == "missing"] == ["b"]


def test_a_relation_that_turns_is_seen_though_no_column_moves() -> None:
    found = compared(world(400, 1, turned=True))
    relation = next(each for each in found if each.what == "relation")
    assert relation.moved
    assert relation.distance > 0.08
    assert not any(each.moved and each.what == "column" for each in found)


def test_where_no_row_of_the_champion_s_time_is_left_later_ones_tell() -> None:
    rows, found = conformed(world(300, 3)), Memory.empty()
    for number, judge in ((0, False), (1, True)):
        found = found.with_rows(
            rows[150 * number :][:150], model().schema, judge=np.full(150, judge),
            losses=np.zeros(150), when=NOW, update=number,
        )  # fmt: skip
    assert reference(found, 0)[0][UPDATE].to_list() == [1] * 150
    assert reference(found, 0)[1]
    assert not reference(found.put_aside(found.rows[ID][150:].to_list(), 2), 0)[1]


def test_rows_that_are_only_harder_are_no_other_relation() -> None:
    rows = world(4000, 1)
    hard = rows.filter(pl.col("a").abs() < 0.6)[:400]
    found = compared(hard)
    assert not next(each for each in found if each.what == "relation").moved
    assert any(each.moved and each.column == "a" for each in found)


def test_answers_that_shift_are_seen() -> None:
    rows = world(4000, 1)
    more = pl.concat(
        [rows.filter(pl.col("answer") == "yes")[:350], rows.filter(pl.col("answer") == "no")[:50]]
    )
    answers = next(each for each in compared(more) if each.what == "answers")
    assert answers.moved
    assert "'no'" in answers.message or "'yes'" in answers.message


def test_nothing_is_said_of_too_few_rows() -> None:
    assert compared(world(10, 1)) == ()


# ------------------------------------------------------------------------------------------- the tests


@pytest.mark.parametrize("which", ["numbers", "ties", "values", "shares", "risen", "clouds"])
def test_p_values_of_one_world_are_even(which: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lamina.learning.two_samples.DEALS", 99)
    rng = np.random.default_rng(3)
    found = []
    for _ in range(200 if which == "clouds" else 400):
        if which == "numbers":
            found.append(numbers_apart(rng.normal(size=80), rng.normal(size=50)).p)
        elif which == "ties":
            found.append(numbers_apart(rng.poisson(2, 80) * 1.0, rng.poisson(2, 50) * 1.0).p)
        elif which == "values":
            found.append(values_apart(rng.poisson(1, 90), rng.poisson(1, 60)).p)
        elif which == "shares":
            found.append(shares_apart(rng.random(90) < 0.2, rng.random(60) < 0.2).p)
        elif which == "risen":
            found.append(risen(rng.gamma(0.5, size=90), rng.gamma(0.5, size=40), rng).p)
        else:
            found.append(clouds_apart(rng.normal(size=(40, 3)), rng.normal(size=(30, 3)), rng).p)
    count = len(found)
    for level in (0.05, 0.2):
        assert np.mean(np.array(found) <= level) <= level + 2.6 * (level * (1 - level) / count) ** 0.5
    if which in ("numbers", "risen", "clouds"):
        assert np.mean(found) == pytest.approx(0.5, abs=0.08)


def test_holm_goes_on_while_it_may() -> None:
    def one(p: float, distance: float = 0.5) -> Drift:
        return Drift(what="column", measure="", distance=distance, p=p, moved=False, message="")

    found = holm([one(0.03), one(0.001), one(0.02), one(0.6)], 0.05)
    assert [each.moved for each in found] == [True, False, False, False]
    assert [each.moved for each in holm([one(0.01), one(0.02)], 0.05)] == [True, True]
    assert not holm([one(0.0, 0.01)], 0.05)[0].moved  # certain, and not worth a word


def test_missing_cells_have_a_code_of_their_own() -> None:
    old, new = coded(pl.Series([None, *np.arange(50.0)]), pl.Series([0.0, None, 99.0]))
    assert old[0] == new[1] == 0
    assert new[0] == 1
    assert new[2] == old.max()
