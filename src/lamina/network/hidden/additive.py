"""The additive model beside the hidden layers: what a few hundred rows can decide, they decide here."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Additive(nn.Module):
    """``s ← (1 - a) sᵐ + a (x W + b)``: the members' scores, drawn by the share ``a`` towards a linear model
    of what the input layers read.

    As every column is read by itself and bent as it is read, the linear model is an additive one of the
    columns (Hastie & Tibshirani 1986, "Generalized additive models"). ``W``, ``b`` and ``a`` are not trained
    by steps: ``training.additive`` solves for them. Until then ``a`` is 0 and nothing changes.

    **Shape**: x ``(batch, width)``, scores ``(member, batch, score)`` → the same as the scores.
    """

    def __init__(self, width: int, scores: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(width, scores), requires_grad=False)
        self.bias = nn.Parameter(torch.zeros(scores), requires_grad=False)
        self.share = nn.Parameter(torch.zeros(1), requires_grad=False)

    @property
    def solved(self) -> int:
        """How many numbers are solved for."""
        return self.weight.numel() + self.bias.numel() + self.share.numel()

    def own(self, x: Tensor) -> Tensor:
        """The additive model's scores, ``(batch, score)``; of inputs that came after it was solved it knows
        nothing."""
        known = x[..., : len(self.weight)]
        return known.to(self.weight.dtype) @ self.weight + self.bias

    def forward(self, x: Tensor, scores: Tensor) -> Tensor:
        if self.training:  # the steps train the members alone
            return scores
        own = self.own(x)
        count = own.shape[-1]
        old = scores[..., :count]
        joint = torch.lerp(old, own.expand_as(old), self.share)
        return joint if count == scores.shape[-1] else torch.cat([joint, scores[..., count:]], dim=-1)
