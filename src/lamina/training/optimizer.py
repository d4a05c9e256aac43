"""The optimizers: how gradients move the weights.

They have groups and states as torch's own optimizers have, whose base class brings a compiler along: a second
of imports before the first step.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.adamw import adamw

from lamina.training.recipe import Recipe


class Optimizer(ABC):
    """Weights in groups, each with its learning rate ``lr``, and what is remembered of every weight.

    A rate may be a tensor on the weights' device, whose value a recorded step reads (``training.recorded``).
    """

    def __init__(self, groups: Sequence[dict[str, Any]], rate: float) -> None:
        self.param_groups = [{"lr": rate, **group} for group in groups]
        self.state: dict[Tensor, dict[str, Tensor]] = {}

    @abstractmethod
    def step(self) -> None:
        """Moves every weight that has a gradient."""

    def zero_grad(self) -> None:
        """Forgets the gradients."""
        for weight in self.weights():
            weight.grad = None

    def at(self, share: float) -> None:
        """Sets the learning rates to this share of their peaks."""
        for group in self.param_groups:
            rate = share * group["peak"]
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(rate)
            else:
                group["lr"] = rate

    def weights(self) -> Iterator[Tensor]:
        """All weights, group by group."""
        for group in self.param_groups:
            yield from group["params"]

    def state_dict(self) -> dict[str, Any]:
        """``{"state": {number of the weight: its tensors}}``, the tensors themselves."""
        return {"state": {i: self.state[each] for i, each in enumerate(self.weights()) if each in self.state}}

    def load_state_dict(self, kept: dict[str, Any]) -> None:
        """Goes on from copies of what ``state_dict`` gave."""
        weights = list(self.weights())
        self.state = {
            weights[i]: {name: each.clone() for name, each in tensors.items()}
            for i, tensors in kept["state"].items()
        }


def make_optimizers(network: nn.Module, recipe: Recipe) -> list[Optimizer]:
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
    optimizers: list[Optimizer] = [AdamW(settings, recipe.rate, recipe.betas)]
    if convolutions:
        optimizers.append(Muon(convolutions, recipe.convolution_rate))
    return optimizers


class AdamW(Optimizer):
    """``w ← w - η (m̂ / (√v̂ + ε) + λ w)`` with running means ``m`` of the gradient and ``v`` of its square,
    both corrected for their start at zero; all weights of a group in one pass over memory."""

    def __init__(
        self, groups: Sequence[dict[str, Any]], rate: float, betas: tuple[float, float], epsilon: float = 1e-8
    ) -> None:
        super().__init__(groups, rate)
        self.betas, self.epsilon = betas, epsilon

    @torch.no_grad()
    def step(self) -> None:
        for group in self.param_groups:
            moved = [each for each in group["params"] if each.grad is not None]
            states = [self._state(each) for each in moved]
            if moved:
                adamw(
                    moved,
                    [each.grad for each in moved],
                    [each["exp_avg"] for each in states],
                    [each["exp_avg_sq"] for each in states],
                    [],
                    [each["step"] for each in states],
                    fused=True,
                    amsgrad=False,
                    beta1=self.betas[0],
                    beta2=self.betas[1],
                    lr=group["lr"],
                    weight_decay=group["weight_decay"],
                    eps=self.epsilon,
                    maximize=False,
                )

    def _state(self, weight: Tensor) -> dict[str, Tensor]:
        if weight not in self.state:
            self.state[weight] = {
                "step": torch.zeros((), dtype=torch.float32, device=weight.device),
                "exp_avg": torch.zeros_like(weight),
                "exp_avg_sq": torch.zeros_like(weight),
            }
        return self.state[weight]


class Muon(Optimizer):
    """Momentum whose step is made orthogonal: ``W ← W - η · orth(μ B + G)`` with ``B ← μ B + G``.

    All directions in which a layer can learn move equally far, the rare ones too (Jordan et al. 2024,
    "Muon: an optimizer for hidden layers in neural networks"). The weights, each filter flattened to a
    row, are brought to norm ``√rows`` before the step, which does without weight decay.
    """

    def __init__(self, parameters: Iterable[Tensor], rate: float, momentum: float = 0.6) -> None:
        super().__init__([{"params": list(parameters), "peak": rate, "momentum": momentum}], rate)

    @torch.no_grad()
    def step(self) -> None:
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    self._move(weight, weight.grad, group["lr"], group["momentum"])

    def _move(self, weight: Tensor, gradient: Tensor, rate: float | Tensor, momentum: float) -> None:
        state = self.state.setdefault(weight, {})
        if not state:
            state["momentum"] = torch.zeros_like(weight)
        state["momentum"].mul_(momentum).add_(gradient)
        ahead = gradient.add(state["momentum"], alpha=momentum).flatten(1)
        weight.mul_(len(weight) ** 0.5 / weight.norm())
        step = orthogonal(ahead).view(weight.shape)
        if isinstance(rate, Tensor):
            weight.addcmul_(step, rate, value=-1)
        else:
            weight.add_(step, alpha=-rate)


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
