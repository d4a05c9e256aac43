"""What the champion says is held while a candidate learns: knowledge distillation on remembered rows.

Cross-entropy towards the champion's probabilities (Hinton et al. 2015, "Distilling the knowledge in a neural
network"; Li & Hoiem 2016, "Learning without forgetting"), towards its scores where answers have none
(Buzzega et al. 2020, "Dark experience for general continual learning").
"""

from __future__ import annotations

from collections.abc import Callable
from functools import singledispatch
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor

from lamina.network.engine import rows_at_once
from lamina.network.inputs.base import Batch
from lamina.network.network import Network
from lamina.network.outputs.base import Output
from lamina.network.outputs.classes import Classes
from lamina.network.outputs.labels import Labels
from lamina.network.outputs.several import Several
from lamina.training.examples import Examples

KEPT: Final = "champion"  # the array of its scores, (rows, member · score)
MOST_VALUES: Final = 200_000_000  # of the champion's scores; beyond it nothing is held


@torch.no_grad()
def remembered(network: Network, examples: Examples, rows: Tensor) -> dict[str, Tensor]:
    """The champion's scores for these rows, as one more array of the examples, zero for the others; none
    where they are many."""
    network.eval()
    said = None
    for some in rows.split(rows_at_once(examples.arrays)):
        scores = network(examples.take(some).arrays).float()
        if scores.shape[0] * scores.shape[2] * len(examples) > MOST_VALUES:
            return {}
        if said is None:
            said = scores.new_zeros(len(examples), scores.shape[0] * scores.shape[2])
        said[some] = scores.transpose(0, 1).flatten(1)
    return {} if said is None else {KEPT: said}


def holding(network: Network, hold: float) -> Callable[[Batch, Tensor, Tensor | None], Tensor]:
    """The network's own loss, and ``hold`` times the distance to what the champion said."""

    def objective(arrays: Batch, answers: Tensor, weights: Tensor | None) -> Tensor:
        for layer in network.input_layers():
            answers = layer.moved(arrays, answers)
        scores = network(arrays)
        own = network.output.loss(scores, answers, weights)
        said = arrays.get(KEPT)
        if said is None:
            return own
        said = said.view(len(said), len(scores), -1).transpose(0, 1)
        return own + hold * distance(network.output, scores.float(), said)

    return objective


@singledispatch
def distance(output: Output, scores: Tensor, said: Tensor) -> Tensor:
    """How far the scores are from what the champion said, a scalar; both ``(member, batch, score)``."""
    return (scores - said).square().mean()


@distance.register
def _(output: Classes, scores: Tensor, said: Tensor) -> Tensor:
    """Among the classes that the champion knew."""
    known = said[0, 0] > QUIET_BELOW
    wanted = said[..., known].softmax(-1)
    return -(wanted * scores[..., known].log_softmax(-1)).sum(-1).mean()


@distance.register
def _(output: Labels, scores: Tensor, said: Tensor) -> Tensor:
    known = said[0, 0] > QUIET_BELOW
    return F.binary_cross_entropy_with_logits(scores[..., known], said[..., known].sigmoid())


@distance.register
def _(output: Several, scores: Tensor, said: Tensor) -> Tensor:
    total, start = scores.new_zeros(()), 0
    for part, spec in zip(output.parts, output.specs, strict=True):
        own = slice(start, start + spec["scores"])
        total = total + spec["weight"] * distance(part, scores[..., own], said[..., own])  # type: ignore[arg-type]
        start = own.stop
    return total / len(output.specs)


QUIET_BELOW: Final = -5e3  # scores that were not learnt yet
