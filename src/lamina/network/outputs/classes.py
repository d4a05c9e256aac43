"""The output layer of classes: one score (logit) per class."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from lamina.network.outputs.base import LinearOutput

FEW = 32  # classes


def log_loss(probabilities: Tensor, answers: Tensor) -> Tensor:
    """Mean of ``-log p`` of the class that came."""
    return F.nll_loss(probabilities.clamp_min(1e-12).log(), answers)


def accuracy(probabilities: Tensor, answers: Tensor) -> Tensor:
    """Share of rows whose most probable class is right."""
    return (probabilities.argmax(1) == answers).float().mean()


def auroc(probabilities: Tensor, answers: Tensor) -> Tensor:
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


class Classes(LinearOutput):
    """Logits, cross-entropy, probabilities.

    ``smoothing`` gives every class that share of the target ("label smoothing", Szegedy et al. 2016).
    """

    metrics = {"log_loss": log_loss, "accuracy": accuracy, "auroc": auroc}  # noqa: RUF012
    skill = "accuracy"
    meaning = "softmax, mean of the members"
    codes = True

    def losses(self, scores: Tensor, answers: Tensor) -> Tensor:
        members, batch, classes = scores.shape
        losses = F.cross_entropy(
            scores.reshape(-1, classes),
            answers.repeat(members),
            reduction="none",
            label_smoothing=self.smoothing,
        )
        return losses.view(members, batch)

    def decode(self, scores: Tensor) -> Tensor:
        """Probabilities ``(batch, class)``: the mean of the members' softmax."""
        if scores.shape[-1] > FEW:
            return scores.softmax(-1).mean(0)
        # Over a few numbers side by side torch takes ten times as long as over as many far apart
        return scores.movedim(-1, 0).contiguous().softmax(0).mean(1).T
