"""Rows whose answer is likely wrong, found by cross-fitting (after Northcutt, Jiang & Chuang, 2021).

A quick model says of every row, without having seen it, how likely each class is. A row is doubted where
another class is ten times as likely as the one given. The ranking is by that ratio. (The paper's own rule, to
doubt a row only where the model is confident of one other class, found half as many of the mistakes among 77
classes, where doubt is spread over several.)
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
# Of the rows, from which on doubt is a warning; hard tables have 1 to 2 % without any mistake
MANY: Final = 0.03
RATIO: Final = 0.1  # a given class less likely than this part of the likeliest one is doubted


@dataclass(frozen=True)
class Doubts:
    """Doubted rows, the likeliest mistake first: row numbers of the frame, given and likely class codes.

    ``ratio`` is the probability of the given class over that of the likely one, 0 to ``RATIO``.
    """

    rows: np.ndarray
    given: np.ndarray
    likely: np.ndarray
    ratio: np.ndarray


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
        given=names[found.given], likely=names[found.likely], score=(1 - found.ratio).round(4),
    )  # fmt: skip
    worst = [f"row {row}: {case.classes[g]!r}, likely {case.classes[m]!r}" for row, g, m in zip(
        case.rows(found.rows[:3]), found.given, found.likely, strict=False)]  # fmt: skip
    looked = min(case.frame.height, MOST_ROWS)
    yield Finding(
        severity="warning" if len(found.rows) >= MANY * looked else "note",
        code="label-error",
        column=case.target.name,
        rows=case.rows(found.rows),
        count=len(found.rows),
        message=f"{len(found.rows):,} of {looked:,} rows looked at have an answer that is likely wrong, or "
        f"are very unusual ({'; '.join(worst)}). A network learns mistakes as if they were true.",
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
    places, likely, ratio = doubted(said, answers)
    return Doubts(rows[places], answers[places], likely, ratio)


def doubted(said: np.ndarray, given: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Doubted places, their likely classes and ratios, the smallest ratio first.

    ``said`` are out-of-fold probabilities ``(rows, class)``, ``given`` the class codes ``(rows,)``.
    """
    likely = said.argmax(1)
    rows = np.arange(len(given))
    ratio = said[rows, given] / np.maximum(said[rows, likely], 1e-12)
    places = np.flatnonzero((likely != given) & (ratio < RATIO))
    places = places[np.argsort(ratio[places], kind="stable")]
    return places, likely[places], ratio[places]
