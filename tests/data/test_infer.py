"""Kind, role and reason of every column."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest

from lamina.data.infer import infer
from lamina.data.table import Table
from lamina.errors import TargetError, UsageError
from lamina.records import Field, Schema
from lamina.tasks import Predict

ROWS = 120


def table(**columns: Any) -> Table:
    return Table(pl.DataFrame(columns, strict=False), "table.csv")


def field(name: str, cells: Any, **arguments: Any) -> Field:
    """The field of a single column of a table."""
    return infer(table(**{name: cells}), **arguments)[name]


def taken(name: str, cells: Any) -> tuple[str, str]:
    found = field(name, cells)
    return found.kind, found.role


def every(*cells: Any) -> list[Any]:
    """These cells again and again."""
    return [cells[row % len(cells)] for row in range(ROWS)]


def unlike(pattern: str) -> list[str]:
    """A different cell in each row."""
    return [pattern.format(row, row * 7919 % 9973) for row in range(ROWS)]


IMAGE, SERIES, VECTOR = np.zeros((3, 4, 4), np.uint8), [[1.0], [1.0, 2.0], []], [[1.0, 2.0]] * 3


@pytest.mark.parametrize(
    ("name", "cells", "kind", "role"),
    [
        ("age", every(31, 32, 47, 58), "number", "input"),
        ("rooms", every("1", "2", "3"), "number", "input"),
        ("price", every("1.234,5", "12,5"), "number", "input"),
        ("SeniorCitizen", every(0, 1), "flag", "input"),
        ("active", every(True, False), "flag", "input"),
        ("partner", every("Yes", "No"), "flag", "input"),
        ("sex", every("Male", "Female"), "category", "input"),
        ("colour", every("red", "green", "none"), "category", "input"),
        ("store_id", every(101, 205, 999), "category", "input"),
        ("RepNumber", every(1, 2, 3), "category", "input"),
        ("zip", every("01234", "98765", "10115"), "category", "input"),
        ("account", every("1234567890123456789", "9876543210123456789", "1"), "category", "input"),
        ("vehicle_age", every("3 years", "new", "more than 7"), "category", "input"),
        ("day", every("2024-01-01", "2024-02-03"), "date", "input"),
        ("day", every(date(2024, 1, 1), date(2024, 1, 2)), "date", "input"),
        ("created", every(1700000000, 1600000000), "date", "input"),
        ("amount", every(1700000000, 1600000000), "number", "input"),
        ("customerID", unlike("{}-ABC{}"), "id", "ignored"),
        ("user_id", list(range(5000, 5000 + ROWS)), "id", "ignored"),
        ("PolicyNumber", list(range(ROWS)), "id", "ignored"),
        ("hash", unlike("h{}x{}"), "id", "ignored"),
        ("review", unlike("a long sentence number {} that somebody wrote {}"), "text", "input"),
        ("title", unlike("Title {}"), "text", "input"),
        ("note", [None] * ROWS, "category", "ignored"),
        ("note", every("?", "NA", ""), "category", "ignored"),
        ("currency", every("EUR"), "category", "ignored"),
        ("level", every(7), "number", "ignored"),
        ("picture", every("a.png", "b.JPG"), "image", "input"),
        ("sound", every("a.wav", "b.mp3"), "audio", "input"),
        ("clip", every("a.mp4", "b.mov"), "video", "input"),
        ("pixels", IMAGE, "image", "input"),
        ("file", [b"\x89PNG\r\n", b"\xff\xd8\xff\xe0"], "image", "input"),
        ("blob", [b"abc", b"def"], "id", "ignored"),
        ("signal", SERIES, "series", "input"),
        ("embedding", VECTOR, "vector", "input"),
        ("tags", [["a"], ["a", "b"], []], "set", "input"),
        ("nested", [{"a": 1}, {"a": 2}], "set", "ignored"),
    ],
)
def test_kind_and_role(name: str, cells: Any, kind: str, role: str) -> None:
    assert taken(name, cells) == (kind, role)


@pytest.mark.parametrize(
    ("name", "cells", "words"),
    [
        ("customerID", unlike("{}-ABC{}"), "an id: all values are distinct"),
        ("currency", every("EUR"), "constant: always 'EUR'"),
        ("note", [None] * ROWS, "every value is missing"),
        ("zip", every("01234", "98765"), "leading zeros"),
        ("store_id", every(1, 2, 3), "the name says code"),
        ("alcohol", every("13%", "14.5%"), "numbers, in %"),
        ("price", every("1.234,5", "12,5"), "with a decimal comma, with a point between thousands"),
        ("price", every("1,234", "5,678"), "nothing tells it from a decimal comma"),
        ("day", every("1/2/2024", "3/4/2024"), "the day was taken first"),
        ("partner", every("Yes", "No"), "two values: yes and no"),
        ("sex", every("m", "f"), "2 values: 'f', 'm'"),
        ("flagged", every("x", None), "one value: 'x', or missing"),
        ("created", every(1700000000, 1600000000), "the name speaks of time"),
        ("sound", every("a.wav", "b.wav"), "paths of audio files"),
    ],
)
def test_the_reason_is_said(name: str, cells: Any, words: str) -> None:
    assert words in field(name, cells).why


def test_free_text_says_how_long_and_how_distinct() -> None:
    found = field("review", unlike("a long sentence number {} that somebody wrote {}"))
    assert found.why == "free text (median 9 words, 100% distinct)"


def test_text_of_machines_is_told() -> None:
    page = field("page", unlike("<p>a sentence number {} that <b>somebody</b> wrote {}</p>"))
    assert (page.kind, page.role) == ("text", "input")
    assert page.why.endswith("with tags that are taken out")
    records = field("payload", unlike('{{"number": {}, "said": "what somebody wrote on it {}"}}'))
    assert records.why.endswith("written as JSON: read as words, not as fields")


def test_readable_kinds_are_the_callers() -> None:
    cells = unlike("a long sentence number {} that somebody wrote {}")
    assert field("review", cells, readable={"text"}).role == "input"


def test_number_cells_that_are_none_are_said() -> None:
    cells = [str(row) for row in range(ROWS)] + ["oops"]
    assert "('oops') and count as missing" in field("weight", cells).why


def test_a_column_that_counts_the_rows_is_no_input() -> None:
    columns = {name: every(3, 1, 2) for name in "abc"}
    found = infer(table(instant=list(range(1, ROWS + 1)), **columns))["instant"]
    assert (found.kind, found.role, found.why) == ("id", "ignored", "it counts the rows")
    assert taken("x", list(range(ROWS))) == ("number", "input")


def test_a_few_rows_are_no_reason_to_see_ids() -> None:
    assert taken("city", ["Rome", "Oslo", "Bern"]) == ("category", "input")


def test_a_third_value_outside_the_sample_is_no_flag() -> None:
    cells = np.tile([0, 1], 25_000)
    assert field("x", cells).kind == "flag"
    cells[1] = 2  # of 50,000 rows the sample takes 0, 2, 5, 7, …
    assert field("x", cells).kind == "number"


def test_text_and_typed_columns_give_the_same_schema() -> None:
    typed = pl.DataFrame({"a": every(1, 0), "b": every(1.5, 2.5), "c": every("x", "y", "z")})
    texts = typed.cast(pl.String)
    assert infer(Table(typed, "t")) == infer(Table(texts, "t"))


# ------------------------------------------------------------------------------------- the target


@pytest.mark.parametrize(
    ("name", "cells", "kind"),
    [
        ("y", every("a", "b"), "category"),
        ("y", every("Yes", "No"), "category"),
        ("y", every(True, False), "category"),
        ("y", every(0, 1), "category"),
        ("y", every(0.0, 1.0), "category"),
        ("y", every("0", "1"), "category"),
        ("y", every(1, 2, 3, 4, 5), "category"),
        ("y", every(1.0, 2.0, 3.0), "number"),
        ("y", every(*range(12)), "number"),
        ("class", every(*range(12)), "category"),
        ("y", every(1000, 2000, 3000), "number"),
        ("y", every(1.5, 2.5), "number"),
        ("y", every("13%", "14%", "15.5%"), "number"),
        ("y", every("007", "008"), "category"),
    ],
)
def test_the_target_is_classes_or_a_number(name: str, cells: Any, kind: str) -> None:
    found = field(name, cells, target=name)
    assert (found.kind, found.role) == (kind, "target")


def test_the_target_says_how_to_overrule() -> None:
    assert 'Predict(target=…, answer="number")' in field("y", every(1, 2, 3), target="y").why
    assert 'answer="classes"' in field("y", every(*range(11)), target="y").why


def test_the_answer_of_the_task_decides() -> None:
    wholes = every(1, 2, 3)
    assert field("y", wholes, task=Predict(target="y", answer="number")).kind == "number"
    assert field("y", every(1.5, 2.5), task=Predict(target="y", answer="classes")).kind == "category"
    assert field("y", wholes, target="y", kinds={"y": "number"}).kind == "number"
    assert field("y", wholes, roles={"y": "target"}).role == "target"


def test_the_label_of_the_source_is_the_target_unless_another_is_named() -> None:
    source = Table(pl.DataFrame({"a": every(1, 2), "label": every("x", "y")}), "digits/", label="label")
    assert infer(source).with_role("target")[0].name == "label"
    assert infer(source, target="a").with_role("target")[0].name == "a"


def test_a_target_that_is_not_there_offers_the_nearest() -> None:
    with pytest.raises(TargetError, match=r"no column 'chruned'.*\n.*Did you mean 'churned'"):
        field("churned", every(1, 0), target="chruned")


@pytest.mark.parametrize(
    ("cells", "arguments", "words"),
    [
        (every(None), {}, "no value in any row"),
        (every("2024-01-01", "2024-02-01"), {}, "a date cannot be predicted"),
        (every("a.mp4", "b.mp4"), {}, "a video cannot be predicted"),
        (every("a", "b"), {"task": Predict(target="y", answer="number")}, "values such as 'a'"),
    ],
)
def test_targets_that_cannot_be(cells: Any, arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(TargetError, match=words):
        field("y", cells, **{"target": "y"} | arguments)


# -------------------------------------------------------------------------------------- overrides


def test_kinds_and_roles_overrule() -> None:
    raw = table(a=every(1, 2, 3), b=every("x", "y"), c=unlike("c{}"), d=every(1.5, 2.5))
    schema = infer(
        raw,
        kinds={"a": "category", "b": "flag", "c": "category"},
        roles={"d": "weight", "c": "group"},
    )
    assert [(f.kind, f.role) for f in schema] == [
        *(("category", "input"), ("flag", "input"), ("category", "group"), ("number", "weight"))
    ]
    assert schema["a"].why == "you set the kind to category"
    assert "y counts as true" in schema["b"].why
    assert "you set the role" in schema["d"].why
    assert schema["a"].form == {"values": "integer"}


def test_all_impossible_overrides_are_in_one_message() -> None:
    with pytest.raises(UsageError) as caught:
        field("age", every(1, 2, 3), kinds={"aeg": "number", "age": "numbr"}, roles={"age": "inptu"})
    said = str(caught.value)
    for words in (
        "no such column",
        "Did you mean 'age'",
        "'numbr' is no kind",
        "Did you mean 'number'",
    ):
        assert words in said
    assert "'inptu' is no role" in said


@pytest.mark.parametrize(
    ("cells", "arguments", "words"),
    [
        (every("a", "b", "c"), {"kinds": {"x": "number"}}, "cannot be read as kind 'number'"),
        (every("a", "b", "c"), {"kinds": {"x": "date"}}, "values such as 'a'"),
        (every("a", "b", "c"), {"kinds": {"x": "flag"}}, "cannot be read as kind 'flag'"),
        (every("a", "b", "c"), {"roles": {"x": "time"}}, "cannot have the role 'time'"),
        (every("a", "b", "c"), {"roles": {"x": "weight"}}, "cannot have the role 'weight'"),
        (unlike("x{}"), {"roles": {"x": "input"}}, "kinds={'x': 'category'}"),
        (every("a", "b"), {"target": "x", "roles": {"x": "input"}}, "is the target and was given"),
        (every("a", "b"), {"target": "x", "kinds": {"x": "date"}}, "cannot be an answer"),
    ],
)
def test_overrides_that_cannot_be(cells: Any, arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError) as caught:
        field("x", cells, **arguments)
    assert words in str(caught.value)


def test_targets_named_in_two_ways_are_refused() -> None:
    with pytest.raises(UsageError, match="some as target and some by role: 'a' and 'b'"):
        infer(table(a=every(1, 2), b=every(1, 2)), target="a", roles={"b": "target"})


def test_a_table_without_rows_gives_a_schema() -> None:
    schema = infer(table(a=pl.Series([], dtype=pl.String), b=pl.Series([], dtype=pl.Float64)))
    assert isinstance(schema, Schema)
    assert [f.role for f in schema] == ["ignored", "ignored"]
