"""The output layer of masks: in every pixel a score per value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from lamina.network.outputs.base import LinearOutput
from lamina.scores.masks import UNKNOWN, confusion, intersections_over_unions


def iou(decoded: Tensor, answers: Tensor) -> Tensor:
    """Intersection over union, mean over the values that occur."""
    pairs = _pairs(decoded, answers)
    return torch.from_numpy(intersections_over_unions(pairs.numpy())).nanmean()


def pixel_accuracy(decoded: Tensor, answers: Tensor) -> Tensor:
    """Share of the pixels that are right."""
    pairs = _pairs(decoded, answers)
    return pairs.diagonal().sum() / pairs.sum().clamp_min(1)


class Mask(LinearOutput):
    """The same weights for every pixel, cross-entropy, mean over the pixels that have an answer.

    **Shape**: ``(member, batch, pixels · width)`` → ``(member, batch, pixels · scores)``; decoded
    ``(batch, 2 · pixels)``: the codes, then the probability of each.
    """

    metrics = {"iou": iou, "pixel_accuracy": pixel_accuracy}  # noqa: RUF012
    skill = "iou"
    meaning = "softmax per pixel, mean of the members"
    linear = False

    def __init__(
        self,
        width: int,
        scores: int,
        members: int,
        *,
        gain: float = 1.0,
        smoothing: float = 0.0,
        spec: Mapping[str, Any] | None = None,
    ) -> None:
        pixels = int((spec or {})["frames"])
        if width % pixels or pixels != int((spec or {})["height"]) * int((spec or {})["width"]):
            raise ValueError("a mask has a value for every pixel of its picture")
        super().__init__(width // pixels, scores, members)
        self.pixels, self.values = pixels, scores

    def forward(self, hidden: Tensor) -> Tensor:
        members, batch, _ = hidden.shape
        return super().forward(hidden.reshape(members, batch * self.pixels, -1)).reshape(members, batch, -1)

    def losses(self, scores: Tensor, answers: Tensor) -> Tensor:
        members, batch, _ = scores.shape
        known = answers != UNKNOWN
        losses = F.cross_entropy(
            self._pixels(scores).flatten(0, 2),
            answers.where(known, 0).long().flatten().repeat(members),
            reduction="none",
        )
        weighted = losses.view(members, batch, self.pixels) * known
        return weighted.sum(-1) / known.sum(-1).clamp_min(1)

    def decode(self, scores: Tensor) -> Tensor:
        best = self._pixels(scores).softmax(-1).mean(0).max(-1)
        return torch.cat([best.indices.to(best.values.dtype), best.values], dim=1)

    def _pixels(self, scores: Tensor) -> Tensor:
        return scores.unflatten(-1, (self.pixels, self.values))


def _pairs(decoded: Tensor, answers: Tensor) -> Tensor:
    told = decoded[:, : answers.shape[1]].cpu().numpy()
    came = answers.cpu().numpy()
    classes = int(max(told.max(initial=0), came[came != UNKNOWN].max(initial=0))) + 1
    return torch.from_numpy(confusion(told, came, classes))
