"""The score on rows that training does not learn from: what early stopping looks at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
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
        """The metric of the network's joint answers, in standard units for numbers."""
        answers = joint_answers(network, self.examples, self.rows)
        return float(METRICS[self.metric](answers, self.examples.answers[self.rows]))

    def better(self, score: float, than: float | None) -> bool:
        if than is None:
            return True
        return score > than if more_is_better(self.metric) else score < than


@torch.no_grad()
def joint_answers(network: Network, examples: Examples, rows: Tensor) -> Tensor:
    """Probabilities ``(rows, class)`` or standard units ``(rows,)``, in training precision, one view."""
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


def _log_loss(probabilities: Tensor, answers: Tensor) -> Tensor:
    return F.nll_loss(probabilities.clamp_min(1e-12).log(), answers)


def _accuracy(probabilities: Tensor, answers: Tensor) -> Tensor:
    return (probabilities.argmax(1) == answers).float().mean()


def _auroc(probabilities: Tensor, answers: Tensor) -> Tensor:
    """Share of (positive, negative) pairs in the right order; many classes: mean of one against the rest."""
    classes = range(1, 2) if probabilities.shape[1] == 2 else range(probabilities.shape[1])
    areas = []
    for k in classes:
        positive = answers == k
        n, m = int(positive.sum()), int((~positive).sum())
        if n and m:
            _, inverse, counts = probabilities[:, k].unique(return_inverse=True, return_counts=True)
            ends = counts.cumsum(0).double()
            ranks = (ends - (counts - 1) / 2.0)[inverse]  # ties share their mean rank
            areas.append((ranks[positive].sum() - n * (n + 1) / 2) / (n * m))
    return torch.stack(areas).mean() if areas else torch.tensor(0.5)


METRICS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "log_loss": _log_loss,
    "accuracy": _accuracy,
    "auroc": _auroc,
    "rmse": lambda values, answers: (values - answers).square().mean().sqrt(),
    "mae": lambda values, answers: (values - answers).abs().mean(),
    "r2": lambda values, answers: 1 - (values - answers).square().mean() / answers.var(correction=0),
}
