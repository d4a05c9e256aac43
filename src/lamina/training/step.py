"""One step of training on a batch: forward, backward, adjust."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from lamina.network.inputs.base import Batch
from lamina.network.network import Network
from lamina.training.optimizer import Optimizer

Objective = Callable[[Batch, Tensor, Tensor | None], Tensor]
Move = Callable[[Batch, Tensor, Tensor | None], float]  # moves the weights; the loss before


@dataclass(frozen=True)
class Step:
    """What a step does with a batch as augmented. ``clip``: the largest norm of all gradients, 0 for any."""

    network: Network
    objective: Objective
    optimizers: list[Optimizer]
    clip: float

    def __call__(self, arrays: Batch, answers: Tensor, weights: Tensor | None) -> float:
        """The loss, and nothing moves where it is not finite."""
        loss = self.objective(arrays, answers, weights)
        value = loss.item()
        if value < float("inf"):
            loss.backward()  # type: ignore[no-untyped-call]
            self.adjust()
            self.forget()
        return value

    def adjust(self) -> None:
        """Moves the weights along their gradients."""
        if self.clip:
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.clip)
        for optimizer in self.optimizers:
            optimizer.step()

    def forget(self) -> None:
        """Forgets the gradients."""
        for optimizer in self.optimizers:
            optimizer.zero_grad()
