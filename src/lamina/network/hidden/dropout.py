"""Dropout masks: which activations of a layer are heard in this step (Srivastava et al. 2014)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from lamina.network.hidden.fused import BITS

MASKS = 2**22  # random numbers drawn once at most, from which every mask is a slice


class Masks:
    """Bit masks over activations, a slice each of numbers drawn once.

    ``nn.Dropout`` draws anew for every activation, which on a processor costs more than the layers.
    ``share`` of the activations is dropped; ``widest`` is the width of the widest layer. ``generator`` says
    where each slice begins.

    A step that is recorded to be replayed (``training.recorded``) reads its masks from buffers: ``hold``
    before the last step made as usual, ``rewind`` before the one recorded, ``redraw`` before a replay.
    """

    def __init__(self, share: float, widest: int, generator: torch.Generator) -> None:
        self.share, self.widest, self.generator = share, widest, generator
        self.fixed = torch.Generator().manual_seed(7)
        self.noise: Tensor | None = None
        self.held: list[Tensor] | None = None
        self.next: int | None = None

    def of(self, shape: Sequence[int], like: Tensor) -> tuple[Tensor, float]:
        """Bits of the activations that are kept, and the factor by which they grow."""
        if self.held is not None and self.next is not None:
            mask, self.next = self.held[self.next], self.next + 1
        else:
            mask = self._slice(shape, like)
            if self.held is not None:
                mask = mask.clone()
                self.held.append(mask)
        return mask, 1 / (1 - self.share)

    def hold(self) -> None:
        """From now on every mask is a buffer of its own, kept in the order of the layers."""
        self.held, self.next = [], None

    def rewind(self) -> None:
        """The next step reads the buffers."""
        self.next = 0

    def redraw(self) -> None:
        """New masks in the buffers, by the draws that a step makes that is not recorded."""
        for mask in self.held or ():
            mask.copy_(self._slice(mask.shape, mask))

    def let_go(self) -> None:
        """Back to slices."""
        self.held, self.next = None, None

    def _slice(self, shape: Sequence[int], like: Tensor) -> Tensor:
        needed = math.prod(shape)
        # By the widest layer: drawn once, so that a resumed training meets the same numbers
        most = needed // shape[-1] * self.widest
        if self.noise is None or self.noise.numel() < 2 * most:
            kept = torch.rand(max(min(MASKS, 64 * most), 2 * most), generator=self.fixed) >= self.share
            self.noise = kept.to(like.device, BITS.get(like.dtype, like.dtype)).neg_()  # -1 has all bits
        start = int(torch.randint(self.noise.numel() - needed + 1, (), generator=self.generator))
        return self.noise[start : start + needed].view(*shape)
