"""Pictures as they might also have looked: shifted, turned, mirrored, partly hidden. Whole batches at a time."""

from __future__ import annotations

import math

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


def turned(
    x: Tensor, degrees: float, scale: float, shear: float, pixels: float, generator: torch.Generator
) -> Tensor:
    """Each picture rotated, scaled, sheared and moved a little, all in one interpolation."""
    batch, _, height, width = x.shape

    def uniform(most: float) -> Tensor:
        return (torch.rand(batch, generator=generator) * 2 - 1) * most

    angle = uniform(math.radians(degrees))
    wide, tall, slant = 1 + uniform(scale), 1 + uniform(scale), uniform(shear)
    cos, sin = angle.cos(), angle.sin()
    top = torch.stack([cos * wide, slant - sin * tall, uniform(2 * pixels / width)], 1)
    low = torch.stack([sin * wide, cos * tall, uniform(2 * pixels / height)], 1)
    grid = F.affine_grid(
        torch.stack([top, low], 1).to(x.device), list(x.shape), align_corners=False
    )
    return F.grid_sample(x, grid, align_corners=False, padding_mode="border")


def mirrored(x: Tensor, generator: torch.Generator) -> Tensor:
    """Half of the pictures with left and right exchanged."""
    chosen = (torch.rand(len(x), generator=generator) < 0.5).to(x.device)
    return torch.where(chosen[:, None, None, None], x.flip(3), x)


def covered(x: Tensor, pixels: int, generator: torch.Generator) -> Tensor:
    """A square of ``pixels`` of each picture is set to the mean (DeVries & Taylor 2017, "Cutout")."""
    batch, _, height, width = x.shape
    centre_y = torch.randint(0, height, (batch, 1), generator=generator).to(x.device)
    centre_x = torch.randint(0, width, (batch, 1), generator=generator).to(x.device)
    rows = (torch.arange(height, device=x.device) - centre_y).abs() * 2 < pixels
    columns = (torch.arange(width, device=x.device) - centre_x).abs() * 2 < pixels
    return x.masked_fill(rows[:, None, :, None] & columns[:, None, None, :], 0.0)
