"""The output layer of one number, in standard units of the training answers."""

from __future__ import annotations

from torch import Tensor

from lamina.network.outputs.base import Output, weighted_mean


class Number(Output):
    """One score per row, squared error."""

    def __init__(self, width: int, scores: int, members: int, *, gain: float = 1.0) -> None:
        super().__init__(width, scores, members, gain=gain)
        if scores != 1:
            raise ValueError("a number has one score")

    def loss(self, scores: Tensor, answers: Tensor, weights: Tensor | None) -> Tensor:
        return weighted_mean((scores.squeeze(-1) - answers).square(), weights)

    def decode(self, scores: Tensor) -> Tensor:
        """Standard units ``(batch,)``: the mean of the members."""
        return scores.squeeze(-1).mean(0)
