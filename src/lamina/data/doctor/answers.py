"""Checks of the answers themselves: a single one, as many as rows, too rare ones, too few rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import polars as pl

from lamina.data.doctor.case import FEW_ROWS, Case, listed, places, some
from lamina.records import Finding

FEW_PER_CLASS: Final = 10


def one_answer(case: Case) -> Iterator[Finding]:
    """The target must have at least two values."""
    if case.target is None or case.all_answers.drop_nulls().n_unique() >= 2:
        return
    values = case.all_answers.drop_nulls()
    what = f"is {values[0]!r} in every row" if len(values) else "has no value in any row"
    yield Finding(
        severity="fatal",
        code="one-answer",
        column=case.target.name,
        count=case.height,
        message=f"The target {case.target.name!r} {what}: there is nothing to tell apart.",
        remedy="Add rows with other answers, or name another column.",
    )


def too_many_classes(case: Case) -> Iterator[Finding]:
    """A target whose values hardly repeat names rows, not classes."""
    if case.target is None or case.answer != "classes" or case.height < FEW_ROWS:
        return
    classes = case.all_answers.n_unique()
    if classes > case.height / 2:
        yield Finding(
            severity="fatal",
            code="too-many-classes",
            column=case.target.name,
            count=classes,
            message=f"The target {case.target.name!r} has {classes:,} different values in "
            f"{case.height:,} rows: it looks like an id or free text, not like classes.",
            remedy="Name a column whose values repeat; for a quantity use "
            'Predict(target=…, answer="number"). '
            'If they are classes all the same, say allow=("too-many-classes",).',
        )


def few_rows(case: Case) -> Iterator[Finding]:
    """Hardly anything to learn from."""
    if case.height < FEW_ROWS:
        yield Finding(
            severity="warning",
            code="few-rows",
            count=case.height,
            message=f"There are only {case.height} rows: too few to learn from, and too few to "
            "tell how good the answers are.",
            remedy="Bring more rows; a few hundred are a start.",
        )
    elif case.target is not None and case.height < 2 * len(case.inputs):
        yield Finding(
            severity="note",
            code="few-rows",
            count=case.height,
            message=f"There are {case.height:,} rows for {len(case.inputs):,} columns: with so few, "
            "some column will fit the answers by chance.",
            remedy="Bring more rows, or leave out columns that cannot matter.",
        )


def rare_classes(case: Case) -> Iterator[Finding]:
    """Classes with a single row can be learnt but not judged; with a few, hardly."""
    if case.target is None or case.answer != "classes":
        return
    answers = case.all_answers
    counts = answers.drop_nulls().alias("class").value_counts(name="rows")
    once = counts.filter(pl.col("rows") < 2)["class"].sort().to_list()
    if once:
        found = places(answers.is_in(once))
        yield Finding(
            severity="warning",
            code="rare-class",
            column=case.target.name,
            rows=case.answer_rows(found),
            count=len(once),
            message=f"{some(len(once), 'class', 'classes')} of {case.target.name!r} with one row only: "
            f"{listed(once)}. One example is not enough to learn a class, and leaves none to check it.",
            remedy="Add rows of these classes, or join them with others.",
        )
    yield from _hardly(case, counts, answers)


def _hardly(case: Case, counts: pl.DataFrame, answers: pl.Series) -> Iterator[Finding]:
    """Between two rows and ten, in a table that has many."""
    few = counts.filter(pl.col("rows").is_between(2, FEW_PER_CLASS - 1))["class"].sort().to_list()
    if not few or case.target is None or case.height < 100:
        return
    found: np.ndarray = places(answers.is_in(few))
    yield Finding(
        severity="note",
        code="few-of-class",
        column=case.target.name,
        rows=case.answer_rows(found),
        count=len(few),
        message=f"{some(len(few), 'class', 'classes')} of {case.target.name!r} with fewer than "
        f"{FEW_PER_CLASS} rows: {listed(few)}. How well these are told is a guess.",
        remedy="Add rows of these classes, or join them with others.",
    )
