"""Hidden layers for clips: the convolutions of pictures, between which frames see their neighbours.

Motion is seen while frames still have their layout: a network that first boils each frame down to one vector
cannot tell left from right. The first stage reads every second frame together with the one before and the one
after it; before each later stage some channels move a frame on and some a frame back, which costs no products
(after Lin, Gan & Han 2019, "TSM: temporal shift module for efficient video understanding").
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from lamina.network.activations import activation
from lamina.network.hidden.convolution import PATCH, Stage, Whitening

EXCHANGED = 4  # one channel in so many moves a frame on, one a frame back


def with_neighbours(x: Tensor, frames: int) -> Tensor:
    """Every second frame beside the one before and the one after it; at the ends the frame itself.

    **Shape**: ``(batch · frames, channels, …)`` → ``(batch · ⌈frames / 2⌉, 3 · channels, …)``.
    """
    clips = x.unflatten(0, (-1, frames))
    before = torch.cat([clips[:, :1], clips[:, :-1]], dim=1)
    after = torch.cat([clips[:, 1:], clips[:, -1:]], dim=1)
    return torch.cat([clips[:, ::2], before[:, ::2], after[:, ::2]], dim=2).flatten(0, 1)


def exchanged(x: Tensor, frames: int) -> Tensor:
    """Some channels taken from the frame before, some from the frame after; zeros beyond the ends.

    **Shape**: ``(batch · frames, channels, …)`` → the same.
    """
    clips = x.unflatten(0, (-1, frames))
    share = clips.shape[2] // EXCHANGED
    on, back, stay = clips.split([share, share, clips.shape[2] - 2 * share], dim=2)
    none = torch.zeros_like(on[:, :1])
    on = torch.cat([none, on[:, :-1]], dim=1)
    back = torch.cat([back[:, 1:], none], dim=1)
    return torch.cat([on, back, stay], dim=2).flatten(0, 1)


class MovingConvolutions(nn.Module):
    """Clips → the strongest answer of each channel, at any place and time.

    **Shape**: ``(batch, frames, channels, height, width)`` → ``(batch, widths[-1])``.

    >>> import torch
    >>> MovingConvolutions(1, (8, 16), (2, 2), "silu", 28)(torch.ones(5, 12, 1, 28, 28)).shape
    torch.Size([5, 16])
    """

    def __init__(
        self,
        channels: int,
        widths: Sequence[int],
        depths: Sequence[int],
        name: str,
        side: int,
        stride: int = 1,
    ) -> None:
        super().__init__()
        self.function, _ = activation(name)
        self.whitening = Whitening(channels, stride)
        self.width = widths[-1]
        stages, inputs, side = [], 3 * self.whitening.width, (side - PATCH * stride) // stride + 1
        for width, depth in zip(widths, depths, strict=True):
            halve = side >= 4
            stages.append(Stage(inputs, width, depth, name, halve=halve))
            inputs, side = width, side // 2 if halve else side
        self.stages = nn.ModuleList(stages)

    def forward(self, clips: Tensor) -> Tensor:
        frames = clips.shape[1]
        x = clips.flatten(0, 1).contiguous(memory_format=torch.channels_last)
        x = with_neighbours(self.function(self.whitening(x)), frames)
        frames = -(-frames // 2)
        for number, stage in enumerate(self.stages):
            x = exchanged(x, frames) if number else x
            x = stage(x.contiguous(memory_format=torch.channels_last))
        return x.unflatten(0, (-1, frames)).amax((1, 3, 4))
