"""What is wrong with the data, in words."""

from __future__ import annotations

from typing import Any, Literal

import polars as pl
import pytest

from lamina.data.doctor import Case, examine, stop_on_fatal
from lamina.errors import TargetError
from lamina.records import Field, Finding, Schema

ROWS = 40


def findings(answer: Literal["classes", "number"] = "classes", **columns: Any) -> tuple[Finding, ...]:
    """What the doctor says of these columns; y is the target."""
    frame = pl.DataFrame(columns)
    kinds = {"Float64": "number", "Int64": "number", "Boolean": "flag", "Null": "number"}
    fields = tuple(
        Field(
            name=name,
            kind=kinds.get(str(frame.schema[name]), "category"),
            role="target" if name == "y" else "input",
            why="",
        )
        for name in columns
    )
    return examine(Case(frame, Schema(fields)))


def every(*cells: Any) -> list[Any]:
    return [cells[row % len(cells)] for row in range(ROWS)]


NUMBERS = [float(row * row % 37) + row / 100 for row in range(ROWS)]


def test_sound_data_has_no_findings() -> None:
    assert findings(x=NUMBERS, y=every("a", "b", "b")) == ()


def refused(*found: Finding) -> None:
    stop_on_fatal(found)


def test_a_single_answer_is_refused() -> None:
    with pytest.raises(TargetError, match="'y' is 'a' in every row: there is nothing to tell apart"):
        refused(*findings(x=NUMBERS, y=every("a")))
    with pytest.raises(TargetError, match="'y' has no value in any row"):
        refused(*findings(x=NUMBERS, y=every(None)))


def test_a_target_that_looks_like_an_id_is_refused_unless_allowed() -> None:
    found = findings(x=NUMBERS, y=[f"c{row}" for row in range(ROWS)])
    with pytest.raises(TargetError, match="40 different values in 40 rows") as caught:
        refused(*found)
    assert 'answer="number"' in str(caught.value)
    stop_on_fatal(found, allow=("too-many-classes",))
    sure = [each.code for each in findings("number", x=NUMBERS, y=[number**3 for number in NUMBERS])]
    assert "too-many-classes" not in sure


@pytest.mark.parametrize(
    ("columns", "code", "severity", "column", "words"),
    [
        ({"x": NUMBERS[:5], "y": list("ababa")}, "few-rows", "warning", None, "only 5 rows"),
        ({"y": every("a", "b")}, "no-inputs", "fatal", None, "No column is left"),
        ({"x": NUMBERS, "y": [*every("a", "b")[:-1], "c"]}, "rare-class", "warning", "y", "'c'"),
        (
            {"x": NUMBERS, "z": every(None), "y": every("a", "b")},
            "all-missing",
            "note",
            "z",
            "no val",
        ),
        (
            {"x": NUMBERS, "z": every(3.0), "y": every("a", "b")},
            "constant",
            "note",
            "z",
            "is 3.0 in",
        ),
        (
            {"x": NUMBERS, "z": every("a", "b"), "y": every("a", "b")},
            "leak",
            "warning",
            "z",
            "a copy",
        ),
        (
            {"x": NUMBERS, "z": every("p", "q"), "y": every("a", "b")},
            "leak",
            "warning",
            "z",
            "one for one",
        ),
        (
            {"x": NUMBERS, "z": every("p", "q", "r", "q"), "y": every("a", "b")},
            *("possible-leak", "warning", "z", "alone settles"),
        ),
        (
            {"x": every(1.0, 2.0, 3.0), "y": every("a", "b")},
            "duplicates",
            "note",
            None,
            "34 rows are",
        ),
        (
            {"x": [*NUMBERS, NUMBERS[0]], "y": [*every("a", "b"), "a"]},
            "duplicates",
            "note",
            None,
            "1 row",
        ),
    ],
)
def test_findings(columns: dict[str, Any], code: str, severity: str, column: str | None, words: str) -> None:
    found = [each for each in findings(**columns) if each.code == code]
    assert len(found) == 1
    assert (found[0].severity, found[0].column) == (severity, column)
    assert words in found[0].message
    assert found[0].remedy


def test_a_number_that_copies_the_answer_is_a_leak() -> None:
    found = findings("number", x=NUMBERS, z=every(1.0, 2.0), y=NUMBERS)
    assert [(each.code, each.column) for each in found] == [("leak", "x")]


def test_the_worst_comes_first() -> None:
    found = findings(z=every(3.0), y=every("a", "b"))
    assert [each.severity for each in found] == sorted(
        (each.severity for each in found), key=("fatal", "warning", "note").index
    )
