"""For each kind of answer what bounds it: a set of classes, an interval, a set of labels.

Every bound is found on rows that the network had not learnt from, keeps their misfits (numbers, no rows), and
is applied with numpy alone. Decoded answers come in as the network gives them, before any calibration.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Final, Self

import numpy as np

from lamina.features.targets.base import Target
from lamina.features.targets.told import LabelSets, Numbers, Told
from lamina.predictions.conformal import class_misfits, class_sets, threshold, thresholds

SHARE_TO_FIT: Final = 1 / 5  # of the rows tell how hard a row is; the others how far the bounds must reach
BENDS: Final = 6  # places at which the width may change with the answer
LEAST: Final = 1e-6  # a deviation, a width
LITTLE: Final = 1 / 20  # of the median deviation: below it the logarithm of a deviation says nothing
HELD: Final = 10.0  # how strongly the weights of what may tell how hard a row is are held to be small
OUTERMOST: Final = 0.005  # share of the rows at either end beyond which none counts as easier or harder
ANY: Final = 50.0  # no end: a logarithm that none reaches


@dataclass(frozen=True)
class Bound(ABC):
    """``misfits`` ``(n,)`` of the true answers, and the ``groups`` of those rows, int64 ``(n,)``, where
    coverage is to hold in every group."""

    misfits: np.ndarray
    groups: np.ndarray | None

    arrays: ClassVar[tuple[str, ...]] = ()

    @classmethod
    @abstractmethod
    def fit(
        cls, decoded: np.ndarray, spread: np.ndarray, answers: np.ndarray, groups: np.ndarray | None
    ) -> Self:
        """From the network's answers and the true ones, of rows whose answers are known."""

    @abstractmethod
    def columns(
        self, target: Target, decoded: np.ndarray, spread: np.ndarray, limits: np.ndarray, known: np.ndarray
    ) -> list[Told]:
        """The bounds of every row, one column each; null where ``known`` is false. ``limits`` ``(rows,)``."""

    @abstractmethod
    def held(
        self, decoded: np.ndarray, spread: np.ndarray, answers: np.ndarray, limits: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Whether the true answer is inside, bool ``(rows,)``, and how wide the bound is, float64
        ``(rows,)``."""

    def limits(self, coverage: float, groups: np.ndarray | None, rows: int) -> np.ndarray:
        """The misfit up to which answers are offered, for every row."""
        if groups is None or self.groups is None:
            return np.full(rows, self._of_all(coverage))
        count = int(max(groups.max(initial=-1), self.groups.max(initial=-1))) + 2
        own = thresholds(self.misfits, self.groups, count, coverage)  # the last: no group, as all rows
        limits: np.ndarray = own[np.where(groups < 0, count - 1, groups)]
        return limits

    def _of_all(self, coverage: float) -> float:
        """Found once for every coverage that is asked for."""
        if coverage not in self._found:
            self._found[coverage] = threshold(self.misfits, coverage)
        return self._found[coverage]

    @cached_property
    def _found(self) -> dict[float, float]:
        return {}

    def tensors(self) -> dict[str, np.ndarray]:
        found = {"misfits": self.misfits.astype(np.float64)}
        if self.groups is not None:
            found["groups"] = self.groups.astype(np.int64)
        return found | {name: getattr(self, name) for name in self.arrays}

    @classmethod
    def of(cls, tensors: Mapping[str, np.ndarray]) -> Self:
        """The bound with these arrays. Raises ValueError where they do not belong together."""
        wanted = {"misfits", *cls.arrays}
        if {*tensors} - {"groups"} != wanted or any(each.ndim != 1 for each in tensors.values()):
            raise ValueError(f"a bound has the arrays {sorted(wanted)}")
        groups = tensors.get("groups")
        if groups is not None and (
            len(groups) != len(tensors["misfits"])
            or groups.dtype.kind != "i"
            or np.abs(groups).max(initial=0) > 10**6
        ):
            raise ValueError("the groups of a bound do not fit its rows")
        return cls(tensors["misfits"], groups, **{name: tensors[name] for name in cls.arrays})


class ClassBound(Bound):
    """``prediction_set``: every class that cannot be ruled out. With the class itself as group, coverage
    holds for the rows of every class."""

    @classmethod
    def fit(
        cls, decoded: np.ndarray, spread: np.ndarray, answers: np.ndarray, groups: np.ndarray | None
    ) -> Self:
        known = answers >= 0
        rows = np.flatnonzero(known)
        misfits = class_misfits(decoded)[rows, answers[rows]]
        return cls(misfits.astype(np.float64), None if groups is None else groups[known])

    def columns(
        self, target: Target, decoded: np.ndarray, spread: np.ndarray, limits: np.ndarray, known: np.ndarray
    ) -> list[Told]:
        return [sets(target, "prediction_set", class_sets(decoded, limits), known)]

    def held(
        self, decoded: np.ndarray, spread: np.ndarray, answers: np.ndarray, limits: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        chosen = class_sets(decoded, limits)
        inside = (answers >= 0) & chosen[np.arange(len(chosen)), np.maximum(answers, 0)]
        return inside, chosen.sum(1).astype(np.float64)


class LabelBound(Bound):
    """``possible_<target>``: labels that cannot be ruled out; all that apply are among them as often as
    promised."""

    @classmethod
    def fit(
        cls, decoded: np.ndarray, spread: np.ndarray, answers: np.ndarray, groups: np.ndarray | None
    ) -> Self:
        known = ~np.isnan(answers).any(1)
        misfits = np.where(answers[known] > 0.5, 1.0 - decoded[known], 0.0).max(1)
        return cls(misfits.astype(np.float64), None if groups is None else groups[known])

    def columns(
        self, target: Target, decoded: np.ndarray, spread: np.ndarray, limits: np.ndarray, known: np.ndarray
    ) -> list[Told]:
        return [sets(target, f"possible_{target.column}", self._chosen(decoded, limits), known)]

    def held(
        self, decoded: np.ndarray, spread: np.ndarray, answers: np.ndarray, limits: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        chosen = self._chosen(decoded, limits)
        inside: np.ndarray = np.all(chosen | ~(answers > 0.5), axis=1)
        return inside, chosen.sum(1).astype(np.float64)

    def _chosen(self, decoded: np.ndarray, limits: np.ndarray) -> np.ndarray:
        chosen: np.ndarray = (1.0 - decoded <= limits[:, None] + 1e-9) | (decoded >= 0.5)
        return chosen


@dataclass(frozen=True)
class NumberBound(Bound):
    """``<target>_low`` and ``<target>_high``: as wide as the row is hard (Lei et al. 2018, "Distribution-free
    predictive inference for regression", section 5.2).

    How hard is a small model of its own: the logarithm of the deviation from the members' disagreement and
    from the answer itself, with bends; ``weights`` and ``bends`` are its numbers, ``ends`` the lowest and the
    highest logarithm that it may tell."""

    weights: np.ndarray
    bends: np.ndarray
    ends: np.ndarray

    arrays: ClassVar[tuple[str, ...]] = ("weights", "bends", "ends")

    @classmethod
    def of(cls, tensors: Mapping[str, np.ndarray]) -> Self:
        """Files from before there were ends have none."""
        return super().of({"ends": np.array([-ANY, ANY]), **tensors})

    @classmethod
    def fit(
        cls, decoded: np.ndarray, spread: np.ndarray, answers: np.ndarray, groups: np.ndarray | None
    ) -> Self:
        known = np.isfinite(answers) & np.isfinite(decoded)
        decoded, spread, answers = decoded[known], spread[known], answers[known]
        groups = None if groups is None else groups[known]
        missed = np.abs(answers - decoded).astype(np.float64)
        first = np.random.default_rng(0).random(len(missed)) < SHARE_TO_FIT
        bends = (
            np.unique(np.quantile(decoded[first], np.linspace(0, 1, BENDS))) if first.any() else np.zeros(0)
        )
        told = _basis(decoded, spread, bends)
        least = max(LITTLE * float(np.median(missed[first])), LEAST) if first.any() else LEAST
        weights = _ridge(told[first], np.log(missed[first] + least))
        hard = told @ weights
        ends = np.quantile(hard[first], [OUTERMOST, 1 - OUTERMOST]) if first.any() else np.array([-ANY, ANY])
        hard = np.exp(np.clip(hard, *ends))
        rest = None if groups is None else groups[~first]
        return cls(missed[~first] / hard[~first], rest, weights, bends.astype(np.float64), ends)

    def columns(
        self, target: Target, decoded: np.ndarray, spread: np.ndarray, limits: np.ndarray, known: np.ndarray
    ) -> list[Told]:
        reach = limits * self._hard(decoded, spread)
        low, high = (in_units(target, decoded + sign * reach) for sign in (-1, 1))
        named = ((f"{target.column}_low", low), (f"{target.column}_high", high))
        return [Numbers(name, values, known, single=False) for name, values in named]

    def held(
        self, decoded: np.ndarray, spread: np.ndarray, answers: np.ndarray, limits: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        reach = limits * self._hard(decoded, spread)
        return np.abs(answers - decoded) <= reach, 2 * reach

    def _hard(self, decoded: np.ndarray, spread: np.ndarray) -> np.ndarray:
        hard: np.ndarray = np.exp(np.clip(_basis(decoded, spread, self.bends) @ self.weights, *self.ends))
        return hard


@dataclass(frozen=True)
class QuantileBound(Bound):
    """``<target>_low`` and ``<target>_high`` around the lowest and the highest quantile (Romano et al. 2019,
    "Conformalized quantile regression"), misfits as shares of the distance between them."""

    @classmethod
    def fit(
        cls, decoded: np.ndarray, spread: np.ndarray, answers: np.ndarray, groups: np.ndarray | None
    ) -> Self:
        known = np.isfinite(answers)
        low, high = decoded[known, 0], decoded[known, -1]
        beyond = np.maximum(low - answers[known], answers[known] - high) / _width(low, high)
        return cls(beyond.astype(np.float64), None if groups is None else groups[known])

    def columns(
        self, target: Target, decoded: np.ndarray, spread: np.ndarray, limits: np.ndarray, known: np.ndarray
    ) -> list[Told]:
        low, high = (in_units(target, each) for each in self._ends(decoded, limits))
        named = ((f"{target.column}_low", low), (f"{target.column}_high", high))
        return [Numbers(name, values, known, single=False) for name, values in named]

    def held(
        self, decoded: np.ndarray, spread: np.ndarray, answers: np.ndarray, limits: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        low, high = self._ends(decoded, limits)
        return (low <= answers) & (answers <= high), high - low

    def _ends(self, decoded: np.ndarray, limits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        low, high = decoded[:, 0], decoded[:, -1]
        reach = limits * _width(low, high)
        middle = (low + high) / 2  # a negative reach may not turn them round
        return np.minimum(low - reach, middle), np.maximum(high + reach, middle)


BOUNDS: Final[dict[str, type[Bound]]] = {
    "classes": ClassBound,
    "ordered": ClassBound,
    "labels": LabelBound,
    "number": NumberBound,
    "count": NumberBound,
    "amount": NumberBound,
    "quantiles": QuantileBound,
}


def sets(target: Any, name: str, chosen: np.ndarray, known: np.ndarray) -> LabelSets:
    """Booleans ``(rows, class)`` → lists of classes, in the type they came in; null where not ``known``."""
    return LabelSets(name, chosen, known, target.values if hasattr(target, "dtype") else target.labels)


def in_units(target: Any, standard: np.ndarray) -> np.ndarray:
    """A number in the user's unit, float64; what cannot be below zero is not."""
    if target.answer in ("count", "amount"):
        return np.maximum(standard.astype(np.float64), 0.0) * target.mean
    values: np.ndarray = target.raw(standard)
    return values


def _basis(decoded: np.ndarray, spread: np.ndarray, bends: np.ndarray) -> np.ndarray:
    """What may tell how hard a row is, float64 ``(rows, 2 + bends)``."""
    x = decoded.astype(np.float64)[:, None]
    bent = np.maximum(x - bends, 0.0) if len(bends) else np.zeros((len(x), 0))
    apart = np.log(spread.astype(np.float64) + 1e-3)
    return np.concatenate([np.ones_like(x), apart[:, None], bent], axis=1)


def _ridge(told: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Least squares held to be small, all but the constant, the first; standardised inside."""
    if not len(told):
        return np.zeros(told.shape[1])
    centre, scale = told.mean(0), np.maximum(told.std(0), 1e-9)
    scaled = ((told - centre) / scale)[:, 1:]
    held = HELD * np.eye(scaled.shape[1])
    weights = np.linalg.solve(scaled.T @ scaled + held, scaled.T @ (wanted - wanted.mean())) / scale[1:]
    solved: np.ndarray = np.concatenate([[wanted.mean() - centre[1:] @ weights], weights])
    return solved


def _width(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    return np.maximum(high - low, LEAST)
