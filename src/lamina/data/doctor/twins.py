"""What to say of pairs of rows whose texts or pictures are nearly the same."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from lamina.data.doctor.case import Case
from lamina.records import Finding


def near_copies(case: Case, column: str, what: str, pairs: np.ndarray, sampled: bool) -> Iterator[Finding]:
    """One finding for near copies ``(pairs, 2)`` of a column, and one for those across the split."""
    if not len(pairs):
        return
    second = np.unique(pairs[:, 1])
    case.detail("near-duplicates", column, pairs[:, 1], twin=case.numbered(pairs[:, 0]))
    part = " (of a sample of the rows)" if sampled else ""
    yield Finding(
        severity="note",
        code="near-duplicates",
        column=column,
        rows=case.rows(second),
        count=len(second),
        message=f"{len(second):,} {what} of {column!r} are the same as an earlier one, or nearly{part}. Near "
        "copies in both the learning and the checking rows make a model look better than it is.",
        remedy="Keep one of each, or give a column that names the source the role group.",
    )
    yield from _across(case, column, what, pairs)
    yield from _disagreeing(case, column, what, pairs)


def _across(case: Case, column: str, what: str, pairs: np.ndarray) -> Iterator[Finding]:
    held = np.zeros(case.frame.height, bool)
    held[case.held_out] = True
    crossing = pairs[held[pairs[:, 0]] != held[pairs[:, 1]]]
    rows = np.unique(crossing[held[crossing]])
    if not len(rows):
        return
    share = len(rows) / len(case.held_out)
    yield Finding(
        severity="warning" if share >= 0.01 else "note",
        code="near-duplicates-across-split",
        column=column,
        rows=case.rows(rows),
        count=len(rows),
        message=f"{len(rows):,} of the {len(case.held_out):,} rows held back to judge the network "
        f"({share:.1%}) have {what} in {column!r} that are nearly those of rows it learns from.",
        remedy="Keep one of each, or give a column that names the source the role group.",
        effect="Validation scores fall a little, to what new rows will show.",
    )


def _disagreeing(case: Case, column: str, what: str, pairs: np.ndarray) -> Iterator[Finding]:
    """Near copies with different answers: one of the two is likely wrong."""
    if case.target is None or case.answer != "classes":
        return
    answers = case.frame[case.target.name].cast(pl.String).to_numpy()
    wrong = pairs[answers[pairs[:, 0]] != answers[pairs[:, 1]]]
    if not len(wrong):
        return
    rows = np.unique(wrong)
    case.detail("near-contradictions", column, wrong[:, 1], twin=case.numbered(wrong[:, 0]))
    yield Finding(
        severity="note",
        code="near-contradictions",
        column=column,
        rows=case.rows(rows),
        count=len(rows),
        message=f"{len(rows):,} rows have {what} in {column!r} that are nearly those of a row with another "
        "answer: one of the two may be wrong.",
        remedy="Look at the pairs and correct the wrong answers.",
    )
