"""The score on rows that training does not learn from: what early stopping looks at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lamina.network.network import Network
from lamina.tasks import more_is_better
from lamina.training.examples import Examples

MOST_ROWS = 2048  # scored at once: activations stay in the processor's cache
MOST_VALUES = 1_000_000  # raw values scored at once: a picture's activations are many times its pixels


@dataclass(frozen=True)
class Validation:
    """Held-out rows and the metric they are judged by."""

    examples: Examples
    rows: Tensor
    metric: str

    def score(self, network: Network) -> float:
        """The metric of the network's joint answers, in the units it learns in."""
        answers = joint_answers(network, self.examples, self.rows)
        return float(network.output.score(self.metric, answers, self.examples.answers[self.rows]))

    def better(self, score: float, than: float | None) -> bool:
        if than is None:
            return True
        return score > than if more_is_better(self.metric) else score < than


@torch.no_grad()
def joint_answers(network: Network, examples: Examples, rows: Tensor) -> Tensor:
    """Decoded answers ``(rows, …)``, in training precision, one view."""
    was_training = network.training
    network.eval()
    parts = [
        network.output.decode(network(examples.take(each).arrays))
        for each in rows.split(rows_at_once(examples.arrays))
    ]
    network.train(was_training)
    return torch.cat(parts)


def rows_at_once(arrays: Mapping[str, Tensor | np.ndarray]) -> int:
    """How many rows to score together, so that activations stay a few hundred megabytes at most."""
    values = sum(int(np.prod(each.shape[1:])) for each in arrays.values())
    return max(16, min(MOST_ROWS, MOST_VALUES // max(values, 1)))
