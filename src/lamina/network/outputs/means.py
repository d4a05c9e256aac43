"""The output layers of expected counts and amounts: the logarithm of their ratio to the training mean."""

from __future__ import annotations

import torch
from torch import Tensor

from lamina.network.outputs.base import LinearOutput, mae, members_apart, r2, rmse

MOST = 12.0  # of the logarithm of a ratio to the mean, either way: beyond, float32 would overflow


def poisson_deviance(means: Tensor, answers: Tensor) -> Tensor:
    """Mean of ``2 (y log(y / μ) - y + μ)``."""
    return 2 * (torch.xlogy(answers, answers / means) - answers + means).mean()


def gamma_deviance(means: Tensor, answers: Tensor) -> Tensor:
    """Mean of ``2 (y / μ - 1 - log(y / μ))``."""
    ratio = answers / means
    return 2 * (ratio - 1 - ratio.log()).mean()


class _Mean(LinearOutput):
    """One score per row, ``log μ``; the joint answer is the mean of the members' means."""

    meaning = "exponential, mean of the members"

    def spread(self, scores: Tensor) -> Tensor:
        """The members' standard deviation."""
        return members_apart(scores)

    def decode(self, scores: Tensor) -> Tensor:
        """Ratios to the training mean ``(batch,)``."""
        return bounded(scores).exp().mean(0)


class Count(_Mean):
    """Half the Poisson deviance with a logarithmic link (McCullagh and Nelder 1989)."""

    metrics = {"deviance": poisson_deviance, "rmse": rmse, "mae": mae, "r2": r2}  # noqa: RUF012

    def losses(self, scores: Tensor, answers: Tensor) -> Tensor:
        logs = bounded(scores)
        return torch.xlogy(answers, answers) - answers * (1 + logs) + logs.exp()


class Amount(_Mean):
    """Half the gamma deviance with a logarithmic link (McCullagh and Nelder 1989)."""

    metrics = {"deviance": gamma_deviance, "rmse": rmse, "mae": mae, "r2": r2}  # noqa: RUF012

    def losses(self, scores: Tensor, answers: Tensor) -> Tensor:
        logs = bounded(scores)
        return answers * (-logs).exp() - 1 + logs - answers.log()


def bounded(scores: Tensor) -> Tensor:
    """The logarithm of the mean ``(member, batch)``, where its exponential is finite."""
    return scores.squeeze(-1).clamp(-MOST, MOST)
