"""Which number of an answer is explained: a probability, a number in the user's unit, a place in an order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from lamina.errors import UsageError, nearest
from lamina.features.targets.base import BEYOND, Target
from lamina.features.targets.classes import ClassTarget
from lamina.features.targets.labels import LabelsTarget
from lamina.features.targets.means import MeanTarget
from lamina.features.targets.number import NumberTarget
from lamina.features.targets.ordered import OrderedTarget
from lamina.features.targets.quantiles import QuantilesTarget
from lamina.features.targets.several import SeveralTarget

MOST_LABELS = 5  # labels of one row that are explained unless they are named


@dataclass(frozen=True)
class Asked:
    """One number of the decoded answers: ``clip(decoded · weights + offset, low, high)``.

    ``of`` says it in words; ``weights`` ``(width,)`` is over all columns of the decoded answers.
    """

    target: str
    of: str
    weights: np.ndarray
    offset: float = 0.0
    low: float = -np.inf
    high: float = np.inf

    def values(self, decoded: np.ndarray) -> np.ndarray:
        """Decoded answers ``(n, width)`` → float64 ``(n,)`` in the user's unit."""
        return np.clip(decoded @ self.weights + self.offset, self.low, self.high)


class Asking:
    """What is explained of each row, for a target and what the user named (classes, labels, targets).

    Raises UsageError for answers that are no numbers (masks, transcripts), and for names that are not there.
    """

    def __init__(self, target: Target, of: str | Sequence[str] | None = None) -> None:
        self.parts = target.parts if isinstance(target, SeveralTarget) else (target,)
        self.named = tuple([of] if isinstance(of, str) else of or ())
        for each in self.parts:
            _check_kind(each)
        known = {each.column for each in self.parts}.union(*(_names(each) for each in self.parts))
        for name in self.named:
            if name not in known:
                raise UsageError(
                    f"There is no answer {name!r} to explain.", nearest(name, sorted(known)), of=name
                )

    def of(self, decoded: np.ndarray) -> list[Asked]:
        """The numbers that are explained of one row, ``decoded`` ``(width,)``."""
        width, start, found = len(decoded), 0, list[Asked]()
        for part in self.parts:
            wide = 1 if part.flat else part.width
            names = [name for name in self.named if name in _names(part)]
            if not self.named or names or part.column in self.named:
                found += _asked(part, decoded[start : start + wide], names, start, width)
            start += wide
        return found


def _check_kind(target: Target) -> None:
    if not isinstance(target, ClassTarget | LabelsTarget | NumberTarget | MeanTarget):
        raise UsageError(
            f"The answers to {target.column!r} are {target.answer}s, which have no shares of columns: they "
            "are read place by place from one column.",
            "Explain a model that answers with classes, labels or numbers.",
            answer=target.answer,
        )


def _names(target: Target) -> tuple[str, ...]:
    """The classes or labels that can be asked for."""
    return target.labels if isinstance(target, ClassTarget | LabelsTarget) else ()


def _asked(part: Target, own: np.ndarray, names: list[str], start: int, width: int) -> Iterator[Asked]:
    """``own`` are the columns of the decoded answers that belong to this target, from ``start`` on."""

    def column(place: int, scale: float = 1.0) -> np.ndarray:
        weights = np.zeros(width)
        weights[start + place] = scale
        return weights

    if isinstance(part, ClassTarget | LabelsTarget) and (names or not isinstance(part, OrderedTarget)):
        places = [part.labels.index(name) for name in names] or _likely(part, own)
        for place in places:
            yield Asked(part.column, f"probability of {part.labels[place]!r}", column(place))
    elif isinstance(part, OrderedTarget):
        weights = np.zeros(width)
        weights[start : start + len(part.labels)] = np.arange(len(part.labels))
        low, high = part.labels[0], part.labels[-1]
        yield Asked(part.column, f"expected place, 0 = {low!r} to {len(part.labels) - 1} = {high!r}", weights)
    elif isinstance(part, NumberTarget):
        room = BEYOND * (part.highest - part.lowest)
        place, of = 0, part.column
        if isinstance(part, QuantilesTarget):
            place, of = part.middle, f"quantile {part.levels[part.middle]:g} of {part.column}"
        bounds = part.lowest - room, part.highest + room
        yield Asked(part.column, of, column(place, part.spread), part.mean, *bounds)
    elif isinstance(part, MeanTarget):
        most = (1 + BEYOND) * part.highest
        yield Asked(part.column, f"expected {part.column}", column(0, part.mean), high=most)


def _likely(part: ClassTarget | LabelsTarget, own: np.ndarray) -> list[int]:
    """Of two classes always the second, so that rows compare; else the class, or the labels, answered."""
    if isinstance(part, ClassTarget):
        return [1] if part.binary else [int(own.argmax())]
    told = [int(place) for place in np.argsort(-own, kind="stable") if own[place] >= 0.5]
    return told[:MOST_LABELS] or [int(own.argmax())]
