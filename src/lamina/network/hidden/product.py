"""The weighted sums of a layer, by the library that is fastest where nothing is learnt."""

from __future__ import annotations

from typing import Any, Final

import torch
import torch.nn.functional as F
from torch import Tensor

FEWEST: Final = 64  # rows; fewer are answered sooner without preparing a product for their shape


def weighted_sums(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """``x Wᵀ + b``, ``(…, inputs)`` → ``(…, neurons)``.

    In full precision torch asks MKL, which on processors that are not Intel's reaches less than half the
    speed of oneDNN (97 against 211 GFLOP/s, 2,048 × 146 × 256 on one core of an AMD EPYC 9005); the
    latter's operation knows no gradients."""
    quick = (
        not torch.compiler.is_compiling()  # asked first: a graph is of any number of rows
        and x.dtype == torch.float32
        and x.device.type == "cpu"
        and x.shape[:-1].numel() >= FEWEST
        and not torch.is_grad_enabled()
        and not torch.is_autocast_enabled("cpu")
    )
    known = _onednn() if quick else None
    if known is None:
        return F.linear(x, weight, bias)
    return known(x, weight, bias, "none", [], "")  # type: ignore[no-any-return]


def _onednn() -> Any:
    """The operation, where this build of torch has it."""
    if not torch.backends.mkldnn.is_available():
        return None
    return getattr(torch.ops.mkldnn, "_linear_pointwise", None)
