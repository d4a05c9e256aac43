"""Answers for new rows, as a frame beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import polars as pl

from lamina.data import conform
from lamina.data.large import rows_at_once
from lamina.data.table import Table
from lamina.features.base import Arrays
from lamina.features.features import Features, broken, broken_findings
from lamina.network.engine import Answered
from lamina.predictions.answers import answer_frame, covered_by, encoded, judge_of
from lamina.progress import Bar
from lamina.records import Finding
from lamina.training.fitted import Fitted


def predict(
    fitted: Fitted,
    frame: pl.DataFrame,
    *,
    probabilities: bool | None,
    coverage: float | None = None,
    watch: Callable[[int], None] = lambda rows: None,
) -> tuple[pl.DataFrame, tuple[Finding, ...]]:
    """One row of answers per row of a conformed frame, and what could not be read.

    A row of which nothing could be read gets a null answer: the network would only be guessing. ``coverage``
    is how often the bounds are to hold (None: as the model was fitted for).
    """
    raw, known, findings = answer_rows(fitted, frame, watch)
    answers = answer_frame(
        fitted,
        raw,
        known,
        probabilities=probabilities,
        coverage=coverage,
        values=covered_by(fitted, frame),
    )
    return answers, findings


class InParts:
    """The answers of a large table a part of its rows at a time: pairs of the rows as read and their answers.

    ``findings``, of all rows, are there after the last part; then ColumnError is raised as ``conform`` does.
    """

    def __init__(
        self, fitted: Fitted, table: Table, *, probabilities: bool | None, coverage: float | None = None
    ) -> None:
        self._fitted, self._table = fitted, table
        self._asked: dict[str, Any] = {"probabilities": probabilities, "coverage": coverage}
        self.findings: tuple[Finding, ...] = ()

    def __iter__(self) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
        conforming = conform.InParts(self._table, self._fitted.schema)
        done = 0
        with Bar("predicting", len(self._table)) as bar:
            for part in self._table.parts(rows_at_once(len(self._table.columns))):
                yield part, predict(self._fitted, conforming.part(part), **self._asked)[0]
                done += part.height
                bar.at(done)
        self.findings = (*self._table.findings, *conforming.findings())


def answer_rows(
    fitted: Fitted, frame: pl.DataFrame, watch: Callable[[int], None] = lambda rows: None
) -> tuple[Answered, np.ndarray, tuple[Finding, ...]]:
    """The network's answers for every row, before calibration, whether anything in it could be read, bool
    ``(rows,)``, and what could not."""
    raw, known, unreadable = [], [], dict[str, list[np.ndarray]]()
    done = 0
    for arrays, upto in encoded(fitted.features, frame):
        chunk = frame.slice(done, upto - done)
        raw.append(fitted.engine.answered(arrays, judge_of(fitted)))
        known.append(readable(arrays, fitted.features, chunk.height))
        for column, rows in broken(arrays, chunk, fitted.features).items():
            unreadable.setdefault(column, []).append(rows + done)
        done = upto
        watch(done)
    found = {column: np.concatenate(rows) for column, rows in unreadable.items()}
    return Answered.joined(raw), np.concatenate(known), tuple(broken_findings(found))


def readable(arrays: Arrays, features: Features, rows: int) -> np.ndarray:
    """False for rows whose every input is media that is absent or broken, bool ``(rows,)``."""
    present = [arrays.get(f"{each.name}.present") for each in features]
    marks = [each for each in present if each is not None]
    if len(marks) < len(present):
        return np.ones(rows, bool)
    return np.any(marks, axis=0)
