"""One column that tells about as much as all others together: what is known only afterwards often does.

The length of a sales call tells whether it ended in a sale, but not before the call. A quick model is
fitted with all plain columns and, for the strongest few, without each one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from lamina.data.doctor.case import Case
from lamina.data.doctor.leaks import possible_leak
from lamina.data.doctor.quick import out_of_fold, told, trees
from lamina.records import Field, Finding

MOST_ROWS: Final = 20_000
MOST_CLASSES: Final = 20
LEAST_ROWS: Final = 200
TRIED: Final = 3  # columns that are left out, one at a time
OWN: Final = 0.4  # share of what all columns tell that is lost without one, from which on it is suspicious


def dominance(case: Case) -> Iterator[Finding]:
    """The column without which the rest tells little."""
    if case.target is None or len(case.inputs) < 3 or len(case.sampled) < LEAST_ROWS:
        return
    if len(case.classes) > MOST_CLASSES:
        return
    whole = _told(case, case.inputs)
    strongest = sorted(case.inputs, key=lambda each: -case.strengths[each.name].told)[:TRIED]
    for field in strongest:
        if case.strengths[field.name].told < 0.02 or whole < 0.05:
            continue
        rest = _told(case, [each for each in case.inputs if each.name != field.name])
        if whole - rest >= OWN * whole:
            yield possible_leak(
                case, field, f"tells about as much as all {len(case.inputs) - 1} other columns together: "
                f"with it a quick model tells {whole:.0%} of the answer, without it {rest:.0%}",
                f"Expect about {rest:.0%} of the answer to be told instead of {whole:.0%}.",
            )  # fmt: skip


def _told(case: Case, fields: list[Field]) -> float:
    """What a quick model of these columns tells, on rows it has not seen."""
    few = np.linspace(0, len(case.sampled) - 1, min(len(case.sampled), MOST_ROWS)).astype(np.int64)
    rows, answers = case.sampled[few], case.answers[few]
    if len(np.unique(answers)) < 2:
        return 0.0
    model = trees(case, rows, answers, fields)
    return told(out_of_fold([model], answers, len(case.classes), folds=2), answers)
