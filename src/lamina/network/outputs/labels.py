"""The output layer of labels: for each one whether it applies, by itself."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from lamina.network.outputs.base import LinearOutput


def log_loss(probabilities: Tensor, answers: Tensor) -> Tensor:
    """Binary cross-entropy, mean over rows and labels."""
    # Written out: torch's own refuses to run where products are in half precision on a GPU
    told = probabilities.clamp(1e-12, 1)
    return -(answers * told.log() + (1 - answers) * (1 - told).log().clamp_min(-100)).mean()


def micro_f1(probabilities: Tensor, answers: Tensor) -> Tensor:
    """F1 of all decisions together."""
    told, came = probabilities >= 0.5, answers > 0.5
    return 2 * (told & came).sum() / (told.sum() + came.sum()).clamp_min(1)


def macro_f1(probabilities: Tensor, answers: Tensor) -> Tensor:
    """Mean F1 of the labels that occur."""
    told, came = probabilities >= 0.5, answers > 0.5
    either = told.sum(0) + came.sum(0)
    each = 2 * (told & came).sum(0) / either.clamp_min(1)
    return each[either > 0].mean() if bool(either.any()) else each.sum()


def jaccard(probabilities: Tensor, answers: Tensor) -> Tensor:
    """Labels told and come, per label told or come; mean over the rows."""
    told, came = probabilities >= 0.5, answers > 0.5
    union = (told | came).sum(1)
    return ((told & came).sum(1) / union.clamp_min(1)).where(union > 0, 1.0).mean()


class Labels(LinearOutput):
    """A logit per label, binary cross-entropy."""

    metrics = {"log_loss": log_loss, "micro_f1": micro_f1, "macro_f1": macro_f1, "jaccard": jaccard}  # noqa: RUF012
    skill = "micro_f1"
    meaning = "sigmoid, mean of the members"

    def losses(self, scores: Tensor, answers: Tensor) -> Tensor:
        wanted = answers.expand_as(scores)
        return F.binary_cross_entropy_with_logits(scores, wanted, reduction="none").mean(-1)

    def decode(self, scores: Tensor) -> Tensor:
        """Probabilities ``(batch, label)``: the mean of the members' sigmoids."""
        return scores.sigmoid().mean(0)
