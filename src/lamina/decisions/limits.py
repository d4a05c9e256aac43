"""The best actions under limits: so many reviews a day, a budget, at least one visit per region.

Solved exactly. One limit on how often one action is taken needs a sort; any other combination is a
mixed-integer program that HiGHS solves to the end (Huangfu & Hall 2018; in SciPy)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
import numpy as np

from lamina.errors import UsageError, nearest

MOST: Final = 400_000  # rows × actions that a mixed-integer program may have


class Limit(msgspec.Struct, frozen=True, kw_only=True):
    """How often an action may or must be taken, or what may be spent.

    ``action``, at most ``most`` times and at least ``least`` times; in every group of the column ``per`` (a
    day, a region), else in all rows together. With ``spend``, money per action (``{"visit": 80}``), ``most``
    is a budget."""

    action: str | None = None
    most: float | None = None
    least: float | None = None
    per: str | None = None
    spend: dict[str, float] = {}

    def check(self, actions: Sequence[str], columns: Sequence[str]) -> None:
        """Raises UsageError where the limit says nothing, or names what is not there."""
        named = [*([self.action] if self.action else []), *self.spend]
        for action in named:
            if action not in actions:
                raise UsageError(
                    f"A limit names the action {action!r}.", nearest(action, actions), action=action
                )
        if self.per is not None and self.per not in columns:
            raise UsageError(
                f"A limit counts per {self.per!r}, which is no column of the data.",
                nearest(self.per, columns),
                column=self.per,
            )
        if bool(self.action) == bool(self.spend) or (self.most is None and self.least is None):
            raise UsageError(
                "A limit needs an action, or what actions spend, and a number.",
                'Write Limit(action="review", most=100, per="day") or Limit(spend={"visit": 80}, most=5000).',
            )
        if any(each is not None and not each >= 0 for each in (self.most, self.least, *self.spend.values())):
            raise UsageError("The numbers of a limit are zero or more.", "Correct the limit.")


def best_actions(
    values: np.ndarray, actions: Sequence[str], limits: Sequence[Limit], groups: Mapping[str, np.ndarray]
) -> np.ndarray:
    """The action of every row, int64 ``(rows,)``, with the largest sum of ``values`` ``(rows, action)``
    under all limits; ``groups`` are codes per row of the columns that limits count by.

    Raises UsageError where no actions obey the limits, or where there are too many rows to be sure.
    """
    if not limits:
        return values.argmax(1)
    if len(limits) == 1 and limits[0].action is not None:
        return _sorted(
            values, list(actions).index(limits[0].action), limits[0], _of(limits[0], groups, len(values))
        )
    return _program(values, actions, limits, groups)


def _of(limit: Limit, groups: Mapping[str, np.ndarray], rows: int) -> np.ndarray:
    return np.zeros(rows, np.int64) if limit.per is None else groups[limit.per]


def _sorted(values: np.ndarray, action: int, limit: Limit, groups: np.ndarray) -> np.ndarray:
    """In every group the action goes to the rows that gain most by it: as many as gain, within the limit."""
    others = values.copy()
    others[:, action] = -np.inf
    chosen = others.argmax(1)
    gain = values[:, action] - others[np.arange(len(values)), chosen]
    for group in np.unique(groups):
        rows = np.flatnonzero(groups == group)
        order = rows[np.argsort(-gain[rows], kind="stable")]
        least, most = (limit.least or 0.0), (np.inf if limit.most is None else limit.most)
        if np.ceil(least) > min(len(rows), np.floor(most)):
            raise _impossible()
        count = int(np.clip((gain[rows] > 0).sum(), np.ceil(least), min(np.floor(most), len(rows))))
        chosen[order[:count]] = action
    return chosen


def _program(
    values: np.ndarray, actions: Sequence[str], limits: Sequence[Limit], groups: Mapping[str, np.ndarray]
) -> np.ndarray:
    """One variable per row and action, 0 or 1; every row has one action."""
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import csr_array, vstack

    rows, count = values.shape
    if rows * count > MOST:
        raise UsageError(
            f"{rows:,} rows with {count} actions are too many to be sure of the best under several limits.",
            f"Decide for at most {MOST // count:,} rows at a time: day by day, say.",
            rows=rows,
        )
    place = np.arange(rows * count).reshape(rows, count)
    once = csr_array((np.ones(rows * count), (np.repeat(np.arange(rows), count), place.ravel())))
    parts, low, high = [once], [np.ones(rows)], [np.ones(rows)]
    for limit in limits:
        weigh = np.array(
            [limit.spend.get(a, 0.0) if limit.spend else float(a == limit.action) for a in actions]
        )
        names, codes = np.unique(_of(limit, groups, rows), return_inverse=True)
        used = np.flatnonzero(weigh)
        where = place[:, used].ravel()
        what = np.tile(weigh[used], rows)
        shape = (len(names), rows * count)
        parts.append(csr_array((what, (np.repeat(codes, len(used)), where)), shape=shape))
        low.append(np.full(len(names), 0.0 if limit.least is None else limit.least))
        high.append(np.full(len(names), np.inf if limit.most is None else limit.most))
    solved = milp(
        -values.ravel(),
        constraints=LinearConstraint(vstack(parts), np.concatenate(low), np.concatenate(high)),
        integrality=np.ones(rows * count),
        bounds=Bounds(0, 1),
        options={"mip_rel_gap": 0.0},
    )
    if solved.x is None:
        raise _impossible()
    best: np.ndarray = solved.x.reshape(rows, count).argmax(1)
    return best


def _impossible() -> UsageError:
    return UsageError(
        "No choice of actions obeys all limits.",
        "Loosen a limit: what must be done at least may be more than rows, budget or another limit allow.",
    )
