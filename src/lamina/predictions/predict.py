"""Answers for new rows, as a frame beside them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl

from lamina.features.base import Arrays
from lamina.features.features import Features, broken, broken_findings
from lamina.predictions.answers import answer_frame, covered_by, encoded, judge_of
from lamina.records import Finding
from lamina.training.answered import Answered, answered
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


def answer_rows(
    fitted: Fitted, frame: pl.DataFrame, watch: Callable[[int], None] = lambda rows: None
) -> tuple[Answered, np.ndarray, tuple[Finding, ...]]:
    """The network's answers for every row, before calibration, whether anything in it could be read, bool
    ``(rows,)``, and what could not."""
    raw, readable, unreadable = [], [], dict[str, list[np.ndarray]]()
    done = 0
    for arrays, upto in encoded(fitted.features, frame):
        chunk = frame.slice(done, upto - done)
        raw.append(answered(fitted.network, arrays, judge_of(fitted)))
        readable.append(_readable(arrays, fitted.features, chunk.height))
        for column, rows in broken(arrays, chunk, fitted.features).items():
            unreadable.setdefault(column, []).append(rows + done)
        done = upto
        watch(done)
    found = {column: np.concatenate(rows) for column, rows in unreadable.items()}
    return Answered.joined(raw), np.concatenate(readable), tuple(broken_findings(found))


def _readable(arrays: Arrays, features: Features, rows: int) -> np.ndarray:
    """False for rows whose every input is media that is absent or broken, bool ``(rows,)``."""
    present = [arrays.get(f"{each.name}.present") for each in features]
    marks = [each for each in present if each is not None]
    if len(marks) < len(present):
        return np.ones(rows, bool)
    return np.any(marks, axis=0)
