"""Targets of every kind: what is encoded comes back, what cannot be learnt is refused."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamina.errors import TargetError
from lamina.features.targets.classes import ClassTarget
from lamina.features.targets.labels import LabelsTarget
from lamina.features.targets.means import AmountTarget, CountTarget
from lamina.features.targets.number import NumberTarget
from lamina.features.targets.ordered import OrderedTarget
from lamina.features.targets.quantiles import QuantilesTarget
from lamina.features.targets.several import SeveralTarget, fit_target, target_from_json
from lamina.records import Field, Schema

MANY = settings(max_examples=60, deadline=None)
WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=8)


def through_json(target: Any) -> Any:
    return target_from_json(json.loads(json.dumps(target.to_json(), allow_nan=False)))


@MANY
@given(rows=st.lists(st.none() | st.lists(WORDS, max_size=4, unique=True), min_size=1, max_size=12))
def test_lists_of_labels_come_back(rows: list[list[str] | None]) -> None:
    frame = pl.DataFrame({"y": pl.Series(rows, dtype=pl.List(pl.String))})
    if not any(rows):
        with pytest.raises(TargetError, match="no label in any row"):
            LabelsTarget.fit(frame, "y")
        return
    target = through_json(LabelsTarget.fit(frame, "y"))
    answers = target.read(frame["y"])
    told = target.decode(np.nan_to_num(answers) > 0.5, ~np.isnan(answers).any(1)).to_list()
    assert [each if each is None else set(each) for each in told] == [
        row if row is None else set(row) for row in rows
    ]


def test_labels_never_seen_are_left_out() -> None:
    target = LabelsTarget.fit(pl.DataFrame({"y": [["a", "b"], ["b"]]}), "y")
    assert target.read(pl.Series([["b", "new"], [], None], dtype=pl.List(pl.String))).tolist()[:2] == [
        [0, 1],
        [0, 0],
    ]


@MANY
@given(
    values=st.lists(st.floats(1e-6, 1e12), min_size=2, max_size=20, unique=True), kind=st.sampled_from([0, 1])
)
def test_counts_and_amounts_come_back_in_the_users_unit(values: list[float], kind: int) -> None:
    target = through_json((CountTarget, AmountTarget)[kind].fit(pl.DataFrame({"y": values}), "y"))
    told = target.values(target.read(pl.Series(values)))
    assert told == pytest.approx(values, rel=1e-5)
    assert target.values(np.array([1e9])) == pytest.approx(1.1 * max(values))


@MANY
@given(
    values=st.lists(st.integers(-1000, 1000), min_size=2, max_size=20, unique=True),
    levels=st.lists(st.floats(0.01, 0.99), min_size=1, max_size=5, unique=True).map(sorted),
)
def test_quantiles_are_numbers_with_levels(values: list[int], levels: list[float]) -> None:
    frame = pl.DataFrame({"y": values})
    target = through_json(QuantilesTarget.fit(frame, "y", {"levels": levels}))
    answers = target.encode(frame)
    assert target.raw(answers) == pytest.approx(values, abs=1e-3)
    constant = target.constant(answers)
    assert (np.diff(constant) >= 0).all()
    columns = target.answer_columns(np.tile(constant, (2, 1)), np.array([True, False]))
    assert [each.name for each in columns] == ["predicted_y", *(f"y_q{100 * level:g}" for level in levels)]
    middle = int(np.argmin(np.abs(np.array(levels) - 0.5)))
    assert columns[0][0] == columns[1 + middle][0]


def test_ordered_classes_keep_their_order_and_type() -> None:
    frame = pl.DataFrame({"y": ["high", "low", "low"]})
    target = through_json(OrderedTarget.fit(frame, "y", {"order": ["low", "mid", "high"]}))
    assert target.encode(frame).tolist() == [2, 0, 0]
    assert target.decode(np.array([1, 2, -1])).to_list() == ["mid", "high", None]
    numbers = OrderedTarget.fit(pl.DataFrame({"y": ["10", "9"]}), "y", {"order": ["9", "10"]})
    assert numbers.decode(np.array([1])).to_list() == [10]
    with pytest.raises(TargetError, match=r"'hi', which is not in the order low < high \(2 rows"):
        OrderedTarget.fit(pl.DataFrame({"y": ["hi", "hi", "low"]}), "y", {"order": ["low", "high"]})


@pytest.mark.parametrize(
    ("target", "values", "words"),
    [
        (CountTarget, [1.0, -2.0], "1 rows hold less than zero"),
        (AmountTarget, [1.0, 0.0], 'hold zero.\n.*answer="count"'),
        (AmountTarget, [1.0, -1.0], "zero or less"),
        (CountTarget, [3.0, 3.0], "always 3"),
        (CountTarget, [None, None], "no number"),
    ],
)
def test_counts_and_amounts_that_cannot_be(target: Any, values: list[float], words: str) -> None:
    with pytest.raises(TargetError, match=words):
        target.fit(pl.DataFrame({"y": values}, schema={"y": pl.Float64}), "y")


def several() -> tuple[SeveralTarget, pl.DataFrame]:
    frame = pl.DataFrame(
        {"a": ["x", "y", None, "x"], "b": [1.0, None, None, 4.0], "c": [["p"], [], None, ["p", "q"]]},
        schema={"a": pl.String, "b": pl.Float64, "c": pl.List(pl.String)},
    )
    parts = (ClassTarget.fit(frame, "a"), NumberTarget.fit(frame, "b"), LabelsTarget.fit(frame, "c"))
    return SeveralTarget.of(parts, frame), frame


def test_several_targets_share_a_matrix_with_gaps() -> None:
    target, frame = several()
    answers = through_json(target).encode(frame)
    assert answers.shape == (4, 4)
    assert np.isnan(answers).tolist() == [
        [False] * 4,
        [False, True, False, False],
        [True] * 4,
        [False] * 4,
    ]
    (known, classes), (_, numbers), (_, labels) = target.answers_of(answers)
    assert known.tolist() == [True, True, False, True]
    assert classes.tolist() == [0, 1, 0]
    assert numbers.tolist() == [-1, 1]
    assert labels.tolist() == [[1, 0], [0, 0], [1, 1]]


def test_a_class_never_seen_is_wrong_among_several_and_a_missing_one_is_not() -> None:
    target, frame = several()
    answers = target.encode(frame.with_columns(a=pl.Series(["x", "new", None, "x"])))
    decoded = np.tile(target.constant(answers), (4, 1))
    decoded[:, :2] = [0.9, 0.1]
    assert target.judge(decoded, answers)["a.accuracy"] == pytest.approx(2 / 3)


def test_the_joint_error_of_the_constant_answers_is_one() -> None:
    target, frame = several()
    blind = np.tile([value for each in target.constants for value in each], (4, 1))
    assert target.error(blind, target.encode(frame)) == pytest.approx(1)
    assert target.metrics[:2] == ("joint", "a.log_loss")


def test_a_hostile_state_of_several_targets_is_refused() -> None:
    target, _ = several()
    state = target.to_json()
    for changes in (
        {"parts": [state, state["parts"][0]]},
        {"parts": state["parts"][:2]},
        {"parts": [state["parts"][0]] * 3},
        {"constants": [[0.5, 0.5], [0.0], [0.1]]},
        {"weights": [1.0, 1.0, float("inf")]},
    ):
        with pytest.raises(ValueError):
            SeveralTarget.from_json({**state, **changes})
    for made, changes in (
        (LabelsTarget("y", ("a",)), {"labels": ["a", "a"]}),
        (CountTarget("y", 1.0, 2.0), {"mean": -1.0}),
        (QuantilesTarget("y", 0, 1, 0, 1, False), {"levels": [0.5, 0.1]}),
        (ClassTarget("y", ("a", "b"), "string"), {"labels": [1, 2]}),
    ):
        with pytest.raises(ValueError):
            type(made).from_json({**made.to_json(), **changes})


def test_what_is_said_is_no_target_among_several() -> None:
    frame = pl.DataFrame({"text": ["a b", "b"], "n": [1.0, 2.0]})
    fields = (
        Field(name="text", kind="text", role="target", why="", form={"answer": "transcript"}),
        Field(name="n", kind="number", role="target", why=""),
    )
    with pytest.raises(TargetError, match="'text' is what is said, which is predicted by itself only"):
        fit_target(frame, Schema(fields))
