"""The output layer of classes: one score (logit) per class."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from lamina.network.outputs.base import Output, weighted_mean


class Classes(Output):
    """Logits, cross-entropy, probabilities.

    ``smoothing`` gives every class that share of the target ("label smoothing", Szegedy et al. 2016).
    """

    def __init__(
        self, width: int, scores: int, members: int, *, gain: float = 1.0, smoothing: float = 0.0
    ) -> None:
        super().__init__(width, scores, members, gain=gain)
        self.smoothing = smoothing

    def loss(self, scores: Tensor, answers: Tensor, weights: Tensor | None) -> Tensor:
        members, batch, classes = scores.shape
        losses = F.cross_entropy(
            scores.reshape(-1, classes),
            answers.repeat(members),
            reduction="none",
            label_smoothing=self.smoothing,
        )
        return weighted_mean(losses.view(members, batch), weights)

    def decode(self, scores: Tensor) -> Tensor:
        """Probabilities ``(batch, class)``: the mean of the members' softmax."""
        return scores.softmax(-1).mean(0)

    def extend(self, scores: int) -> Classes:
        """New classes start from zero weights; the old logits are exactly the same."""
        members, width, old = self.weight.shape
        grown = Classes(width, scores, members, gain=self.gain, smoothing=self.smoothing)
        with torch.no_grad():
            grown.weight.zero_()
            grown.weight[:, :, :old] = self.weight
            grown.bias[:, :, :old] = self.bias
        return grown
