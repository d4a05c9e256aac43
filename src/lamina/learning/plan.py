"""How a candidate learns, chosen by what moved and what grew."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from lamina.learning.records import Drift, Grown, LearnSettings


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is chosen about one lesson.

    ``rate``: share of the first training's learning rate; ``passes`` over the new rows; ``old_per_new``:
    remembered rows per new row in each pass; ``hold``: how much the champion's answers count beside the true
    ones. ``why`` is printed.
    """

    rate: float
    passes: int
    old_per_new: float
    hold: float
    why: str
    seed: int = 0
    time_limit: float | None = None


def plan_for(drift: Sequence[Drift], grown: Sequence[Grown], settings: LearnSettings) -> Plan:
    """Gently where nothing moved; quickly, and with less of the old, where the relation is another one."""
    moved = {each.what for each in drift if each.moved}
    classes = any(each.what in ("class", "label") for each in grown)
    if "relation" in moved and not classes:
        chosen = {"rate": 1.0, "passes": 6, "old_per_new": 0.5, "hold": 0.0}
        why = "the relation changed: new rows count most, the champion's answers are not held"
    elif classes or grown:
        chosen = {"rate": 1.0, "passes": 4, "old_per_new": 1.0, "hold": 0.5}
        why = "something new to learn: the old is repeated as often, and held"
    elif moved:
        chosen = {"rate": 0.5, "passes": 4, "old_per_new": 1.0, "hold": 0.3}
        why = "rows come from elsewhere: as many old ones beside them"
    else:
        chosen = {"rate": 0.3, "passes": 3, "old_per_new": 2.0, "hold": 0.5}
        why = "nothing moved: gently, with twice as many old rows"
    return Plan(**chosen, why=why, seed=settings.seed, time_limit=settings.time_limit)  # type: ignore[arg-type]
