"""A piecewise-linear embedding as a table: which piece a value lies in, and the straight line there."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor


class Pieces(NamedTuple):
    """For every column the pieces from left to right, and one for missing values; ``p`` pieces a column.

    ``edges`` ``(columns, edges)`` rising, filled up with infinity; ``left`` ``(columns · p,)``, from where a
    piece is measured; ``at`` ``(columns · p, size)``, the embedding there; ``rise`` the same per unit of x.
    """

    edges: Tensor
    left: Tensor
    at: Tensor
    rise: Tensor

    @classmethod
    @torch.no_grad()
    def of(cls, edges: Tensor, straight: Tensor, bent: Tensor, bias: Tensor, absent: Tensor) -> Pieces:
        """From the weights of the embedding ``x · straight + P(x) bent + bias``, where ``P`` rises from 0 to
        1 between every two edges."""
        known = torch.where(edges.isinf(), 0.0, edges)
        passed = F.pad(bent.double().cumsum(1), (0, 0, 1, 0))
        at = bias[:, None] + straight[:, None].double() * known[..., None] + passed
        # No value lies between edges that are the same number here
        slope = (1 / edges.diff(dim=1)).nan_to_num(nan=0.0, posinf=0.0)
        rise = straight[:, None] + F.pad(bent * slope[..., None], (0, 0, 0, 1))
        first, nothing = straight[:, None], torch.zeros_like(straight)[:, None]
        left = torch.cat([known[:, :1], known, torch.zeros_like(known[:, :1])], 1)
        return cls(
            edges,
            left.flatten(),
            torch.cat([at[:, :1].to(bias.dtype), at.to(bias.dtype), absent[:, None]], 1).flatten(0, 1),
            torch.cat([first, rise, nothing], 1).flatten(0, 1),
        )

    def embed(self, x: Tensor) -> Tensor:
        """``(batch, columns)``, NaN for missing → ``(batch, columns, size)``."""
        columns, count = len(self.edges), len(self.left) // len(self.edges)
        missing = x.isnan()
        # An edge belongs to the piece that begins there: what is answered at it is read, not computed, and
        # stays the same whatever pieces are added beside
        piece = torch.searchsorted(self.edges, x.T.contiguous(), right=True).T
        piece = torch.where(missing, count - 1, piece)
        piece = piece + torch.arange(0, columns * count, count, device=x.device)
        away = torch.where(missing, 0.0, x) - self.left[piece]
        return torch.addcmul(F.embedding(piece, self.at), away[..., None], F.embedding(piece, self.rise))
