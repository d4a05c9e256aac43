"""Answers as the log keeps them: one row per row and target, in words and numbers."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
import polars as pl

from lamina.data.table import Table
from lamina.decisions.of_model import Made
from lamina.errors import UsageError
from lamina.features.targets.base import Target
from lamina.features.targets.several import SeveralTarget
from lamina.predictions.bounds import NumberBound
from lamina.predictions.conformal import threshold
from lamina.store.calls import COLUMNS, Call
from lamina.store.feedback import words
from lamina.store.hashes import table_hash
from lamina.store.opened import Opened
from lamina.training.fitted import Fitted

UNLOGGED = ("mask",)  # kinds of answers that are no words or numbers


def parts_of(target: Target) -> tuple[Target, ...]:
    """The targets one by one."""
    return target.parts if isinstance(target, SeveralTarget) else (target,)


def check_logged(target: Target) -> None:
    """Raises UsageError for answers that the log cannot hold."""
    pictures = [each.column for each in parts_of(target) if each.answer in UNLOGGED]
    if pictures:
        raise UsageError(
            f"Answers for {pictures[0]!r} are pictures, and the log holds words and numbers.",
            "Predict without logging.",
            column=pictures[0],
        )


def predicted_rows(
    fitted: Fitted, answers: pl.DataFrame, ids: Sequence[str], coverage: float | None = None
) -> pl.DataFrame:
    """What is to be logged of a frame of answers, as ``Calls.remember`` takes it."""
    targets = parts_of(fitted.target)
    found = []
    for number, each in enumerate(targets):
        named = {
            "predicted": words(answers[f"predicted_{each.column}"]),
            "confidence": _column(
                answers, f"probability_{each.column}" if len(targets) > 1 else "probability"
            ),
            "low": _column(answers, f"{each.column}_low"),
            "high": _column(answers, f"{each.column}_high"),
            "row_id": pl.Series(ids, dtype=pl.String),
            "target": pl.repeat(each.column, answers.height, dtype=pl.String, eager=True),
        }
        reach = (named["high"] - named["low"]) / 2
        named["expected_error"] = reach * _mean_per_reach(fitted, number, coverage)
        found.append(_whole(pl.DataFrame(named)))
    return pl.concat(found)


def decided_rows(fitted: Fitted, made: Made, ids: Sequence[str]) -> pl.DataFrame:
    """What is to be logged of decisions: the action, and what it and doing nothing make for each class."""
    rows, chance = np.arange(len(made.chosen)), made.worth.chance
    answers = pl.DataFrame(fitted.target.answer_columns(chance, made.known, probabilities=False))
    return predicted_rows(fitted, answers, ids).with_columns(
        made.frame["action"],
        made.frame["expected_value"].alias("expected"),
        _money(made, made.worth.each[rows, made.chosen]).alias("worth"),
        _money(made, made.worth.each[:, 0]).alias("idle"),
    )


def _column(answers: pl.DataFrame, name: str) -> pl.Series:
    if name in answers.columns and answers[name].dtype.is_numeric():
        return answers[name].cast(pl.Float64)
    return pl.Series(name, [None] * answers.height, dtype=pl.Float64)


def _whole(frame: pl.DataFrame) -> pl.DataFrame:
    """All columns of the log, in its order."""
    return frame.with_columns(
        pl.lit(None, dtype=dtype).alias(name) for name, dtype in COLUMNS.items() if name not in frame.columns
    ).select(*COLUMNS)


def _mean_per_reach(fitted: Fitted, number: int, coverage: float | None) -> float | None:
    """How large a number's error is, on average, beside half the width of its interval.

    Both are multiples of how hard the row is, so one number per model: the mean misfit on rows that the
    network had not learnt from, over the misfit up to which the interval reaches."""
    confidence = fitted.confidence
    bound = None if confidence is None else confidence.parts[number].bound
    if not isinstance(bound, NumberBound) or not len(bound.misfits) or confidence is None:
        return None
    reach = threshold(bound.misfits, confidence.coverage if coverage is None else coverage)
    return float(bound.misfits.mean()) / reach if 0 < reach < np.inf else None


def _money(made: Made, each: np.ndarray) -> pl.Series:
    """The money for each class, ``(rows, class)``, as JSON."""
    classes = made.worth.classes
    cells = [msgspec.json.encode(dict(zip(classes, row, strict=True))).decode() for row in each.tolist()]
    return pl.Series(cells, dtype=pl.String)


def remember(
    opened: Opened,
    fitted: Fitted,
    version: int,
    table: Table,
    answers: pl.DataFrame,
    ids: Sequence[str],
    who: str,
    coverage: float | None = None,
    *,
    columns: Sequence[str] = (),
) -> None:
    """Logs a frame of answers; of the rows these ``columns``."""
    check_logged(fitted.target)
    call = _call("predict", fitted, version, table, who)
    opened.calls.remember(call, predicted_rows(fitted, answers, ids, coverage), _cells(table, ids, columns))


def remember_decisions(
    opened: Opened,
    fitted: Fitted,
    version: int,
    table: Table,
    made: Made,
    ids: Sequence[str],
    who: str,
    *,
    columns: Sequence[str] = (),
) -> None:
    """Logs decisions; of the rows these ``columns``."""
    call = _call("decide", fitted, version, table, who)
    opened.calls.remember(call, decided_rows(fitted, made, ids), _cells(table, ids, columns))


def _cells(table: Table, ids: Sequence[str], columns: Sequence[str]) -> dict[str, str]:
    """The cells of some columns as JSON, by the id of the row."""
    there = [name for name in columns if name in table.columns]
    if not there:
        return {}
    rows = table.frame.select(there).iter_rows(named=True)
    return {own: msgspec.json.encode(row).decode() for own, row in zip(ids, rows, strict=True)}


def _call(what: str, fitted: Fitted, version: int, table: Table, who: str) -> Call:
    return Call(
        what=what, who=who, version=version, source=table.source, data_hash=table_hash(table, fitted.schema),
        rows=len(table),
    )  # fmt: skip
