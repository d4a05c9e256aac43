"""Pictures as they might also have looked: shifted and mirrored, whole batches at once."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def shifted(x: Tensor, pixels: int, generator: torch.Generator) -> Tensor:
    """Each picture moved by up to ``pixels`` each way; the border is mirrored. ``(batch, c, h, w)``."""
    batch, _, height, width = x.shape
    pixels = min(pixels, height - 1, width - 1)
    padded = F.pad(x, (pixels,) * 4, mode="reflect")
    moves = torch.randint(0, 2 * pixels + 1, (batch, 2), generator=generator).to(x.device)
    rows = moves[:, :1] + torch.arange(height, device=x.device)
    columns = moves[:, 1:] + torch.arange(width, device=x.device)
    first = torch.arange(batch, device=x.device)[:, None, None]
    # indexing in channels-last order keeps that layout
    moved = padded.permute(0, 2, 3, 1)[first, rows[:, :, None], columns[:, None, :]]
    return moved.permute(0, 3, 1, 2)


def mirrored(x: Tensor, generator: torch.Generator) -> Tensor:
    """Half of the pictures with left and right exchanged."""
    chosen = (torch.rand(len(x), generator=generator) < 0.5).to(x.device)
    return torch.where(chosen[:, None, None, None], x.flip(3), x)
