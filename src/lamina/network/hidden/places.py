"""Hidden layers for pictures of which every place matters: one vector per pixel.

The convolutions see what is there and lose where; going back from coarse to fine, what each stage saw on the
way down is joined to it again (Ronneberger et al. 2015, "U-Net").
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lamina.network.activations import activation
from lamina.network.hidden.convolution import Convolution, Convolutions, Norm


class Joining(nn.Module):
    """A coarse map brought to the size of a finer one and joined with it by a convolution.

    **Shape**: ``(batch, coarse, …, …)`` and ``(batch, fine, h, w)`` → ``(batch, width, h, w)``.
    """

    def __init__(self, coarse: int, fine: int, width: int, name: str) -> None:
        super().__init__()
        self.function, _ = activation(name)
        self.convolution = Convolution(coarse + fine, width)
        self.norm = Norm(width)

    def forward(self, x: Tensor, finer: Tensor) -> Tensor:
        x = F.interpolate(x, size=finer.shape[2:], mode="bilinear", align_corners=False)
        return self.function(self.norm(self.convolution(torch.cat([x, finer.to(x.dtype)], 1))))  # type: ignore[no-any-return]


class PlaceConvolutions(nn.Module):
    """Pictures → a vector for every pixel.

    ``side`` is the shorter side of the pictures in pixels, ``place_width`` the length of a pixel's vector.

    **Shape**: ``(batch, channels, height, width)`` → ``(batch, height · width, place_width)``.

    >>> import torch
    >>> PlaceConvolutions(3, (8, 16), (2, 2), "silu", 20, place_width=4)(torch.ones(5, 3, 20, 24)).shape
    torch.Size([5, 480, 4])
    """

    def __init__(
        self,
        channels: int,
        widths: Sequence[int],
        depths: Sequence[int],
        name: str,
        side: int,
        *,
        place_width: int,
    ) -> None:
        super().__init__()
        self.down = Convolutions(channels, widths, depths, name, side)
        self.width = place_width
        fine = [*reversed(widths[:-1]), self.down.whitening.width, channels]
        narrow = [max(each // 2, place_width) for each in fine[:-1]] + [place_width]
        coarse = [widths[-1], *narrow[:-1]]
        self.up = nn.ModuleList(Joining(c, f, n, name) for c, f, n in zip(coarse, fine, narrow, strict=True))

    def forward(self, x: Tensor) -> Tensor:
        seen = [x, *self.down.every_map(x)]
        found = seen.pop()
        for join in self.up:
            found = join(found, seen.pop())
        return found.flatten(2).transpose(1, 2)
