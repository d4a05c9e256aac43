"""Several targets at once, of any kinds, beside each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl

from lamina.catalog import ANSWERS, part
from lamina.errors import TargetError
from lamina.features.targets.base import Target
from lamina.features.targets.told import Told
from lamina.records import Schema
from lamina.scores.ranking import Scores

JOINT = "joint"  # the metric over all targets
MOST_WEIGHT = 4.0  # of one target's loss against the others'
LEAST = 1e-9  # the error of a constant answer, where it is never wrong


@dataclass(frozen=True)
class SeveralTarget(Target):
    """Each target's answers in columns of one float32 matrix, NaN where that answer is missing.

    ``constants`` are every target's constant answer, which the joint metric compares with; ``weights`` bring
    the losses to one size: one for a constant answer in the rows where the answer is known.
    """

    parts: tuple[Target, ...]
    constants: tuple[tuple[float, ...], ...]
    weights: tuple[float, ...]

    answer: ClassVar[str] = "several"
    simplest: ClassVar[str] = "constant"

    @classmethod
    def of(cls, parts: tuple[Target, ...], frame: pl.DataFrame) -> Self:
        """These targets together, with what their answers in ``frame`` say of them."""
        known = [each.read(frame[each.column].drop_nulls()) for each in parts]
        sizes = [max(each.loss_of_constant(a), LEAST) for each, a in zip(parts, known, strict=True)]
        shares = [max(len(a), 1) / max(frame.height, 1) for a in known]
        weights = [
            float(np.clip(1 / (s * k), 1 / MOST_WEIGHT, MOST_WEIGHT))
            for s, k in zip(sizes, shares, strict=True)
        ]
        constants = (each.constant(a) for each, a in zip(parts, known, strict=True))
        return cls(parts, tuple(tuple(map(float, each)) for each in constants), tuple(weights))

    @classmethod
    def fit(cls, frame: pl.DataFrame, column: str, form: Mapping[str, Any] | None = None) -> Self:
        raise TypeError("several targets are fitted one by one, see fit_target")

    def extend(self, frame: pl.DataFrame) -> SeveralTarget:
        """Each target with its new classes; the constant answer gives them nothing."""
        parts = tuple(each.extend(frame) for each in self.parts)
        constants = tuple(
            (*constant, *[0.0] * (part.width - len(constant)))
            for part, constant in zip(parts, self.constants, strict=True)
        )
        return type(self)(parts, constants, self.weights)

    @property
    def column(self) -> str:  # type: ignore[override]
        """The columns' names, for messages."""
        return ", ".join(self.targets)

    @property
    def targets(self) -> tuple[str, ...]:
        return tuple(each.column for each in self.parts)

    def encode(self, frame: pl.DataFrame) -> np.ndarray:
        read = []
        for each in self.parts:
            answers = each.encode(frame).reshape(frame.height, -1).astype(np.float32)
            answers[frame[each.column].is_null().to_numpy()] = np.nan
            read.append(answers)
        return np.concatenate(read, axis=1)

    def read(self, series: pl.Series) -> np.ndarray:
        raise TypeError("several targets are read from a frame, see encode")

    def decoded_of(self, decoded: np.ndarray) -> Iterator[np.ndarray]:
        """Each target's columns of the decoded answers, as it knows them."""
        start = 0
        for each in self.parts:
            own = decoded[:, start : start + each.width]
            yield own[:, 0] if each.flat else own
            start += each.width

    def answers_of(self, answers: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """For each target the rows whose answer is known, bool ``(rows,)``, and those answers."""
        start = 0
        for each in self.parts:
            wide = max(each.answer_width, 1)
            own = answers[:, start : start + wide]
            known = ~np.isnan(own).any(1)
            column = own[known] if each.answer_width else own[known, 0]
            yield known, column.astype(np.int64 if each.codes else np.float32)
            start += wide

    @property
    def scores(self) -> int:
        return sum(each.scores for each in self.parts)

    @property
    def width(self) -> int:
        return sum(each.width for each in self.parts)

    @property
    def binary(self) -> bool:
        return all(each.binary for each in self.parts)

    def spec(self) -> dict[str, Any]:
        heads = zip(self.parts, self.constants, self.weights, strict=True)
        return {
            "heads": [
                {
                    "name": part.column,
                    "output": part.answer,
                    "scores": part.scores,
                    "answers": part.answer_width,
                    "flat": part.flat,
                    "spec": part.spec(),
                    "constant": list(constant),
                    "weight": weight,
                }
                for part, constant, weight in heads
            ]
        }

    def constant(self, answers: np.ndarray) -> np.ndarray:
        known = zip(self.parts, self.answers_of(answers), strict=True)
        return np.concatenate([each.constant(own) for each, (_, own) in known])

    def loss_of_constant(self, answers: np.ndarray) -> float:
        return 1.0

    def balance(self, answers: np.ndarray) -> np.ndarray | None:
        """The mean of what the targets with rare classes would weigh, each with mean 1."""
        found = []
        for each, (known, own) in zip(self.parts, self.answers_of(answers), strict=True):
            weights = each.balance(own)
            if weights is not None:
                found.append(np.ones(len(answers)))
                found[-1][known] = weights / weights.mean()
        return np.mean(found, axis=0) if found else None

    def judge(self, decoded: np.ndarray, answers: np.ndarray) -> Scores:
        """``joint``, then ``<target>.<score>`` of each target on the rows where its answer is known."""
        scores: Scores = {}
        for each, own, (known, came) in self._beside(decoded, answers):
            if len(came):
                scores |= {f"{each.column}.{name}": v for name, v in each.judge(own[known], came).items()}
        return {JOINT: self.error(decoded, answers), **scores}

    def error(self, decoded: np.ndarray, answers: np.ndarray) -> float:
        """The mean of the targets' errors, each as a share of what its constant answer makes: 1 is as good
        as knowing nothing."""
        shares = []
        for (each, own, (known, came)), constant in zip(
            self._beside(decoded, answers), self.constants, strict=True
        ):
            if len(came):
                blind = np.tile(np.array(constant), (len(came), 1))
                worst = each.error(blind[:, 0] if each.flat else blind, came)
                shares.append(each.error(own[known], came) / max(worst, LEAST))
        return float(np.mean(shares)) if shares else float("nan")

    def _beside(
        self, decoded: np.ndarray, answers: np.ndarray
    ) -> Iterator[tuple[Target, np.ndarray, tuple[np.ndarray, np.ndarray]]]:
        return zip(self.parts, self.decoded_of(decoded), self.answers_of(answers), strict=True)

    @property
    def metrics(self) -> tuple[str, ...]:
        return (JOINT, *(f"{each.column}.{name}" for each in self.parts for name in each.metrics))

    def told(
        self,
        decoded: np.ndarray,
        answered: np.ndarray,
        *,
        probabilities: bool | None = None,
        several: bool = False,
    ) -> list[Told]:
        """The answers of every target."""
        return [
            told
            for each, own in zip(self.parts, self.decoded_of(decoded), strict=True)
            for told in each.told(own, answered, probabilities=probabilities, several=True)
        ]

    def describe(self) -> str:
        return "; ".join(each.describe() for each in self.parts)

    def to_json(self) -> dict[str, Any]:
        return {
            "answer": self.answer,
            "parts": [each.to_json() for each in self.parts],
            "constants": [list(each) for each in self.constants],
            "weights": list(self.weights),
        }

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> Self:
        if any(each["answer"] == cls.answer for each in state["parts"]):
            raise ValueError("several targets do not nest")
        parts = tuple(target_from_json(each) for each in state["parts"])
        constants = tuple(tuple(map(float, each)) for each in state["constants"])
        weights = tuple(map(float, state["weights"]))
        names = {each.column for each in parts}
        if not 1 < len(parts) == len(names) == len(weights) or [len(c) for c in constants] != [
            p.width for p in parts
        ]:
            raise ValueError("every target has a name, a constant and a weight of its own")
        if not np.isfinite([*weights, *(value for each in constants for value in each)]).all():
            raise ValueError("constants and weights are finite")
        return cls(parts, constants, weights)


def fit_target(frame: pl.DataFrame, schema: Schema, side: int | None = None) -> Target:
    """The target, or all of them together, that a conformed frame and its schema say.

    ``side`` is the longer side, in pixels, of answers that are pictures.

    Raises TargetError where there is nothing to learn.
    """
    parts, fields = [], schema.with_role("target")
    for field in fields:
        target: type[Target] = part(ANSWERS[field.answer].target)
        if target.frames and len(fields) > 1:
            raise TargetError(
                f"The target {field.name!r} is {ANSWERS[field.answer].what}, which is predicted by itself "
                "only.",
                "Fit a network of its own for it.",
                column=field.name,
            )
        form = {**field.form, "side": side} if target.source == "image" else field.form
        parts.append(target.fit(frame.select(field.name).drop_nulls(), field.name, form))
    return parts[0] if len(parts) == 1 else SeveralTarget.of(tuple(parts), frame)


def target_from_json(state: Mapping[str, Any]) -> Target:
    """The target that ``to_json`` wrote."""
    target: type[Target] = part(ANSWERS[state["answer"]].target)
    return target.from_json(state)
