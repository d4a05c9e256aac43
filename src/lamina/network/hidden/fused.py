"""Layers of rectified neurons as one step of automatic differentiation each, with their dropout.

Between the matrix products of a training step, every further look at the activations costs: on a processor
as much as a tenth of the product each. Here the sum is rectified in place, dropout is a bit mask laid over
the bits of the numbers, and the factor ``1 / (1 - p)`` of dropout sits in the weights, since
``relu(c z) = c relu(z)``. What is kept for the way back is the activations alone: where they are zero, by
rectifier or by dropout, no error passes.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

# The integers as wide as the numbers over which a mask is laid
BITS = {torch.bfloat16: torch.int16, torch.float16: torch.int16, torch.float32: torch.int32,
        torch.float64: torch.int64}  # fmt: skip


def masked_(x: Tensor, mask: Tensor | None) -> Tensor:
    """``x`` with zeros where the mask has no bits, in place; the mask has all bits elsewhere."""
    if mask is not None:
        x.view(BITS[x.dtype]).bitwise_and_(mask)
    return x


class Rectified(torch.autograd.Function):
    """``c · relu(x Wᵀ + b)`` under a mask.

    **Shape**: x ``(…, inputs)``, weight ``(neurons, inputs)``, bias ``(neurons,)``, mask of the result's
    shape or none → ``(…, neurons)`` in the type of ``x``.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, mask: Tensor | None, c: float) -> Tensor:
        weights = (weight * c).to(x.dtype)
        y = masked_(F.linear(x, weights, (bias * c).to(x.dtype)).relu_(), mask)
        ctx.save_for_backward(x, weights, y)
        ctx.c, ctx.type = c, weight.dtype
        return y

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, error: Tensor) -> tuple[Tensor | None, ...]:
        x, weights, y = ctx.saved_tensors
        sums = torch.ops.aten.threshold_backward(error, y, 0).flatten(0, -2)
        to_weights = (sums.t() @ x.flatten(0, -2)).to(ctx.type).mul_(ctx.c)
        to_bias = sums.sum(0).to(to_weights.dtype).mul_(ctx.c)
        to_x = (sums @ weights).view(x.shape) if ctx.needs_input_grad[0] else None
        return to_x, to_weights, to_bias, None, None


class RectifiedMembers(torch.autograd.Function):
    """``c · relu((x · rᵐ) Wᵀ + bᵐ)`` of every member under a mask; the scales are folded into the weights.

    **Shape**: x ``(batch, inputs)``, weight ``(neurons, inputs)``, scales ``(member, inputs)``, bias
    ``(member, neurons)`` → ``(member, batch, neurons)``.
    """

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, scales: Tensor, bias: Tensor, mask: Tensor | None, c: float
    ) -> Tensor:
        members, neurons = bias.shape
        folded = (weight * (scales * c)[:, None]).flatten(0, 1).to(x.dtype)
        flat = F.linear(x, folded, (bias * c).flatten().to(x.dtype)).relu_()
        y = masked_(flat.view(len(x), members, neurons).transpose(0, 1).contiguous(), mask)
        ctx.save_for_backward(x, weight, scales, folded, y)
        ctx.c = c
        return y

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, error: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, scales, folded, y = ctx.saved_tensors
        sums = torch.ops.aten.threshold_backward(error, y, 0)
        to_bias = sums.sum(1).to(weight.dtype).mul_(ctx.c)
        sums = sums.transpose(0, 1).reshape(len(x), -1)
        to_folded = (sums.t() @ x).to(weight.dtype).view(len(scales), *weight.shape)
        to_x = sums @ folded if ctx.needs_input_grad[0] else None
        to_scales = (to_folded * weight).sum(1).mul_(ctx.c) if ctx.needs_input_grad[2] else None
        to_weight = to_folded.mul_(scales[:, None]).sum(0).mul_(ctx.c)
        return to_x, to_weight, to_scales, to_bias, None, None


class Dropped(torch.autograd.Function):
    """``c · x`` under a mask, the same on the way back."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, mask: Tensor, c: float) -> Tensor:
        ctx.save_for_backward(mask)
        ctx.c = c
        return masked_(x.mul(c), mask)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, error: Tensor) -> tuple[Tensor | None, ...]:
        return masked_(error.mul(ctx.c), *ctx.saved_tensors), None, None
