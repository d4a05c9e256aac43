"""Confidence made honest by one number, on rows that training did not see.

Smoothed labels leave a network too modest, long training too sure. Dividing its logits by a temperature
changes no answer and makes probabilities match frequencies (Guo et al. 2017, "On calibration of modern
neural networks").
"""

from __future__ import annotations

import torch
from torch import Tensor

from lamina.network.network import Network
from lamina.network.outputs.base import LinearOutput
from lamina.training.examples import Examples
from lamina.training.validation import rows_at_once

COLDEST, HOTTEST = -2.0, 2.0  # natural logarithm of the temperatures tried


@torch.no_grad()
def set_temperatures(network: Network, examples: Examples, rows: Tensor) -> dict[str, float]:
    """Finds for every target whose probabilities can be cooled the temperature with the least loss on
    ``rows``, and folds it into the weights of its output layer. By target, "" where there is only one."""
    network.eval()
    at_once = rows_at_once(examples.arrays)
    scores = torch.cat(
        [network.scores(examples.take(each).arrays).float() for each in rows.split(at_once)], dim=1
    )
    return {
        head.name: _set(head.output, scores[:, head.known, head.scores], head.answers)
        for head in network.output.heads(examples.answers[rows])
        if head.output.cooled is not None and len(head.answers)
    }


def _set(output: LinearOutput, scores: Tensor, answers: Tensor) -> float:
    metric = output.metrics[str(output.cooled)]

    def loss(log_temperature: float) -> float:
        joint = output.decode(scores / torch.tensor(log_temperature).exp())
        return float(metric(joint, answers))

    low, high = COLDEST, HOTTEST
    for _ in range(30):  # the loss has one valley: close in on it by thirds
        left, right = low + (high - low) / 3, high - (high - low) / 3
        low, high = (low, right) if loss(left) < loss(right) else (left, high)
    temperature = float(torch.tensor((low + high) / 2).exp())
    output.weight.div_(temperature)
    output.bias.div_(temperature)
    return temperature
