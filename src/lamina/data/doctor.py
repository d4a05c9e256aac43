"""What is wrong with the data, before a network learns it.

Each check looks at the conformed frame for one thing and answers with findings; ``examine`` runs
them all. What makes learning impossible is raised; everything else is told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np
import polars as pl

from lamina.errors import TargetError
from lamina.records import Field, Finding, Schema
from lamina.tasks import Answer

FEW_ROWS: Final = 20
LEAK_LEVELS: Final = 100  # a text input with more values can fit any answer by chance
SHOWN_ROWS: Final = 100
DUPLICATES_ROWS: Final = 5_000_000  # beyond this the search for copies costs more than it tells

# A check answers with what it found; it raises only where nothing can be learnt.
Check = Callable[[pl.DataFrame, Schema, Answer], Iterator[Finding]]


def examine(frame: pl.DataFrame, schema: Schema, answer: Answer) -> tuple[Finding, ...]:
    """All findings about a conformed frame, worst first.

    Raises ``TargetError`` where the target cannot be learnt: a single value, or nearly as many
    classes as rows.
    """
    findings = [finding for check in CHECKS for finding in check(frame, schema, answer)]
    return tuple(sorted(findings, key=lambda each: ("fatal", "warning", "note").index(each.severity)))


def _target(schema: Schema) -> Field | None:
    """The target, where its cells hold one plain value each."""
    return next((field for field in schema.with_role("target") if field.kind in ("number", "category")), None)


def _inputs(frame: pl.DataFrame, schema: Schema) -> list[Field]:
    """The inputs with one plain value per cell."""
    kinds = ("number", "category", "flag", "date")
    return [f for f in schema.with_role("input") if f.kind in kinds and f.name in frame.columns]


def _rows(mask: pl.Series) -> tuple[int, ...]:
    return tuple(np.flatnonzero(mask.to_numpy())[:SHOWN_ROWS].tolist())


def one_answer(frame: pl.DataFrame, schema: Schema, answer: Answer) -> Iterator[Finding]:
    """The target must have at least two values."""
    target = _target(schema)
    if target is not None and frame[target.name].drop_nulls().n_unique() < 2:
        values = frame[target.name].drop_nulls()
        what = f"is {values[0]!r} in every row" if len(values) else "has no value in any row"
        raise TargetError(
            f"The target {target.name!r} {what}: there is nothing to tell apart.",
            "Add rows with other answers, or name another column.",
            column=target.name,
        )
    yield from ()


def too_many_classes(frame: pl.DataFrame, schema: Schema, answer: Answer) -> Iterator[Finding]:
    """A target whose values hardly repeat names rows, not classes."""
    target = _target(schema)
    if target is None or answer != "classes" or frame.height < FEW_ROWS:
        return
    classes = frame[target.name].n_unique()
    if classes > frame.height / 2:
        raise TargetError(
            f"The target {target.name!r} has {classes:,} different values in {frame.height:,} "
            "rows: it looks like an id or free text, not like classes.",
            'Name a column whose values repeat; for a quantity use Predict(target=…, answer="number").',
            column=target.name,
            classes=classes,
        )
    yield from ()


def few_rows(frame: pl.DataFrame, schema: Schema, answer: Answer) -> Iterator[Finding]:
    """Hardly anything to learn from."""
    if frame.height < FEW_ROWS:
        yield Finding(
            severity="warning",
            code="few-rows",
            count=frame.height,
            message=f"There are only {frame.height} rows: too few to learn from, and too few to "
            "tell how good the answers are.",
            remedy="Bring more rows; a few hundred are a start.",
        )


def no_inputs(frame: pl.DataFrame, schema: Schema, answer: Answer) -> Iterator[Finding]:
    """Nothing to predict from."""
    if not schema.with_role("input"):
        yield Finding(
            severity="fatal",
            code="no-inputs",
            message="No column is left to predict from: all others are ignored.",
            remedy="Look at the reasons in the schema; take columns in with kinds={…}.",
        )


def rare_classes(frame: pl.DataFrame, schema: Schema, answer: Answer) -> Iterator[Finding]:
    """Classes with a single row can be learnt but not judged."""
    target = _target(schema)
    if target is None or answer != "classes":
        return
    counts = frame[target.name].drop_nulls().alias("class").value_counts(name="rows")
    rare = sorted(counts.filter(pl.col("rows") < 2)["class"].to_list())
    if rare:
        listed = ", ".join(repr(name) for name in rare[:8]) + ("…" if len(rare) > 8 else "")
        yield Finding(
            severity="warning",
            code="rare-class",
            column=target.name,
            rows=_rows(frame[target.name].is_in(rare).fill_null(False)),
            count=len(rare),
            message=f"{_some(len(rare), 'class', 'classes')} of {target.name!r} with one row only: "
            f"{listed}. One example is not enough to learn a class, and leaves none to check it.",
            remedy="Add rows of these classes, or join them with others.",
        )


def useless_inputs(frame: pl.DataFrame, schema: Schema, answer: Answer) -> Iterator[Finding]:
    """Inputs that are the same in every row."""
    for field in _inputs(frame, schema):
        values = frame[field.name]
        if values.null_count() == frame.height:
            yield Finding(
                severity="note",
                code="all-missing",
                column=field.name,
                count=frame.height,
                message=f"Column {field.name!r} has no value in any row; it tells nothing.",
                remedy="Leave it out, or find out why it is empty.",
            )
        elif values.null_count() == 0 and (values == values[0]).all():
            yield Finding(
                severity="note",
                code="constant",
                column=field.name,
                count=frame.height,
                message=f"Column {field.name!r} is {values[0]!r} in every row; it tells nothing.",
                remedy="Leave it out.",
            )


def leaks(frame: pl.DataFrame, schema: Schema, answer: Answer) -> Iterator[Finding]:
    """Inputs that give the answer away."""
    target = _target(schema)
    if target is None or frame.height < FEW_ROWS:
        return
    for field in _inputs(frame, schema):
        how = _gives_away(frame, field, target)
        if how is not None:
            yield Finding(
                severity="warning",
                code="leak",
                column=field.name,
                count=frame.height,
                message=f"Column {field.name!r} {how} the answer {target.name!r}. If it is only "
                "known afterwards, the model will look perfect here and fail in use.",
                remedy=f"If so, leave it out with roles={{{field.name!r}: 'ignored'}}.",
            )


def _gives_away(frame: pl.DataFrame, field: Field, target: Field) -> str | None:
    """How an input tells the answer: it is a copy, or each of its few values stands for one."""
    inputs, answers = frame[field.name], frame[target.name]
    if inputs.dtype == answers.dtype and inputs.equals(answers):
        return "is a copy of"
    if field.kind == "date" or target.kind == "number":
        return None
    levels, classes = inputs.n_unique(), answers.n_unique()
    if not classes <= levels <= min(LEAK_LEVELS, frame.height // 10):
        return None
    pairs = pl.DataFrame({"input": inputs, "answer": answers}).n_unique()
    if pairs > levels or classes < 2:
        return None
    return "stands one for one for" if levels == classes else "alone settles"


def duplicates(frame: pl.DataFrame, schema: Schema, answer: Answer) -> Iterator[Finding]:
    """Rows that occur more than once. A note: in many tables that is how life is."""
    names = [f.name for f in schema if f.name in frame.columns]
    if not names or frame.height > DUPLICATES_ROWS:
        return
    if any(frame[name].dtype.is_nested() for name in names):
        return  # pixels in cells: comparing them is the work of a check of its own
    copies = ~frame.select(names).hash_rows(seed=0).is_first_distinct()
    count = int(copies.sum())
    if count:
        yield Finding(
            severity="note" if count < frame.height / 10 else "warning",
            code="duplicates",
            rows=_rows(copies),
            count=count,
            message=f"{_some(count, 'row is a copy', 'rows are copies')} of an earlier one. Copies "
            "in both the learning and the checking rows make a model look better than it is.",
            remedy="If they are mistakes, remove them; if rows belong together, name the column "
            "that says so with the role group.",
        )


def _some(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"


CHECKS: Final[tuple[Check, ...]] = (
    *(one_answer, too_many_classes, few_rows, no_inputs, rare_classes),
    *(useless_inputs, leaks, duplicates),
)
