"""The output layer of ordered classes: how probable it is that the answer lies above each class."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from lamina.network.outputs.base import LinearOutput
from lamina.network.outputs.classes import accuracy, log_loss

LEAST = 1e-4  # between two thresholds: every class keeps some room


def kappa(probabilities: Tensor, answers: Tensor) -> Tensor:
    """Agreement beyond chance, errors weighing by the square of their steps (Cohen 1968)."""
    classes = probabilities.shape[1]
    places = torch.arange(classes, device=answers.device)
    steps = (places[:, None] - places).square().double()
    pairs = probabilities.argmax(1) * classes + answers
    seen = pairs.bincount(minlength=classes**2).view(classes, classes).double()
    chance = seen.sum(1)[:, None] * seen.sum(0) / seen.sum()
    return 1 - (steps * seen).sum() / (steps * chance).sum().clamp_min(1e-9)


def mae_steps(probabilities: Tensor, answers: Tensor) -> Tensor:
    """Mean distance between the most probable class and the one that came."""
    return (probabilities.argmax(1) - answers).abs().float().mean()


class Ordered(LinearOutput):
    """Cumulative logits (McCullagh 1980, "Regression models for ordinal data"): one score less than classes.

    ``P(y > 0) = σ(s₁)``, and every further logit lies below the one before by ``softplus(sₖ)``, so no class's
    probability is negative. The steps are the row's own: were they the same in every row, this would be the
    proportional-odds model.
    """

    metrics = {"log_loss": log_loss, "accuracy": accuracy, "kappa": kappa, "mae_steps": mae_steps}  # noqa: RUF012
    skill = "accuracy"
    meaning = "cumulative logits, mean of the members"
    codes = True

    def losses(self, scores: Tensor, answers: Tensor) -> Tensor:
        index = answers.expand(len(scores), -1)[..., None]
        return -self.log_probabilities(scores).gather(-1, index).squeeze(-1)

    def log_probabilities(self, scores: Tensor) -> Tensor:
        """``(member, batch, class)``.

        Between two logits a > b lies ``σ(a) - σ(b) = σ(a) σ(-b) (1 - exp(b - a))``, which loses no digits.
        """
        steps = F.softplus(scores[..., 1:]) + LEAST
        above = torch.cat([scores[..., :1], scores[..., :1] - steps.cumsum(-1)], -1)
        between = torch.log(-torch.expm1(-steps))
        inner = F.logsigmoid(above[..., :-1]) + F.logsigmoid(-above[..., 1:]) + between
        return torch.cat([F.logsigmoid(-above[..., :1]), inner, F.logsigmoid(above[..., -1:])], -1)

    def decode(self, scores: Tensor) -> Tensor:
        """Probabilities ``(batch, class)``: the mean of the members'."""
        return self.log_probabilities(scores).exp().mean(0)
