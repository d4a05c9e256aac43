"""Which answer is wanted, and how far an answer is from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lamina.errors import UsageError, nearest
from lamina.features.targets.base import Target
from lamina.features.targets.classes import ClassTarget
from lamina.features.targets.labels import LabelsTarget
from lamina.features.targets.several import SeveralTarget
from lamina.predictions.explain.asked import Asking

# A class or label, or bounds of a number: (None, 100) is at most 100
Wanted = str | tuple[float | None, float | None]


@dataclass(frozen=True)
class Goal:
    """``lack`` of decoded answers ``(n, width)`` is zero or less where the answer is the ``wanted`` one, else
    how far it is from it; ``told`` says the answer of one row in words."""

    target: str
    wanted: str
    lack: Callable[[np.ndarray], np.ndarray]
    told: Callable[[np.ndarray], str]


def goal_of(target: Target, wanted: Wanted | None, of: str | None, now: np.ndarray) -> Goal:
    """The goal for the row that is answered ``now`` ``(width,)``; ``of`` names one of several targets.

    Without ``wanted`` any other class will do. Raises UsageError where it is not clear what is wanted.
    """
    part, own = _part(target, of)
    Asking(part)  # refuses masks and transcripts
    if isinstance(part, ClassTarget):
        return _class_goal(part, own, None if wanted is None else str(wanted), now)
    if isinstance(part, LabelsTarget):
        return _label_goal(part, own, wanted)
    return _number_goal(part, own, wanted)


def _part(target: Target, of: str | None) -> tuple[Target, slice]:
    """One target, and its columns of the decoded answers."""
    if not isinstance(target, SeveralTarget):
        return target, slice(None)
    if of not in target.targets:
        raise UsageError(
            f"The model predicts {len(target.targets)} columns: say which answer is to change.",
            nearest(str(of), target.targets) if of else f"Name one of {', '.join(target.targets)}.",
        )
    start = 0
    for part in target.parts:
        wide = 1 if part.flat else part.width
        if part.column == of:
            return part, slice(start, start + wide)
        start += wide
    raise AssertionError(of)


def _class_goal(part: ClassTarget, own: slice, wanted: str | None, now: np.ndarray) -> Goal:
    if wanted is not None and wanted not in part.labels:
        raise UsageError(f"{part.column!r} has no class {wanted!r}.", nearest(wanted, part.labels))
    place = int(now[own].argmax()) if wanted is None else part.labels.index(wanted)
    sign = -1.0 if wanted is None else 1.0

    def lack(decoded: np.ndarray) -> np.ndarray:
        shares = decoded[:, own]
        ahead = np.delete(shares, place, axis=1).max(1) - shares[:, place]
        # Equal probabilities are answered with the first class: not reached by a hair
        reached = (shares.argmax(1) == place) == (sign > 0)
        return np.where(reached, np.minimum(sign * ahead, 0.0), np.maximum(sign * ahead, 1e-12))

    def told(decoded: np.ndarray) -> str:
        best = int(decoded[own].argmax())
        return f"{part.labels[best]!r} ({decoded[own][best]:.3f})"

    words = f"another class than {part.labels[place]!r}" if wanted is None else repr(wanted)
    return Goal(part.column, words, lack, told)


def _label_goal(part: LabelsTarget, own: slice, wanted: Wanted | None) -> Goal:
    if not isinstance(wanted, str) or wanted not in part.labels:
        raise UsageError(
            f"{part.column!r} has no label {wanted!r}.",
            nearest(str(wanted), part.labels) if wanted else "Name the label that is wanted.",
        )
    place = part.labels.index(wanted)

    def told(decoded: np.ndarray) -> str:
        return f"{wanted!r} ({decoded[own][place]:.3f})"

    return Goal(part.column, f"label {wanted!r}", lambda decoded: 0.5 - decoded[:, own][:, place], told)


def _number_goal(part: Target, own: slice, wanted: Wanted | None) -> Goal:
    if not isinstance(wanted, tuple) or len(wanted) != 2 or wanted == (None, None):
        raise UsageError(
            f"{part.column!r} is a number, and {wanted!r} are no bounds for one.",
            "Say between which bounds it is wanted: (100, 200), (None, 200) or (100, None); "
            "100..200, ..200 or 100.. in a terminal.",
        )
    low, high = (-np.inf if wanted[0] is None else wanted[0]), (np.inf if wanted[1] is None else wanted[1])
    (asked,) = Asking(part).of(np.zeros(1 if part.flat else part.width))

    def lack(decoded: np.ndarray) -> np.ndarray:
        values = asked.values(decoded[:, own])
        return np.maximum(low - values, values - high)

    def told(decoded: np.ndarray) -> str:
        return f"{asked.values(decoded[None, own])[0]:.6g}"

    ends = [f"at least {low:g}" * bool(np.isfinite(low)), f"at most {high:g}" * bool(np.isfinite(high))]
    return Goal(part.column, " and ".join(filter(None, ends)), lack, told)
