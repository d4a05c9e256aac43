"""Rows held back."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamina.data.split import Split, split
from lamina.errors import ColumnError, UsageError
from lamina.records import Field, Role, Schema


def schema(**roles: Role) -> Schema:
    return Schema(tuple(Field(name=name, kind="number", role=role, why="") for name, role in roles.items()))


def parts(
    cells: Any, role: Role = "target", answer: Literal["classes", "number"] = "classes", **more: Any
) -> Split:
    frame = pl.DataFrame({"x": cells}, strict=False)
    return split(frame, schema(x=role), answer=answer, **{"share": 0.25, "seed": 0} | more)


def partitioned(made: Split, rows: int) -> bool:
    both = np.concatenate([made.train, made.validation])
    ordered = all(np.all(np.diff(part) > 0) for part in (made.train, made.validation))
    return ordered and both.dtype == np.int64 and np.array_equal(np.sort(both), np.arange(rows))


@settings(deadline=None)
@given(
    cells=st.lists(st.none() | st.integers(0, 5), max_size=60),
    role=st.sampled_from(["target", "group", "time", "input"]),
    answer=st.sampled_from(["classes", "number"]),
    share=st.floats(0.01, 0.99),
    seed=st.integers(0, 9),
)
def test_every_row_is_on_one_side(
    cells: list[int | None],
    role: Role,
    answer: Literal["classes", "number"],
    share: float,
    seed: int,
) -> None:
    if role in ("group", "time") and not any(cell is not None for cell in cells):
        return
    made = parts(cells, role, answer, share=share, seed=seed)
    assert partitioned(made, len(cells))
    assert len(made.train) > 0 or not cells
    again = parts(cells, role, answer, share=share, seed=seed)
    assert np.array_equal(again.validation, made.validation)
    values = np.array([-1 if cell is None else cell for cell in cells])
    if role == "group":
        known = values >= 0
        train = set(values[made.train][known[made.train]])
        assert not train & set(values[made.validation][known[made.validation]])
    if role == "target" and answer == "classes":
        assert set(values) == set(values[made.train])


def test_classes_keep_their_share() -> None:
    made = parts(["a"] * 80 + ["b"] * 20)
    assert made.how == "stratified"
    assert len(made.validation) == 25
    assert np.sum(made.validation >= 80) in (4, 5, 6)


def test_a_class_of_one_row_is_learnt_not_judged() -> None:
    made = parts(["a"] * 9 + ["b"], share=0.9)
    assert 9 in made.train


def test_numbers_are_held_back_over_their_whole_range() -> None:
    cells = np.arange(1000.0)
    made = parts(cells, answer="number", share=0.1)
    counts = np.histogram(cells[made.validation], bins=10, range=(0, 1000))[0]
    assert counts.min() >= 9
    assert counts.max() <= 11
    assert made.how == "random"


def test_seeds_differ() -> None:
    assert not np.array_equal(
        parts([0.5] * 99, answer="number", seed=0).validation,
        parts([0.5] * 99, answer="number", seed=1).validation,
    )


def test_time_holds_the_latest_rows_back_and_does_not_cut_a_moment() -> None:
    made = parts([5, 1, 4, 2, 3, None, 5, 0], "time")
    assert made.how == "time"
    assert made.validation.tolist() == [0, 6]
    made = parts([1, 2, 2, 2, 2, 2], "time", share=0.2)
    assert made.validation.tolist() == [1, 2, 3, 4, 5]


def test_groups_come_before_time_and_can_be_overruled() -> None:
    frame = pl.DataFrame({"g": [1, 1, 2, 2], "t": [1, 2, 3, 4], "y": [0, 1, 0, 1]})
    fields = schema(g="group", t="time", y="target")
    assert split(frame, fields, answer="classes", share=0.5, seed=0).how == "group"
    assert split(frame, fields, answer="classes", share=0.5, seed=0, how="time").how == "time"
    assert split(frame, fields, answer="classes", share=0.5, seed=0, how="random").how == "random"


@pytest.mark.parametrize("rows", [0, 1])
def test_too_few_rows_are_all_learnt(rows: int) -> None:
    made = parts([1] * rows)
    assert (len(made.train), len(made.validation), made.how) == (rows, 0, "none")
    assert "too few rows" in made.why


def test_one_group_cannot_be_split() -> None:
    made = parts([7] * 10, "group")
    assert len(made.validation) == 0
    assert "same 'x'" in made.why


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(UsageError, match="between 0 and 1"):
        parts([1, 2], share=1.0)
    with pytest.raises(UsageError, match="no column has the role 'time'"):
        parts([1, 2], how="time")
    with pytest.raises(ColumnError, match="no value in any row"):
        parts([None, None], "group")
