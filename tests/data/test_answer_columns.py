"""How a target is understood: orders, labels, and what was asked."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from lamina.data.conform import conform
from lamina.data.infer import infer
from lamina.data.labels import detect_labels, parse_labels
from lamina.data.orders import SCALES, order_of
from lamina.data.table import Table
from lamina.errors import TargetError, UsageError
from lamina.tasks import Predict, check_metric


@pytest.mark.parametrize("scale", SCALES)
def test_every_scale_orders_its_own_words(scale: str) -> None:
    words = [step.split("/")[0] for step in scale.split(" < ")]
    assert order_of(sorted(words)) == tuple(words)
    assert order_of([words[-1].upper(), words[0].title()]) == (words[0].title(), words[-1].upper())


def test_words_that_tell_no_order() -> None:
    assert order_of(["red", "green"]) is None
    assert order_of(["low", "mid", "medium"]) is None


@pytest.mark.parametrize(
    ("cells", "separator", "lists"),
    [
        (["a;b", "b", None, "", "[]"], ";", [["a", "b"], ["b"], None, None, []]),
        (["a | b", "b|"], "|", [["a", "b"], ["b"]]),
        (["a, b", "b"], ",", [["a", "b"], ["b"]]),
        (["a b", "b b"], " ", [["a", "b"], ["b"]]),
        (['["a", "b"]', "[]", "n/a"], "json", [["a", "b"], [], None]),
        (['["a"]', "[broken]"], "json", [["a"], None]),
        (["a", "b"], "", [["a"], ["b"]]),
        ([["a", " b "], [], None, ["", None, "a", "a"]], "", [["a", "b"], [], None, ["a"]]),
        ([[1, 2], [3]], "", [["1", "2"], ["3"]]),
    ],
)
def test_labels_in_cells(cells: list[Any], separator: str, lists: list[Any]) -> None:
    raw = pl.Series("y", cells)
    form = detect_labels(raw)
    assert form is not None
    assert form.separator == separator
    assert parse_labels(raw, form).to_list() == lists


def test_cells_that_hold_no_labels() -> None:
    assert detect_labels(pl.Series([1.5])) is None
    assert detect_labels(pl.Series([[1.5]])) is None


def asked(cells: list[Any], **task: Any) -> Any:
    return infer(Table(pl.DataFrame({"x": [1.5] * len(cells), "y": cells}), "t"), task=Predict("y", **task))[
        "y"
    ]


def test_what_was_asked_stands_in_the_schema() -> None:
    wholes = [1, 2, 3, 4] * 10
    assert asked(wholes, answer="count").form["answer"] == "count"
    assert asked(wholes, quantiles=[0.2, 0.8]).form["levels"] == [0.2, 0.8]
    assert asked(wholes, answer="quantiles").form["levels"] == [0.1, 0.5, 0.9]
    assert asked(wholes, answer="ordered").form["order"] == ["1", "2", "3", "4"]
    assert asked(wholes, order=(4.0, 3, 2, 1)).form["order"] == ["4", "3", "2", "1"]
    assert asked(["M", "S", "XL"] * 9, answer="ordered").form["order"] == ["S", "M", "XL"]
    assert asked([["a"], ["b", "a"]] * 9).answer == "labels"
    assert asked(["a;b", "b"] * 9, answer="labels").form["separator"] == ";"
    assert asked(["a", "b"] * 9).answer == "classes"
    assert asked([1.5, 2.5] * 9).answer == "number"


@pytest.mark.parametrize(
    ("cells", "task", "words"),
    [
        (["red", "blue"] * 9, {"answer": "ordered"}, r"'blue', 'red'\) are in no order.*\n.*order="),
        (["a", "b"] * 9, {"quantiles": (0.5,)}, "such as 'a'"),
        ([1.5, 2.5] * 9, {"answer": "labels"}, "Float64 cells"),
        ([[0.5, 1.5]] * 9, {}, "cannot be predicted"),
    ],
)
def test_answers_that_a_column_cannot_give(cells: list[Any], task: dict[str, Any], words: str) -> None:
    with pytest.raises(TargetError, match=words):
        asked(cells, **task)


@pytest.mark.parametrize(
    ("task", "words"),
    [
        ({"answer": "clases"}, "Did you mean 'classes'"),
        ({"quantiles": (0.9, 0.1)}, "that rise"),
        ({"quantiles": (0.0, 0.5)}, "between 0 and 1"),
        ({"answer": {"z": "number"}}, "'z' is none of the targets"),
    ],
)
def test_tasks_that_cannot_be(task: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        Predict("y", **task)
    with pytest.raises(UsageError, match="named twice"):
        Predict(("y", "y"))


def test_a_metric_of_several_targets() -> None:
    fitting = ("joint", "a.log_loss", "a.accuracy", "b.rmse")
    check_metric(Predict(("a", "b"), metric="a.accuracy"), fitting, "several")
    with pytest.raises(UsageError, match=r"'a.acuracy' is no metric.*\n.*Did you mean 'a.accuracy'"):
        check_metric(Predict(("a", "b"), metric="a.acuracy"), fitting, "several")


def test_rows_stay_while_one_of_the_targets_is_known() -> None:
    table = Table(
        pl.DataFrame({"x": [1.5, 2.5, 3.5] * 9, "a": ["p", None, None] * 9, "b": ["1.5", "", "2.5"] * 9}), "t"
    )
    frame, findings = conform(table, infer(table, task=Predict(("a", "b"))), need_target=True)
    assert frame.height == 18
    assert [(each.column, each.count) for each in findings if each.code == "target-missing"] == [
        ("a", 18),
        ("b", 9),
    ]
    assert "for the other targets only" in findings[-1].message
