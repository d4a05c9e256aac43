"""How a candidate learns, chosen by what moved and what grew."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import msgspec

from lamina.learning.records import Drift, Grown, LearnSettings
from lamina.training.choose import hardest
from lamina.training.fitted import Fitted

FEW = 4000  # rows of a small table
LITTLE = 0.07  # of all rows came today: a training anew would take long beside
MUCH = 0.3  # of all rows are new: a network that learnt from few


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is chosen about one lesson.

    ``rate``: share of the first training's learning rate; ``passes`` over the new rows, at least so many
    ``steps``; ``old_per_new``: remembered rows per new row in each pass; ``hold``: how much the champion's
    answers count beside the true ones; ``natural``: old and new rows are mixed as they stand for the world,
    so that no class is learnt beyond its share. ``why`` is printed.
    """

    rate: float
    passes: int
    old_per_new: float
    hold: float
    why: str
    steps: int = 1
    natural: bool = False
    seed: int = 0
    time_limit: float | None = None


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """How long lessons are beside those of several classes (``length``; ``grown`` where there are new
    values or columns), how many remembered rows per new one there are where the relation changed (``old``),
    and how firmly the champion's answers are held beside those of classes (``hold``)."""

    length: float = 1.0
    grown: float = 1.0
    old: float = 0.5
    hold: float = 1.0

    @classmethod
    def of(cls, fitted: Fitted, rows: float, today: float) -> Self:
        """In a table two classes are learnt in few steps and numbers in many, as in their first training;
        ``rows``: for which the network stands by now, ``today``: of them those that came. With few rows steps
        are small. What is new takes its steps, however few its rows are: there is time for them where a
        training anew would take long beside."""
        if hardest(fitted.features) != "tables":
            return cls()
        if fitted.target.binary:
            short = 0.2 if rows >= FEW else 1.0
            return cls(length=short, grown=1.0 if today < LITTLE * rows else short)
        return cls() if fitted.target.codes else cls(length=2.0, grown=2.0, old=1.0, hold=0.0)


def plan_for(
    drift: Sequence[Drift],
    grown: Sequence[Grown],
    settings: LearnSettings,
    *,
    share: float,
    pace: Pace | None = None,
) -> Plan:
    """Gently where nothing moved; quickly, and with less of the old, where the relation is another one.

    ``share``: of all the rows that the network stands for by now, how many are new, 0 to 1: a network that
    had few to learn from has most still to learn.
    """
    moved, pace = {each.what for each in drift if each.moved}, pace or Pace()
    classes = any(each.what in ("class", "label") for each in grown)
    if "relation" in moved and not grown:  # what is new explains that the champion errs on it
        chosen = {"rate": 1.0, "passes": 4, "steps": 150, "old_per_new": pace.old, "hold": 0.0}
        why = "the relation changed: new rows count most, the champion's answers are not held"
    elif classes:
        chosen = {"rate": 1.0, "passes": 10, "steps": 200, "old_per_new": 1.0, "hold": 0.3, "natural": True}
        why = "new classes: mixed with the old ones as often as they come, and the old answers held"
    elif grown or "column" in moved or "missing" in moved or share > MUCH:
        length = 2 if grown else 1
        chosen = {
            "rate": 1.0,
            "passes": length * (4 if share > MUCH else 2),
            "steps": length * 100,
            "old_per_new": 1.0,
            "hold": 0.2,
        }
        held = ", and their answers held a little" if pace.hold else ""
        why = f"much to learn: as many old rows beside the new ones{held}"
    else:
        chosen = {"rate": 0.3, "passes": 2, "steps": 40, "old_per_new": 2.0, "hold": 0.5}
        why = "nothing moved: gently, with twice as many old rows"
    for name in ("passes", "steps"):
        chosen[name] = max(1, round(chosen[name] * (pace.grown if grown else pace.length)))
    chosen["hold"] *= pace.hold
    return Plan(**chosen, why=why, seed=settings.seed, time_limit=settings.time_limit)  # type: ignore[arg-type]
