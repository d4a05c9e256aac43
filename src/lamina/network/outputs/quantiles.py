"""The output layer of quantiles: the lowest level, then steps upward that cannot be negative."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import NormalDist
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from lamina.network.outputs.base import LinearOutput, r2


class Quantiles(LinearOutput):
    """One score per level of ``spec["levels"]``: ``q₁ = s₁ + z₁``, ``qₖ = qₖ₋₁ + softplus(sₖ + cₖ)``, so that
    quantiles never cross. The constants z and c make them those of a standard normal where scores are zero.

    The loss is the pinball loss, mean over the levels (Koenker and Bassett 1978, "Regression quantiles"),
    times 4, which brings it to the size of a squared error.
    """

    meaning = "lowest level and steps upward, mean of the members"

    def __init__(
        self,
        width: int,
        scores: int,
        members: int,
        *,
        gain: float = 1.0,
        smoothing: float = 0.0,
        spec: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(width, scores, members, gain=gain)
        levels = [float(level) for level in (spec or {})["levels"]]
        if len(levels) != scores:
            raise ValueError("quantiles have one score per level")
        self.levels = levels
        self.middle = int(np.argmin(np.abs(np.array(levels) - 0.5)))
        normal = [NormalDist().inv_cdf(level) for level in levels]
        self.first = normal[0]
        self.offsets = np.log(np.expm1(np.diff(normal))).tolist()

    def quantiles(self, scores: Tensor) -> Tensor:
        """Scores → standard units, ``(…, level)`` both."""
        steps = F.softplus(scores[..., 1:] + scores.new_tensor(self.offsets))
        return torch.cat([scores[..., :1] + self.first, steps], -1).cumsum(-1)

    def losses(self, scores: Tensor, answers: Tensor) -> Tensor:
        return 4 * self._pinball(self.quantiles(scores), answers)

    def pinball(self, quantiles: Tensor, answers: Tensor) -> Tensor:
        """Mean pinball loss over rows and levels, in standard units."""
        return self._pinball(quantiles, answers).mean()

    def score(self, metric: str, decoded: Tensor, answers: Tensor) -> Tensor:
        return {"pinball": self.pinball, "r2": self.skill_of}[metric](decoded, answers)

    def skill_of(self, decoded: Tensor, answers: Tensor) -> Tensor:
        """Share of the variance that the level nearest to the median explains."""
        return r2(decoded[:, self.middle], answers)

    def decode(self, scores: Tensor) -> Tensor:
        """Quantiles in standard units ``(batch, level)``, the mean of the members: rising, as each is."""
        return self.quantiles(scores).mean(0)

    def _pinball(self, quantiles: Tensor, answers: Tensor) -> Tensor:
        above = answers[..., None] - quantiles
        share = above.new_tensor(self.levels)
        return torch.maximum(share * above, (share - 1) * above).mean(-1)
