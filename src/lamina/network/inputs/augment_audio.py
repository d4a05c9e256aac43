"""Recordings as they might also have sounded: other speakers, rooms, microphones; whole batches at once.

Everything works on log-mel spectrograms ``(batch, bands, frames)``; power beside power is added there as
``log(exp(a) + exp(b))``.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def uniform(low: float, high: float, size: int, generator: torch.Generator, device: torch.device) -> Tensor:
    """One number per row, drawn on the processor so that every device draws the same."""
    return (low + (high - low) * torch.rand(size, generator=generator)).to(device)


def noisy(x: Tensor, level: Tensor, tilt: Tensor, generator: torch.Generator) -> Tensor:
    """Noise added at ``level`` (natural log of its power), leaning by ``tilt`` over all the bands.

    The power of noise in a band scatters from frame to frame as an exponential variable does.
    """
    slope = torch.linspace(-0.5, 0.5, x.shape[1], device=x.device)
    scatter = torch.rand(x.shape, generator=generator).clamp_min(1e-6).to(x.device)
    scatter = (-scatter.log()).clamp_min(1e-4).log()
    return torch.logaddexp(x, scatter + (level[:, None] + tilt[:, None] * slope)[:, :, None])


def coloured(x: Tensor, strength: float, knots: int, generator: torch.Generator) -> Tensor:
    """Each recording through a filter of its own, smooth over the bands: another microphone, another room."""
    gains = strength * torch.randn(len(x), 1, knots, generator=generator).to(x.device)
    curve = F.interpolate(gains, x.shape[1], mode="linear", align_corners=True)
    return x + curve.transpose(1, 2)


def masked(x: Tensor, widest: int, dim: int, generator: torch.Generator) -> Tensor:
    """Up to ``widest`` bands (``dim`` 1) or frames (2) in a row are set to zero (Park et al. 2019)."""
    size = x.shape[dim]
    widths = torch.randint(0, min(widest, size) + 1, (len(x), 1), generator=generator)
    starts = (torch.rand(len(x), 1, generator=generator) * (size - widths)).long()
    place = torch.arange(size)
    gone = ((place >= starts) & (place < starts + widths)).to(x.device)
    return x.masked_fill(gone[:, :, None] if dim == 1 else gone[:, None, :], 0.0)
