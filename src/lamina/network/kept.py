"""What is computed from weights once, and used as long as they stay as they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import torch
from torch import Tensor, nn

T = TypeVar("T")


class Kept(Generic[T]):
    """One value that follows from weights. A layer forgets it when it turns to training or back: optimizers
    that move all weights at once do not count that as a change."""

    def __init__(self) -> None:
        self._kept: tuple[list[tuple[int, int]], T] | None = None

    def of(self, weights: Sequence[Tensor], compute: Callable[[], T]) -> T:
        """The value, computed anew where one of the weights has changed."""
        state = [(each.data_ptr(), each._version) for each in weights]
        kept = self._kept  # looked at once: other threads may answer with the same layer
        if kept is None or kept[0] != state:
            kept = self._kept = state, compute()
        return kept[1]

    def forget(self) -> None:
        self._kept = None


def learning(layer: nn.Module) -> bool:
    """Whether the layer's weights may be about to change, or its steps are being written down: then
    nothing that follows from them is worth keeping."""
    return layer.training or torch.is_grad_enabled() or torch.compiler.is_compiling()
