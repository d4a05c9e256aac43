"""The input layer of series: convolutions over time beside measures of the whole."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lamina.features.series import SeriesFeature
from lamina.network.inputs.base import Batch, Input, Situation, embedding_size
from lamina.network.inputs.number import NumberInput

LONG = 128  # points: longer series are halved by the first layer
SHORTEST = 4  # points: at fewer, no stage halves any more
CHANNELS = 4  # level, own shape, change, and whether there is a value


class SeriesInput(Input):
    """Residual convolutions over time, their mean and strongest answer, and an embedding of the measures.

    The network sees every series twice: on the scale of all, and on a scale of its own (minus its mean, over
    its spread), which shows its shape. What is missing, and what comes after the end of a series, is masked
    in every layer, so the length of the others in a batch does not matter. ``spec``: ``widths`` of the
    stages, each of which halves the time, and ``size`` of the embedding of each measure.

    **Shape**: float32 ``(batch, points)`` and ``(batch, measures)`` → ``(batch, width)``.
    """

    def __init__(self, feature: SeriesFeature, spec: dict[str, Any]) -> None:
        super().__init__(feature, spec)
        widths = [int(each) for each in spec["widths"]]
        self.measures = NumberInput(feature.measures, {"size": spec["size"]})
        self.stride = 2 if feature.points > LONG else 1
        self.first = nn.Conv1d(CHANNELS, widths[0], 7, stride=self.stride, padding=3)
        stages, points = list[nn.Module](), -(-feature.points // self.stride)
        for before, width in zip([widths[0], *widths], widths, strict=False):
            halve = bool(stages) and points >= 2 * SHORTEST
            stages.append(Residual(before, width, halve=halve))
            points = -(-points // 2) if halve else points
        self.stages = nn.ModuleList(stages)
        self.norm = nn.LayerNorm(2 * widths[-1])
        self.width = self.measures.width + 2 * widths[-1]

    @classmethod
    def choose(cls, feature: Any, situation: Situation) -> dict[str, Any]:
        widths = {"fast": [32, 32, 64], "good": [32, 64, 64, 128], "best": [64, 64, 128, 128]}
        return {"widths": widths[situation.quality], "size": embedding_size(situation)}

    def forward(self, arrays: Batch) -> Tensor:
        points = arrays[self.name]
        there = points.isfinite()[:, None]
        x = self.first(_channels(points))
        there = _shorter(there, self.stride)
        for stage in self.stages:
            x, there = stage(x, there)
        pooled = self.norm(torch.cat(_pooled(x, there), dim=1))
        pooled = torch.where(there.any(2), pooled, 0.0)
        return torch.cat([self.measures(arrays).to(pooled.dtype), pooled], dim=1)


class Residual(nn.Module):
    """``x + f(x)`` with two convolutions, after halving the time where it is long; normalised per point.

    **Shape**: ``(batch, channels, time)``, bool ``(batch, 1, time)`` → ``(batch, width, time')``, its mask.
    """

    def __init__(self, channels: int, width: int, *, halve: bool) -> None:
        super().__init__()
        self.halve = halve
        self.change = nn.Conv1d(channels, width, 1) if channels != width else nn.Identity()
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2))
        self.convolutions = nn.ModuleList(nn.Conv1d(width, width, 5, padding=2) for _ in range(2))

    def forward(self, x: Tensor, there: Tensor) -> tuple[Tensor, Tensor]:
        if self.halve:
            x, there = _halved(x, there)
        x = y = self.change(x)
        for norm, convolution in zip(self.norms, self.convolutions, strict=True):
            y = F.silu(norm(y.transpose(1, 2)).transpose(1, 2))
            y = convolution(torch.where(there, y, 0.0))
        return x + y, there


def _channels(points: Tensor) -> Tensor:
    """``(batch, points)`` → ``(batch, 4, points)``, zero where there is no value."""
    there = points.isfinite()
    level = torch.where(there, points, 0.0)
    count = there.sum(1, keepdim=True).clamp_min(1)
    # from the highest point: of a level series the mean is then exact, and no rounding is blown up below
    below = torch.where(there, points - torch.where(there, points, -torch.inf).amax(1, keepdim=True), 0.0)
    away = torch.where(there, below - below.sum(1, keepdim=True) / count, 0.0)
    spread = (away.square().sum(1, keepdim=True) / count).sqrt()
    shape = away / spread.clamp_min(1e-3)
    change = F.pad(torch.where(there[:, 1:] & there[:, :-1], shape.diff(dim=1), 0.0), (1, 0))
    return torch.stack([level, shape, change, there.to(level.dtype)], dim=1)


def _shorter(there: Tensor, stride: int) -> Tensor:
    """The mask after a stride: a point is there where any of those it stands for is."""
    return F.max_pool1d(there.float(), stride, ceil_mode=True) > 0 if stride > 1 else there


def _halved(x: Tensor, there: Tensor) -> tuple[Tensor, Tensor]:
    """The mean of every two points that are there."""
    weight = F.avg_pool1d(there.to(x.dtype), 2, ceil_mode=True, count_include_pad=False)
    mean = F.avg_pool1d(torch.where(there, x, 0.0), 2, ceil_mode=True, count_include_pad=False)
    return mean / weight.clamp_min(0.5), weight > 0


def _pooled(x: Tensor, there: Tensor) -> list[Tensor]:
    """Mean and maximum over the points that are there."""
    count = there.sum(2).clamp_min(1)
    mean = torch.where(there, x, 0.0).sum(2) / count
    strongest = torch.where(there, x, torch.finfo(x.dtype).min).amax(2)
    return [mean, torch.where(there.any(2), strongest, 0.0)]
