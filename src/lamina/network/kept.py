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
        self._state: list[tuple[int, int]] = []
        self._value: T | None = None

    def of(self, weights: Sequence[Tensor], compute: Callable[[], T]) -> T:
        """The value, computed anew where one of the weights has changed."""
        state = [(each.data_ptr(), each._version) for each in weights]
        if self._value is None or self._state != state:
            self._state, self._value = state, compute()
        return self._value

    def forget(self) -> None:
        self._value = None


def learning(layer: nn.Module) -> bool:
    """Whether the layer's weights may be about to change, or its steps are being written down: then
    nothing that follows from them is worth keeping."""
    return layer.training or torch.is_grad_enabled() or torch.compiler.is_compiling()
