"""The optimizers: how gradients move the weights."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from lamina.training.recipe import Recipe


def make_optimizers(network: nn.Module, recipe: Recipe) -> list[torch.optim.Optimizer]:
    """AdamW (Loshchilov & Hutter 2019), one fused pass; convolutions by Muon where the recipe says so.

    Weight decay pulls on matrices only: a bias or a scale that shrinks would bend the network without
    making it simpler. A parameter with a ``pace`` moves at that share of the learning rate.
    """
    groups: dict[tuple[bool, float], list[Tensor]] = {(True, 1.0): [], (False, 1.0): []}
    convolutions: list[Tensor] = []
    for parameter in network.parameters():
        if parameter.requires_grad and parameter.ndim == 4 and recipe.optimizer == "muon":
            convolutions.append(parameter)
        elif parameter.requires_grad:
            groups.setdefault((parameter.ndim > 1, getattr(parameter, "pace", 1.0)), []).append(parameter)
    settings = [
        {"params": group, "weight_decay": recipe.decay * matrices, "peak": recipe.rate * pace}
        for (matrices, pace), group in groups.items()
    ]
    optimizers: list[torch.optim.Optimizer] = [
        torch.optim.AdamW(settings, lr=recipe.rate, betas=recipe.betas, fused=True)
    ]
    if convolutions:
        optimizers.append(Muon(convolutions, recipe.convolution_rate))
    return optimizers


class Muon(torch.optim.Optimizer):
    """Momentum whose step is made orthogonal: ``W ← W - η · orth(μ B + G)`` with ``B ← μ B + G``.

    All directions in which a layer can learn move equally far, the rare ones too (Jordan et al. 2024,
    "Muon: an optimizer for hidden layers in neural networks"). The weights, each filter flattened to a
    row, are brought to norm ``√rows`` before the step, which does without weight decay.
    """

    def __init__(self, parameters: Iterable[Tensor], rate: float, momentum: float = 0.6) -> None:
        super().__init__(parameters, {"lr": rate, "peak": rate, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    self._move(weight, weight.grad, group["lr"], group["momentum"])

    def _move(self, weight: Tensor, gradient: Tensor, rate: float, momentum: float) -> None:
        state = self.state[weight]
        if not state:
            state["momentum"] = torch.zeros_like(weight)
        state["momentum"].mul_(momentum).add_(gradient)
        ahead = gradient.add(state["momentum"], alpha=momentum).flatten(1)
        weight.mul_(len(weight) ** 0.5 / weight.norm())
        weight.add_(orthogonal(ahead).view(weight.shape), alpha=-rate)


def orthogonal(matrix: Tensor, steps: int = 3) -> Tensor:
    """Nearly the orthogonal matrix closest to ``matrix``, ``(rows, columns)`` → the same.

    A quintic Newton-Schulz iteration brings every singular value near one; bf16 is exact enough for it.
    """
    a, b, c = 3.4445, -4.7750, 2.0315
    x = matrix.bfloat16()
    x = x / (x.norm() + 1e-7)
    tall = x.shape[0] > x.shape[1]
    x = x.T if tall else x
    for _ in range(steps):
        square = x @ x.T
        x = a * x + (b * square + c * square @ square) @ x
    return (x.T if tall else x).to(matrix.dtype)
