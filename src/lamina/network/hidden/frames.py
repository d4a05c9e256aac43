"""Hidden layers for recordings of which every moment matters: one vector per frame.

Convolutions over the spectrogram narrow the bands and leave time alone; residual convolutions over time with
growing gaps (dilation, van den Oord et al. 2016) then let every frame hear what lies around it, both ways.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lamina.network.activations import activation
from lamina.network.hidden.convolution import Convolution, Norm, Whitening

STEP = 2  # frames of the spectrogram per frame that comes out


class OverTime(nn.Module):
    """A convolution over ``reach`` frames, ``dilation`` apart, without bias.

    **Shape**: ``(batch, channels, 1, time)`` → ``(batch, width, 1, time)``.
    """

    def __init__(self, channels: int, width: int, reach: int, dilation: int = 1) -> None:
        super().__init__()
        weight = torch.empty(width, channels, 1, reach)
        nn.init.kaiming_uniform_(weight, a=5**0.5)
        self.weight = nn.Parameter(weight)
        self.dilation, self.padding = dilation, dilation * (reach // 2)

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.weight, padding=(0, self.padding), dilation=(1, self.dilation))


class Narrowing(nn.Module):
    """A convolution, and half the bands.

    **Shape**: ``(batch, channels, bands, time)`` → ``(batch, width, bands / 2, time)``.
    """

    def __init__(self, channels: int, width: int, name: str) -> None:
        super().__init__()
        self.function, _ = activation(name)
        self.convolution = Convolution(channels, width)
        self.norm = Norm(width)

    def forward(self, x: Tensor) -> Tensor:
        return self.function(self.norm(F.max_pool2d(self.convolution(x), (2, 1))))  # type: ignore[no-any-return]


class FrameConvolutions(nn.Module):
    """Spectrograms → a vector for every second frame.

    Frames after a recording's end are zero after every layer, so what follows a recording changes nothing.

    **Shape**: ``(batch, 1, bands, frames)`` → ``(batch, frames / 2, width)``; ``heard`` says where recordings
    go on, bool ``(batch, frames / 2)``.

    >>> import torch
    >>> net = FrameConvolutions(48, (8, 16), 32, (1, 2), "silu")
    >>> net(torch.ones(5, 1, 48, 100), torch.ones(5, 50, dtype=torch.bool)).shape
    torch.Size([5, 50, 32])
    """

    def __init__(
        self, bands: int, widths: Sequence[int], width: int, dilations: Sequence[int], name: str
    ) -> None:
        super().__init__()
        self.function, _ = activation(name)
        self.width = width
        self.whitening = Whitening(1, STEP)
        channels, left, stages = self.whitening.width, (bands - 2 * STEP) // STEP + 1, []
        for wide in widths:
            stages.append(Narrowing(channels, wide, name))
            channels, left = wide, left // 2
        self.stages = nn.ModuleList(stages)
        self.joined = OverTime(channels * left, width, 1)
        self.norm = Norm(width)
        self.around = nn.ModuleList(OverTime(width, width, 3, dilation) for dilation in dilations)
        self.norms = nn.ModuleList(Norm(width) for _ in dilations)

    def forward(self, x: Tensor, heard: Tensor) -> Tensor:
        mask = heard[:, None, None, :]
        x = self.function(self.whitening(whole(x))) * mask
        for stage in self.stages:
            x = stage(x) * mask
        x = self.function(self.norm(self.joined(x.flatten(1, 2)[:, :, None]))) * mask
        for over_time, norm in zip(self.around, self.norms, strict=True):
            x = x + self.function(norm(over_time(x))) * mask
        return x[:, :, 0].transpose(1, 2)


def whole(x: Tensor) -> Tensor:
    """Zeros around the time, so that the whitening's windows give exactly every second frame."""
    return F.pad(x, (1, 1 + x.shape[3] % 2))
