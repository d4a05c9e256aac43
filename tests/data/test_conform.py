"""A raw table in the types of its schema."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lamina.data.conform import conform
from lamina.data.infer import infer
from lamina.data.table import Table
from lamina.errors import ColumnError, TargetError
from lamina.records import Field, Finding, Schema


def table(**columns: Any) -> Table:
    return Table(pl.DataFrame(columns, strict=False), "new.csv")


def schema(**kinds: str) -> Schema:
    """Inputs of these kinds; the one named y is the target."""
    forms: dict[str, dict[str, Any]] = {"date": {"order": "year-month-day"}}
    return Schema(
        tuple(
            Field(
                name=name,
                kind=kind,
                role="target" if name == "y" else "input",
                why="",
                form=forms.get(kind, {}),
            )
            for name, kind in kinds.items()
        )
    )


def column(kind: str, cells: Any, **form: Any) -> pl.Series:
    """One column of cells in the type of its kind."""
    fields = schema(x=kind)
    fields = fields.replace("x", form=form) if form else fields
    return conform(table(x=cells), fields, need_target=False)[0]["x"]


def finding(findings: tuple[Finding, ...], code: str) -> Finding:
    return next(each for each in findings if each.code == code)


@pytest.mark.parametrize(
    ("kind", "cells", "form", "dtype", "read"),
    [
        ("number", ["1", "?", "2.5"], {}, pl.Float64, [1, None, 2.5]),
        ("number", ["1,5 km", "2"], {"decimal": ",", "unit": "km"}, pl.Float64, [1.5, 2]),
        ("number", [1, 2, None], {}, pl.Float64, [1, 2, None]),
        ("number", [1.0, float("nan")], {}, pl.Float64, [1, None]),
        ("number", [True, False], {}, pl.Float64, [1, 0]),
        (
            "flag",
            ["Yes", "no", ""],
            {"true": "yes", "false": "no"},
            pl.Boolean,
            [True, False, None],
        ),
        ("flag", [1, 0], {"true": "1", "false": "0"}, pl.Boolean, [True, False]),
        ("category", [" a ", "NA", "None"], {}, pl.String, ["a", None, "None"]),
        ("category", [3, 4], {}, pl.String, ["3", "4"]),
        ("category", [3.0, 4.5, None], {}, pl.String, ["3", "4.5", None]),
        ("category", ["3.0", "3", "007"], {"values": "integer"}, pl.String, ["3", "3", "007"]),
        ("category", [True, False], {}, pl.String, ["true", "false"]),
        ("date", ["2024-01-01", "-"], {}, pl.Datetime("us"), [datetime(2024, 1, 1), None]),
        ("date", [date(2024, 1, 1)], {}, pl.Datetime("us"), [datetime(2024, 1, 1)]),
        ("number", [None, None], {}, pl.Float64, [None, None]),
        ("flag", [None], {}, pl.Boolean, [None]),
        ("date", [None], {}, pl.Datetime("us"), [None]),
        ("category", [None], {}, pl.String, [None]),
    ],
)
def test_types(kind: str, cells: Any, form: dict[str, Any], dtype: Any, read: list[Any]) -> None:
    found = column(kind, cells, **form)
    assert found.dtype == dtype
    assert found.to_list() == read


def test_an_enum_and_a_categorical_are_categories() -> None:
    for dtype in (pl.Categorical, pl.Enum(["a", "b"])):
        assert column("category", pl.Series(["a", "b"], dtype=dtype)).to_list() == ["a", "b"]


def test_images_stay_as_they_are() -> None:
    for cells in (["a.png"], [b"\x89PNG"]):
        assert column("image", cells).to_list() == cells


def test_columns_come_in_the_order_of_the_schema_without_ignored_ones() -> None:
    fields = schema(b="number", a="number", c="number").replace("c", role="ignored")
    frame, findings = conform(table(a=[1], b=[2], c=[3]), fields, need_target=False)
    assert frame.columns == ["b", "a"]
    assert findings == ()


def test_columns_never_seen_are_left_out_and_said() -> None:
    frame, findings = conform(table(a=[1], new=[2]), schema(a="number"), need_target=False)
    assert frame.columns == ["a"]
    said = finding(findings, "extra-columns")
    assert said.severity == "note"
    assert "'new'" in said.message


def test_a_missing_input_is_named_with_the_nearest() -> None:
    with pytest.raises(ColumnError) as caught:
        conform(table(aeg=[1]), schema(age="number", size="number"), need_target=False)
    said = str(caught.value)
    assert "new.csv lacks 2 of the 2 columns that the model reads: 'age', 'size'." in said
    assert "Did you mean 'aeg'?" in said
    assert caught.value.facts["columns"] == ["age", "size"]


def test_a_missing_target_matters_only_where_it_is_needed() -> None:
    fields = schema(a="number", y="category")
    assert conform(table(a=[1]), fields, need_target=False)[0].columns == ["a"]
    with pytest.raises(TargetError, match=r"column to predict, 'y', is not in new\.csv"):
        conform(table(a=[1]), fields, need_target=True)


def test_rows_without_an_answer_are_left_out_and_counted() -> None:
    raw, fields = table(a=[1, 2, 3], y=["x", "?", None]), schema(a="number", y="category")
    frame, findings = conform(raw, fields, need_target=True)
    assert frame["a"].to_list() == [1]
    said = finding(findings, "target-missing")
    assert (said.count, said.rows) == (2, (1, 2))
    assert "2 of 3 rows have no 'y'" in said.message
    assert conform(raw, fields, need_target=False)[0].height == 3
    with pytest.raises(TargetError, match=r"no value in any of the 1 rows"):
        conform(table(a=[1], y=[None]), fields, need_target=True)


def test_unreadable_cells_become_missing_and_are_counted() -> None:
    frame, findings = conform(table(a=["1", "two", "3", "?", "5"]), schema(a="number"), need_target=False)
    assert frame["a"].to_list() == [1, None, 3, None, 5]
    said = finding(findings, "unreadable")
    assert (said.severity, said.column, said.rows, said.count) == ("warning", "a", (1,), 1)
    assert "1 cell cannot be read as numbers" in said.message
    assert "first in row 1: 'two'" in said.message
    assert "kinds={'a': 'category'}" in said.remedy


def test_infinite_numbers_are_missing_and_counted() -> None:
    frame, findings = conform(table(a=[1.0, float("inf"), 2.0, 3.0]), schema(a="number"), need_target=False)
    assert frame["a"].to_list() == [1, None, 2, 3]
    assert finding(findings, "unreadable").rows == (1,)


def test_columns_that_hold_something_else_are_refused_all_at_once() -> None:
    with pytest.raises(ColumnError) as caught:
        conform(
            table(a=["x", "y", "3"], b=[[1], [2], [3]]),
            schema(a="number", b="category"),
            need_target=False,
        )
    said = str(caught.value)
    assert "Column 'a' should hold numbers, but 2 of its 3 cells do not, first in row 0: 'x'." in said
    assert "Column 'b' should hold categories" in said
    assert caught.value.facts["columns"] == ["a", "b"]


def test_a_picture_column_of_numbers_is_refused() -> None:
    with pytest.raises(ColumnError, match="should hold pictures"):
        conform(table(a=[1, 2]), schema(a="image"), need_target=False)


def test_float_columns_pass_without_a_copy() -> None:
    raw = table(a=[1.0, 2.0])
    frame, _ = conform(raw, schema(a="number"), need_target=False)
    before, after = (f["a"].to_numpy(allow_copy=False) for f in (raw.frame, frame))
    assert np.shares_memory(before, after)


def test_what_was_trained_on_text_is_served_typed() -> None:
    texts = table(n=["1", "2"] * 9, f=["0", "1"] * 9, c=["7", "8"] * 9, d=["2024-01-02", "2024-01-03"] * 9)
    fields = infer(texts, kinds={"c": "category"})
    served = table(n=[1], f=[False], c=[7.0], d=[date(2024, 1, 2)])
    frame, _ = conform(served, fields, need_target=False)
    assert frame.row(0) == conform(texts, fields, need_target=False)[0].row(0)


CELLS = st.one_of(
    *(st.none(), st.text(max_size=6), st.integers().map(str), st.floats().map(str)),
    *(st.dates().map(str), st.sampled_from(["yes", "no", "1,5", "1.234,5", "5 km", "?", "0"])),
)
TYPED = st.sampled_from([st.integers(-(2**63), 2**63 - 1), st.floats(), st.booleans(), st.dates(), CELLS])


@st.composite
def tables(draw: st.DrawFn) -> Table:
    """Tables of one to four columns, of text or typed, with anything in them."""
    rows = draw(st.integers(0, 30))
    columns = {
        f"c{place}": draw(st.lists(st.none() | draw(TYPED), min_size=rows, max_size=rows))
        for place in range(draw(st.integers(1, 4)))
    }
    return Table(pl.DataFrame(columns, strict=False), "random")


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(tables())
def test_conform_reads_every_table_it_was_inferred_from_and_keeps_the_rows(raw: Table) -> None:
    fields = infer(raw)
    frame, _ = conform(raw, fields, need_target=False)
    assert frame.height == len(raw)
    again, findings = conform(Table(frame, "again"), fields, need_target=False)
    assert again.equals(frame)
    assert findings == ()
