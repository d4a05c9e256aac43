"""The weighted sums of a layer, by the library that is fastest where nothing is learnt."""

from __future__ import annotations

from typing import Any, Final

import torch
import torch.nn.functional as F
from torch import Tensor

FEWEST: Final = 64  # rows; fewer are answered sooner without preparing a product for their shape


def weighted_sums(x: Tensor, weight: Tensor, bias: Tensor | None, *, rectified: bool = False) -> Tensor:
    """``x Wᵀ + b``, ``(…, inputs)`` → ``(…, neurons)``; 0 where it is negative, if ``rectified``.

    In full precision torch asks MKL, which on processors that are not Intel's reaches less than half the
    speed of oneDNN (97 against 211 GFLOP/s, 2,048 × 146 × 256 on one core of an AMD EPYC 9005); the
    latter's operation knows no gradients. It rectifies on the way, and reads ``(member, batch, inputs)`` as
    it lies in memory, the members of a row side by side."""
    known = _onednn() if _nothing_is_learnt(x) else None
    if known is None:
        sums = F.linear(x, weight, bias)
        return F.relu(sums) if rectified else sums
    after = "relu" if rectified else "none"
    if x.ndim == 3 and not x.is_contiguous():
        return known(x.transpose(0, 1), weight, bias, after, [], "").transpose(0, 1)  # type: ignore[no-any-return]
    return known(x, weight, bias, after, [], "")  # type: ignore[no-any-return]


def weighted_sums_of_members(x: Tensor, weight: Tensor) -> Tensor:
    """Every member by weights of its own, ``(member, batch, inputs)`` and ``(member, inputs, scores)`` →
    ``(member, batch, scores)``.

    One product after the other: of few scores, those of a batch of matrices take twice as long."""
    if not _nothing_is_learnt(x):
        return torch.bmm(x, weight)
    return torch.stack([weighted_sums(own, w.T, None) for own, w in zip(x, weight, strict=True)])


def _nothing_is_learnt(x: Tensor) -> bool:
    """Whether these are many rows in full precision on a processor, and nobody asks for gradients."""
    return (
        not torch.compiler.is_compiling()  # asked first: a graph is of any number of rows
        and x.dtype == torch.float32
        and x.device.type == "cpu"
        and x.shape[:-1].numel() >= FEWEST
        and not torch.is_grad_enabled()
        and not torch.is_autocast_enabled("cpu")
    )


def _onednn() -> Any:
    """The operation, where this build of torch has it."""
    if not torch.backends.mkldnn.is_available():
        return None
    return getattr(torch.ops.mkldnn, "_linear_pointwise", None)
