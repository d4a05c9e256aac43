"""How sure a network may be of its answers: calibrated probabilities, and bounds that hold.

Found once, after training, on rows that the network had not learnt from (``found``); then applied to every
answer with numpy alone. The state is a few arrays of numbers in the model file, no rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple, Self

import numpy as np
import polars as pl

from lamina.errors import UsageError
from lamina.features.targets.base import Target
from lamina.features.targets.several import SeveralTarget
from lamina.features.targets.told import LabelSets, Told
from lamina.network.engine import Answered
from lamina.predictions.bounds import BOUNDS, Bound
from lamina.predictions.calibration import Calibrator
from lamina.scores.ranking import Scores

CALIBRATED: Final = ("classes", "ordered")
MOST_GROUPS: Final = 1000


@dataclass(frozen=True)
class Part:
    """One target's calibration and bound; either may be none."""

    target: Target
    calibrator: Calibrator
    bound: Bound | None

    @property
    def answer_is_set(self) -> bool:
        """Whether the bound is a set of classes or labels, not an interval."""
        return self.target.answer in (*CALIBRATED, "labels")


class Held(NamedTuple):
    """Whether one target's bounds held, bool over the rows whose answer is ``known``, bool ``(rows,)``, and
    their ``size``, float64: classes in a set ("set_size"), or the width in the user's unit."""

    column: str
    measure: str
    known: np.ndarray
    inside: np.ndarray
    size: np.ndarray


@dataclass(frozen=True)
class Confidence:
    """What makes the answers of one network honest.

    ``coverage`` is the share of bounds that hold; ``by`` a column in whose ``groups`` it holds in each, or
    the target itself: then in each class."""

    parts: tuple[Part, ...]
    coverage: float
    by: str | None = None
    groups: tuple[str, ...] = ()

    @classmethod
    def found(
        cls,
        target: Target,
        answered: Answered,
        answers: np.ndarray,
        *,
        coverage: float = 0.9,
        by: str | None = None,
        values: pl.Series | None = None,
        calibrate: bool = True,
    ) -> Self:
        """From answers for rows not learnt from; ``values`` are those of the column ``by`` in these rows.
        Without ``calibrate`` there are bounds only."""
        names: tuple[str, ...] = ()
        groups = None
        if values is not None:
            names, groups = _groups(values)
        parts = []
        for each, own, spread, known, came in _beside(target, answered, answers):
            rows = None if groups is None else groups[known]
            if by is not None and by in each.targets and each.answer in CALIBRATED:
                rows = came
            parts.append(_part(each, Answered(own[known], spread[known]), came, rows, calibrate))
        return cls(tuple(parts), coverage, by, names)

    def extend(self, target: Target) -> Self:
        """For a target that has grown: what was promised of the old classes stands."""
        targets = target.parts if isinstance(target, SeveralTarget) else (target,)
        parts = zip(self.parts, targets, strict=True)
        return replace(
            self, parts=tuple(replace(p, target=t, calibrator=p.calibrator.extend(t.width)) for p, t in parts)
        )

    def calibrated(self, decoded: np.ndarray) -> np.ndarray:
        """The network's decoded answers → honest ones, of the same shape."""
        if all(each.calibrator.name == "none" for each in self.parts):
            return decoded
        if len(self.parts) == 1:
            return self.parts[0].calibrator(decoded)
        start, changed = 0, decoded.copy()
        for each in self.parts:
            width = each.target.width
            if each.calibrator.name != "none":
                changed[:, start : start + width] = each.calibrator(decoded[:, start : start + width])
            start += width
        return changed

    def columns(
        self,
        answered: Answered,
        known: np.ndarray,
        *,
        coverage: float | None = None,
        values: pl.Series | None = None,
    ) -> list[Told]:
        """The bounds, one column each; none where there were too few rows to promise anything.

        ``values`` are those of the column ``by``. Raises UsageError for a coverage that cannot be promised.
        """
        found: list[Told] = []
        for each, own, spread in self._own(answered):
            limits = self._limits(each, own, coverage, values)
            if each.bound is not None and limits is not None:
                columns = each.bound.columns(each.target, own, spread, limits, known)
                if len(self.parts) > 1:
                    named = f"prediction_set_{each.target.column}"
                    columns = [
                        replace(c, name=named)
                        if isinstance(c, LabelSets) and c.name == "prediction_set"
                        else c
                        for c in columns
                    ]
                found += columns
        return found

    def judged(self, answered: Answered, answers: np.ndarray, values: pl.Series | None = None) -> Scores:
        """``coverage``: the share of bounds that held; ``set_size`` or ``width`` their mean size."""
        scores: Scores = {}
        for each in self.held(answered, answers, values):
            if each is not None:
                prefix = f"{each.column}." if len(self.parts) > 1 else ""
                scores[f"{prefix}coverage"] = float(each.inside.mean())
                scores[f"{prefix}{each.measure}"] = float(each.size.mean())
        return scores

    def held(
        self, answered: Answered, answers: np.ndarray, values: pl.Series | None = None
    ) -> Iterator[Held | None]:
        """Row by row whether each target's bounds held; None where there are none, or no answers."""
        target = self.parts[0].target
        joint = SeveralTarget(tuple(p.target for p in self.parts), (), ()) if len(self.parts) > 1 else target
        for part, (each, own, spread, known, came) in zip(
            self.parts, _beside(joint, answered, answers), strict=True
        ):
            limits = self._limits(part, own, None, values)
            if part.bound is None or limits is None or not len(came):
                yield None
                continue
            inside, size = part.bound.held(own[known], spread[known], came, _of(limits, known))
            measure, unit = ("set_size", 1.0) if part.answer_is_set else ("width", _unit(each))
            yield Held(each.column, measure, known, inside, size * unit)

    def by_row(
        self, answered: Answered, answers: np.ndarray, values: pl.Series | None = None
    ) -> dict[str, np.ndarray]:
        """``coverage`` and sizes row by row, float64 ``(rows,)``, NaN where the true answer is not known."""
        found: dict[str, np.ndarray] = {}
        for each in self.held(answered, answers, values):
            if each is not None:
                prefix = f"{each.column}." if len(self.parts) > 1 else ""
                for word, own in (("coverage", each.inside), (each.measure, each.size)):
                    found[f"{prefix}{word}"] = np.full(len(each.known), np.nan)
                    found[f"{prefix}{word}"][each.known] = own
        return found

    def most(self) -> float:
        """The largest coverage that so many rows can promise, 0 where none."""
        counts = [len(each.bound.misfits) for each in self.parts if each.bound is not None]
        return min(counts) / (min(counts) + 1) if counts else 0.0

    def _own(self, answered: Answered) -> Iterator[tuple[Part, np.ndarray, np.ndarray]]:
        decoded, start = answered.decoded, 0
        for number, each in enumerate(self.parts):
            own = decoded
            if len(self.parts) > 1:
                own = decoded[:, start : start + each.target.width]
                own = own[:, 0] if each.target.flat else own
                start += each.target.width
            yield each, own, answered.spread[:, number]

    def _limits(
        self, part: Part, own: np.ndarray, coverage: float | None, values: pl.Series | None
    ) -> np.ndarray | None:
        """The largest misfit offered, per row, or per class; None where so many rows promise nothing."""
        if part.bound is None:
            return None
        if coverage is not None and not 0 < coverage <= self.most():
            raise UsageError(
                f"A coverage of {coverage:g} cannot be promised: {len(part.bound.misfits):,} rows were kept "
                f"from training, and promise at most {self.most():.4g}.",
                "Ask for less, or train with more rows.",
                coverage=coverage,
            )
        wanted = self.coverage if coverage is None else coverage
        if wanted > self.most():
            return None
        if self.by is not None and self.by in part.target.targets and part.bound.groups is not None:
            classes = np.arange(part.target.width)
            return part.bound.limits(wanted, classes, part.target.width)
        return part.bound.limits(wanted, self._placed(values), len(own))

    def _placed(self, values: pl.Series | None) -> np.ndarray | None:
        if values is None or not self.groups:
            return None
        codes = pl.Series(range(len(self.groups)), dtype=pl.Int64)
        known = pl.Series(self.groups, dtype=pl.String)
        words = values.cast(pl.String)
        return words.replace_strict(known, codes, default=-1, return_dtype=pl.Int64).fill_null(-1).to_numpy()

    def to_json(self) -> dict[str, Any]:
        return {
            "coverage": self.coverage,
            "by": self.by,
            "groups": list(self.groups),
            "parts": [
                {"calibration": each.calibrator.name, "bound": each.bound is not None} for each in self.parts
            ],
        }

    def tensors(self) -> dict[str, np.ndarray]:
        found: dict[str, np.ndarray] = {}
        for number, each in enumerate(self.parts):
            found |= {f"{number}.calibration.{n}": t for n, t in each.calibrator.tensors().items()}
            if each.bound is not None:
                found |= {f"{number}.bound.{n}": t for n, t in each.bound.tensors().items()}
        return found

    @classmethod
    def of(cls, state: Mapping[str, Any], tensors: Mapping[str, np.ndarray], target: Target) -> Self:
        """What ``to_json`` and ``tensors`` wrote. Raises ValueError or KeyError where it does not fit."""
        targets = target.parts if isinstance(target, SeveralTarget) else (target,)
        parts = []
        for number, (each, told) in enumerate(zip(targets, state["parts"], strict=True)):
            calibrator = Calibrator.of(
                str(told["calibration"]), _under(f"{number}.calibration.", tensors), each.width
            )
            bound = BOUNDS[each.answer].of(_under(f"{number}.bound.", tensors)) if told["bound"] else None
            parts.append(Part(each, calibrator, bound))
        coverage = float(state["coverage"])
        if not 0 < coverage < 1:
            raise ValueError(f"a coverage of {coverage}")
        by = state["by"]
        return cls(tuple(parts), coverage, None if by is None else str(by), tuple(map(str, state["groups"])))


def _part(
    target: Target, answered: Answered, answers: np.ndarray, groups: np.ndarray | None, calibrate: bool
) -> Part:
    decoded, spread = answered.decoded, answered.spread
    calibrator = Calibrator()
    if not calibrate:
        pass
    elif target.answer in CALIBRATED and len(answers):
        calibrator = Calibrator.fit(decoded, answers)
    elif target.answer == "labels" and len(answers):
        calibrator = Calibrator.fit_labels(decoded, answers)
    kind = BOUNDS.get(target.answer)
    bound = kind.fit(decoded, spread, answers, groups) if kind is not None and len(answers) else None
    return Part(target, calibrator, bound)


def _beside(
    target: Target, answered: Answered, answers: np.ndarray
) -> Iterator[tuple[Target, np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
    """Each target with its decoded answers, spread, the rows whose true answer is known, and those
    answers."""
    if not isinstance(target, SeveralTarget):
        yield target, answered.decoded, answered.spread[:, 0], np.ones(len(answers), bool), answers
        return
    own = zip(target.parts, target.decoded_of(answered.decoded), target.answers_of(answers), strict=True)
    for number, (each, decoded, (known, came)) in enumerate(own):
        yield each, decoded, answered.spread[:, number], known, came


def _groups(values: pl.Series) -> tuple[tuple[str, ...], np.ndarray]:
    words = values.cast(pl.String)
    names = words.drop_nulls().unique().sort().to_list()
    if len(names) > MOST_GROUPS:
        raise UsageError(
            f"Coverage was asked for in every group of {values.name!r}, which has {len(names):,} values; "
            f"{MOST_GROUPS:,} are the most.",
            "Name a column with fewer values.",
            column=values.name,
        )
    codes = pl.Series(range(len(names)), dtype=pl.Int64)
    placed = words.replace_strict(pl.Series(names, dtype=pl.String), codes, default=-1, return_dtype=pl.Int64)
    return tuple(names), placed.fill_null(-1).to_numpy()


def _of(limits: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Limits per row, of these rows; per class as they are."""
    return limits[known] if len(limits) == len(known) else limits


def _unit(target: Any) -> float:
    return float(target.mean if target.answer in ("count", "amount") else target.spread)


def _under(prefix: str, tensors: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {n.removeprefix(prefix): each for n, each in tensors.items() if n.startswith(prefix)}
