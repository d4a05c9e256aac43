"""How good the answers are in groups of rows, and which groups fare clearly worse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np

from lamina.data.groups import Grouping
from lamina.features.targets.base import Target
from lamina.predictions.row_losses import CONFIDENCE, RowLoss, row_losses
from lamina.records import Group, Groups, Worse
from lamina.scores.intervals import intervals
from lamina.scores.ranking import Scores
from lamina.scores.worse import compare

Held = Mapping[str, np.ndarray]


def subgroups(
    target: Target,
    decoded: np.ndarray,
    answers: np.ndarray,
    groupings: Sequence[Grouping],
    held: Held | None = None,
    *,
    seed: int = 0,
) -> tuple[Groups, ...]:
    """Scores of every group with intervals, and the groups that fare clearly worse than the other rows.

    ``held`` says row by row whether bounds held, "coverage", and how large they are (``Confidence.held``).

    All groups of all columns are compared together: see ``scores.worse`` for how often one is named by
    chance.
    """
    held = held or {}
    worse = clearly_worse(target, decoded, answers, groupings, held, seed=seed)
    return tuple(
        Groups(
            column=each.column,
            how=each.how,
            groups=tuple(
                _scored(target, decoded, answers, held, each, k, seed) for k in range(len(each.names))
            ),
            worse=tuple(one for one in worse if one.column == each.column),
        )
        for each in groupings
    )


def clearly_worse(
    target: Target,
    decoded: np.ndarray,
    answers: np.ndarray,
    groupings: Sequence[Grouping],
    held: Held | None = None,
    *,
    seed: int = 0,
) -> tuple[Worse, ...]:
    """The groups that fare worse by more than chance makes and by more than is worth a word."""
    measures = row_losses(target, decoded, answers) + _missed(held or {}) if groupings else []
    if not measures:
        return ()
    members = np.concatenate([each.members for each in groupings])
    compared = compare(np.array([each.values for each in measures]), members, seed)
    named = [(each, name) for each in groupings for name in each.names]
    found = [
        _worse(measure, grouping, name, int(members[k].sum()), values)
        for m, measure in enumerate(measures)
        for k, (grouping, name) in enumerate(named)
        if (values := (compared.inside[m, k], compared.outside[m, k], compared.least[m, k]))[2] > 0
        and values[0] - values[1] >= measure.worth
        and (values[0] > 0 or not measure.centred)
    ]
    return tuple(found)


def _worse(
    measure: RowLoss, grouping: Grouping, name: str, rows: int, values: tuple[float, float, float]
) -> Worse:
    inside, outside, least = map(float, values)
    return Worse(
        column=grouping.column,
        group=name,
        measure=measure.name,
        rows=rows,
        inside=inside,
        outside=outside,
        least=least,
        share=measure.share,
    )


def _missed(held: Held) -> list[RowLoss]:
    """Bounds that did not hold, of each target."""
    return [
        RowLoss(name.replace("coverage", "missed"), 1 - each, CONFIDENCE, share=True)
        for name, each in held.items()
        if name.endswith("coverage")
    ]


def _scored(
    target: Target,
    decoded: np.ndarray,
    answers: np.ndarray,
    held: Held,
    grouping: Grouping,
    k: int,
    seed: int,
) -> Group:
    rows = np.flatnonzero(grouping.members[k])
    own, came = decoded[rows], answers[rows]
    if not len(rows):
        return Group(name=grouping.names[k], rows=0, scores={}, intervals={})
    bounds = {name: each[rows][~np.isnan(each[rows])] for name, each in held.items()}
    bounds = {name: each for name, each in bounds.items() if len(each)}
    scores = target.judge(own, came) | {name: float(each.mean()) for name, each in bounds.items()}
    between = intervals(target.judge, own, came, seed) if len(rows) > 1 else {}
    for name, each in bounds.items():
        if len(each) > 1:
            between |= intervals(partial(_mean, name), each, each, seed)
    return Group(name=grouping.names[k], rows=len(rows), scores=scores, intervals=between)


def _mean(name: str, values: np.ndarray, answers: np.ndarray) -> Scores:
    return {name: float(values.mean())}
