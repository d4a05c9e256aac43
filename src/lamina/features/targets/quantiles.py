"""A target of which quantiles are asked: between which bounds a number will lie, and how surely."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl

from lamina.features.targets.number import NumberTarget
from lamina.features.targets.told import Numbers, Told
from lamina.scores.numbers import pinball, quantile_scores
from lamina.scores.ranking import Scores


@dataclass(frozen=True)
class QuantilesTarget(NumberTarget):
    """A number ↔ standard units, as ``NumberTarget``; decoded are its quantiles at ``levels``, rising."""

    levels: tuple[float, ...] = (0.1, 0.5, 0.9)

    answer: ClassVar[str] = "quantiles"
    flat: ClassVar[bool] = False
    simplest: ClassVar[str] = "quantiles"

    @classmethod
    def fit(cls, frame: pl.DataFrame, column: str, form: Mapping[str, Any] | None = None) -> Self:
        plain = NumberTarget.fit(frame, column)
        own = {each.name: getattr(plain, each.name) for each in fields(plain)}
        return cls(**own, levels=tuple((form or {}).get("levels", cls.levels)))

    @property
    def scores(self) -> int:
        return len(self.levels)

    @property
    def middle(self) -> int:
        """The place of the level nearest to the median."""
        return int(np.argmin(np.abs(np.array(self.levels) - 0.5)))

    def spec(self) -> dict[str, Any]:
        return {"levels": list(self.levels)}

    def constant(self, answers: np.ndarray) -> np.ndarray:
        """The quantiles of the answers."""
        quantiles: np.ndarray = np.nanquantile(answers.astype(np.float64), self.levels)
        return quantiles

    def loss_of_constant(self, answers: np.ndarray) -> float:
        known = answers[~np.isnan(answers)]
        return pinball(np.tile(self.constant(answers), (len(known), 1)), known, self.levels)

    def judge(self, decoded: np.ndarray, answers: np.ndarray) -> Scores:
        return quantile_scores(self.values(decoded), self.raw(answers), self.levels)

    def error(self, decoded: np.ndarray, answers: np.ndarray) -> float:
        return pinball(self.values(decoded), self.raw(answers), self.levels)

    def told(
        self,
        decoded: np.ndarray,
        answered: np.ndarray,
        *,
        probabilities: bool | None = None,
        several: bool = False,
    ) -> list[Told]:
        """``predicted_<target>``, the median or the level next to it, and ``<target>_q10`` … per level."""
        values = self.values(decoded)
        named = [(f"{self.column}_q{100 * level:g}", values[:, k]) for k, level in enumerate(self.levels)]
        named = [(f"predicted_{self.column}", values[:, self.middle]), *named]
        return [Numbers(name, column, answered, single=False) for name, column in named]

    def describe(self) -> str:
        return f"the quantiles {', '.join(f'{level:g}' for level in self.levels)} of {self.column!r}"

    def to_json(self) -> dict[str, Any]:
        return {**super().to_json(), "levels": list(self.levels)}

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> Self:
        plain = NumberTarget.from_json(state)
        levels = tuple(float(each) for each in state["levels"])
        if not levels or not levels[0] > 0 or not levels[-1] < 1 or sorted(set(levels)) != list(levels):
            raise ValueError("levels lie between 0 and 1 and rise")
        return cls(**{each.name: getattr(plain, each.name) for each in fields(plain)}, levels=levels)
