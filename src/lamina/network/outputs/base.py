"""What every output layer is: hidden activations in, scores out; it owns its loss and its decoding."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn


class Output(nn.Module, ABC):
    """Base of the output layers: each member has weights of its own, ``sᵐ = γ hᵐ Wᵐ + bᵐ``.

    The fixed ``gain`` γ sets how large scores start, and so how fast this layer learns beside the others.

    **Shape**: ``(member, batch, width)`` → ``(member, batch, score)``.
    """

    def __init__(self, width: int, scores: int, members: int, *, gain: float = 1.0) -> None:
        super().__init__()
        self.gain = gain
        start = torch.randn(members, width, scores) if gain != 1 else None
        if start is None:
            start = (torch.rand(members, width, scores) * 2 - 1) * width**-0.5
        self.weight = nn.Parameter(start)
        self.bias = nn.Parameter(torch.zeros(members, 1, scores))

    def forward(self, hidden: Tensor) -> Tensor:
        sums = torch.bmm(hidden, self.weight.to(hidden.dtype)).to(self.bias.dtype)
        return torch.add(self.bias, sums, alpha=self.gain)

    @abstractmethod
    def loss(self, scores: Tensor, answers: Tensor, weights: Tensor | None) -> Tensor:
        """The mean of the members' own losses, a scalar. ``weights`` ``(batch,)``, mean about 1."""

    @abstractmethod
    def decode(self, scores: Tensor) -> Tensor:
        """Scores → the joint answer of the members, ``(batch, …)``."""

    def extend(self, scores: int) -> Output:
        """Room for more scores; the old ones do not move."""
        raise NotImplementedError


def weighted_mean(losses: Tensor, weights: Tensor | None) -> Tensor:
    """Mean over members and rows, ``losses`` ``(member, batch)``."""
    return losses.mean() if weights is None else (losses * weights).mean()
