"""Rows whose answer is likely wrong, found by confident learning (Northcutt, Jiang & Chuang, 2021).

A quick model says of every row, without having seen it, how likely each class is. The mean probability of a
class over the rows that bear it is what "confident" means for that class. A row is doubted where the model is
confident of another class than the one given; the doubted rows are ranked by how much less likely the
given class is than the best other one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from lamina.data.doctor.case import Case
from lamina.data.doctor.quick import models, out_of_fold, told
from lamina.records import Finding

MOST_ROWS: Final = 40_000
MOST_CLASSES: Final = 500
LEAST_ROWS: Final = 100
LEAST_TOLD: Final = 0.2  # a model that tells less of the answer has no say in what is wrong
FOLDS: Final = 5
SURE: Final = 0.8  # how much likelier another class must be for a row to be named


@dataclass(frozen=True)
class Doubts:
    """Doubted rows, the likeliest mistake first: row numbers of the frame, given and likely class codes.

    ``margin`` is the probability of the likely class less that of the given one, 0 to 1.
    """

    rows: np.ndarray
    given: np.ndarray
    likely: np.ndarray
    margin: np.ndarray


def labels(case: Case) -> Iterator[Finding]:
    """Rows whose given class a model of the other rows does not believe."""
    if case.target is None or not 2 <= len(case.classes) <= MOST_CLASSES or case.frame.height < LEAST_ROWS:
        return
    found = doubts(case)
    if found is None or not len(found.rows):
        return
    names = np.array(case.classes)
    case.detail(
        "label-error", case.target.name, found.rows,
        given=names[found.given], likely=names[found.likely], score=found.margin.round(4),
    )  # fmt: skip
    worst = [f"row {row}: {case.classes[g]!r}, likely {case.classes[m]!r}" for row, g, m in zip(
        case.rows(found.rows[:3]), found.given, found.likely, strict=False)]  # fmt: skip
    looked = min(case.frame.height, MOST_ROWS)
    yield Finding(
        severity="warning" if len(found.rows) >= 0.01 * looked else "note",
        code="label-error",
        column=case.target.name,
        rows=case.rows(found.rows),
        count=len(found.rows),
        message=f"{len(found.rows):,} of {looked:,} rows looked at have an answer that is likely wrong, or are "
        f"very unusual ({'; '.join(worst)}). A network learns mistakes as if they were true.",
        remedy="Look at them, the worst first (--rows FILE writes them all), and correct what is wrong.",
        effect="Each corrected row helps as much as a new one, and the scores become honest.",
    )


def doubts(case: Case) -> Doubts | None:
    """The doubted rows; ``None`` where a quick model tells too little to doubt anything."""
    rows = np.linspace(0, case.frame.height - 1, min(case.frame.height, MOST_ROWS)).astype(np.int64)
    answers = case.codes(rows)
    made = models(case, rows, answers, case.schema.with_role("input"))
    if not made:
        return None
    said = out_of_fold(made, answers, len(case.classes), FOLDS)
    if told(said, answers) < LEAST_TOLD:
        return None
    places, likely, margin = confident(said, answers)
    sure = margin >= SURE
    return Doubts(rows[places[sure]], answers[places[sure]], likely[sure], margin[sure])


def confident(said: np.ndarray, given: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Doubted places, their likely classes and margins, the largest margin first.

    ``said`` are out-of-fold probabilities ``(rows, class)``, ``given`` the class codes ``(rows,)``.
    """
    counts = np.maximum(np.bincount(given, minlength=said.shape[1]), 1)
    own = said[np.arange(len(given)), given]
    enough = np.bincount(given, weights=own, minlength=said.shape[1]) / counts
    believed = np.where(said >= enough, said, -1.0)
    likely = believed.argmax(1)
    doubted = np.flatnonzero((believed.max(1) > 0) & (likely != given))
    margin = said[doubted, likely[doubted]] - own[doubted]
    order = np.argsort(-margin, kind="stable")
    return doubted[order], likely[doubted[order]], margin[order]
