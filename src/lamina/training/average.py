"""The exponential average of the weights: calmer than the weights themselves, and usually better."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class Average:
    """``w̄ ← β w̄ + (1 - β) w`` after every step (Polyak & Juditsky 1992), for floating-point weights.

    With ``decay`` 0 it does nothing and costs nothing. Early on, β is held at ``(1 + t) / (10 + t)`` so
    that the random start is forgotten.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay, self.steps = decay, 0
        self.weights: dict[str, Tensor] = {}
        self.live: list[Tensor] = []
        if decay:
            self.weights = {name: each.clone() for name, each in _floating(network)}
            self.live = [each for _, each in _floating(network)]

    @torch.no_grad()
    def update(self) -> None:
        """Called after every step."""
        if not self.decay:
            return
        self.steps += 1
        beta = min(self.decay, (1 + self.steps) / (10 + self.steps))
        torch._foreach_lerp_(list(self.weights.values()), self.live, 1 - beta)

    @contextmanager
    def applied(self, network: nn.Module) -> Iterator[None]:
        """Inside the block the network answers with the averaged weights."""
        if not self.decay:
            yield
            return
        kept = {name: each.clone() for name, each in _floating(network)}
        self.settle(network)
        try:
            yield
        finally:
            _assign(network, kept)

    def settle(self, network: nn.Module) -> None:
        """The averaged weights become the network's own."""
        if self.decay:
            _assign(network, self.weights)


def _floating(network: nn.Module) -> Iterator[tuple[str, Tensor]]:
    for name, each in network.state_dict().items():
        if each.is_floating_point() and each.dtype != torch.float16:  # tables in half precision stay
            yield name, each


@torch.no_grad()
def _assign(network: nn.Module, weights: dict[str, Tensor]) -> None:
    for name, each in _floating(network):
        each.copy_(weights[name])
