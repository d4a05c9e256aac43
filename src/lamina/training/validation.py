"""The score on rows that training does not learn from: what early stopping looks at."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from lamina.network.answered import answered_batches
from lamina.network.engine import Answered, rows_at_once
from lamina.network.network import Network
from lamina.tasks import more_is_better
from lamina.training.examples import Examples


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


def answered_examples(network: Network, examples: Examples, rows: Tensor) -> Answered:
    """The answers for these rows of what training reads, in full precision."""
    parts = rows.split(rows_at_once(examples.arrays))
    with torch.autocast(examples.answers.device.type, enabled=False):
        return answered_batches(network, (examples.take(each).arrays for each in parts))
