"""How good the answers are in groups of rows, and which groups fare clearly worse."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lamina.data.groups import Grouping
from lamina.features.targets.base import Target
from lamina.predictions.row_losses import RowLoss, row_losses
from lamina.records import Group, Groups, Worse
from lamina.scores.intervals import intervals
from lamina.scores.worse import compare


def subgroups(
    target: Target, decoded: np.ndarray, answers: np.ndarray, groupings: Sequence[Grouping], seed: int = 0
) -> tuple[Groups, ...]:
    """Scores of every group with intervals, and the groups that fare clearly worse than the other rows.

    All groups of all columns are compared together: see ``scores.worse`` for how often one is named by
    chance.
    """
    worse = clearly_worse(target, decoded, answers, groupings, seed)
    return tuple(
        Groups(
            column=each.column,
            how=each.how,
            groups=tuple(_scored(target, decoded, answers, each, k, seed) for k in range(len(each.names))),
            worse=tuple(one for one in worse if one.column == each.column),
        )
        for each in groupings
    )


def clearly_worse(
    target: Target, decoded: np.ndarray, answers: np.ndarray, groupings: Sequence[Grouping], seed: int = 0
) -> tuple[Worse, ...]:
    """The groups that fare worse by more than chance makes and by more than is worth a word."""
    measures = row_losses(target, decoded, answers) if groupings else []
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


def _scored(
    target: Target, decoded: np.ndarray, answers: np.ndarray, grouping: Grouping, k: int, seed: int
) -> Group:
    rows = np.flatnonzero(grouping.members[k])
    own, came = decoded[rows], answers[rows]
    return Group(
        name=grouping.names[k],
        rows=len(rows),
        scores=target.judge(own, came) if len(rows) else {},
        intervals=intervals(target.judge, own, came, seed) if len(rows) > 1 else {},
    )
