"""A network with everything that goes with it, as the stages hand it on."""

from __future__ import annotations

from typing import NamedTuple

from lamina.predictions.baseline import Baseline
from lamina.records import Evaluation
from lamina.training.fitted import Fitted


class Trained(NamedTuple):
    """What is promoted and what is replaced: a network, its baselines, and its last scores."""

    fitted: Fitted
    baseline: Baseline
    evaluation: Evaluation

    @property
    def update(self) -> int:
        """The number of the update that made it, 0 for the first training."""
        return int(self.fitted.rows.get("update", 0))
