"""Confidence made honest by one number, on rows that training did not see.

Smoothed labels leave a network too modest, long training too sure. Dividing its logits by a temperature
changes no answer and makes probabilities match frequencies (Guo et al. 2017, "On calibration of modern
neural networks").
"""

from __future__ import annotations

import torch
from torch import Tensor

from lamina.network.network import Network
from lamina.training.examples import Examples
from lamina.training.validation import rows_at_once

COLDEST, HOTTEST = -2.0, 2.0  # natural logarithm of the temperatures tried


@torch.no_grad()
def set_temperature(network: Network, examples: Examples, rows: Tensor) -> float:
    """Finds the temperature with the least log loss on ``rows`` and folds it into the output's weights."""
    network.eval()
    at_once = rows_at_once(examples.arrays)
    scores = torch.cat(
        [network.scores(examples.take(each).arrays).float() for each in rows.split(at_once)], dim=1
    )
    answers = examples.answers[rows]

    def loss(log_temperature: float) -> float:
        joint = network.output.decode(scores / torch.tensor(log_temperature).exp())
        picked = joint.gather(1, answers[:, None]).clamp_min(1e-12)
        return float(-picked.log().mean())

    low, high = COLDEST, HOTTEST
    for _ in range(30):  # the loss has one valley: close in on it by thirds
        left, right = low + (high - low) / 3, high - (high - low) / 3
        low, high = (low, right) if loss(left) < loss(right) else (left, high)
    temperature = float(torch.tensor((low + high) / 2).exp())
    network.output.weight.div_(temperature)
    network.output.bias.div_(temperature)
    return temperature
