"""Pictures as they might also have looked: shifted, mirrored, cut, in another light; a batch at once."""

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


def cropped(x: Tensor, least: float, turn: float, generator: torch.Generator) -> Tensor:
    """A piece of each picture, enlarged to the whole: ``least`` to all of its area, anywhere, turned a bit.

    Sides change their ratio by up to a third, angles by up to ``turn`` (radians); the border is mirrored.
    ``(batch, channels, height, width)`` → the same shape.
    """
    area, ratio, across, down, angle = torch.rand(5, len(x), generator=generator)
    area = least + (1 - least) * area
    ratio = (4 / 3) ** (2 * ratio - 1)
    wide, tall = (area * ratio).sqrt().clamp(max=1), (area / ratio).sqrt().clamp(max=1)
    angle = (2 * angle - 1) * turn
    first = torch.stack([wide * angle.cos(), -tall * angle.sin(), (1 - wide) * (2 * across - 1)], dim=1)
    second = torch.stack([wide * angle.sin(), tall * angle.cos(), (1 - tall) * (2 * down - 1)], dim=1)
    grid = F.affine_grid(torch.stack([first, second], dim=1).to(x), list(x.shape), align_corners=False)
    return F.grid_sample(x, grid, mode="bilinear", padding_mode="reflection", align_corners=False)


def bent(
    x: Tensor, turn: float, stretch: float, shear: float, pixels: float, generator: torch.Generator
) -> Tensor:
    """Each picture turned, stretched, slanted and moved a bit, as handwriting differs; the border goes on.

    Up to ``turn`` radians, by a factor of up to ``1 + stretch`` or its inverse along each side, by up to
    ``shear`` of the height, by up to ``pixels``. ``(batch, channels, height, width)`` → the same shape.
    """
    height, width = x.shape[2:]
    drawn = torch.rand(6, len(x), generator=generator) * 2 - 1
    angle, slant = drawn[0] * turn, drawn[3] * shear
    wide, tall = (1 + stretch) ** drawn[1], (1 + stretch) ** drawn[2]
    across, down = drawn[4] * 2 * pixels / width, drawn[5] * 2 * pixels / height
    cos, sin = angle.cos(), angle.sin()
    first = torch.stack([wide * cos, wide * (slant * cos - sin), across], dim=1)
    second = torch.stack([tall * sin, tall * (slant * sin + cos), down], dim=1)
    grid = F.affine_grid(torch.stack([first, second], dim=1).to(x), list(x.shape), align_corners=False)
    return F.grid_sample(x, grid, mode="bilinear", padding_mode="border", align_corners=False)


def relit(x: Tensor, amount: float, generator: torch.Generator) -> Tensor:
    """Each picture brighter or darker, of more or less contrast and colour, each by up to ``amount``.

    Normalised pixels ``(batch, channels, height, width)``; an amount of 1 is one standard deviation.
    """
    drawn = (torch.rand(3, len(x), 1, 1, 1, generator=generator) * 2 - 1).to(x) * amount
    brightness, contrast, colour = drawn
    grey = x.mean(1, keepdim=True)
    return (grey + (x - grey) * (1 + colour)) * (1 + contrast) + brightness


def enlarged(x: Tensor, factor: float) -> Tensor:
    """The middle of each picture, enlarged to the whole."""
    height, width = x.shape[2:]
    down, across = round(height / factor), round(width / factor)
    top, left = (height - down) // 2, (width - across) // 2
    piece = x[:, :, top : top + down, left : left + across]
    return F.interpolate(piece, (height, width), mode="bilinear", align_corners=False)
