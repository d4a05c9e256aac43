"""Activation functions by name, and the gain with which weights before them start."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from lamina.errors import UsageError, nearest

# name → (function, gain of He's initialisation: keeps the variance of the signal from layer to layer)
ACTIVATIONS: dict[str, tuple[Callable[[Tensor], Tensor], float]] = {
    "relu": (F.relu, 2.0**0.5),
    "gelu": (F.gelu, 1.53),
    "silu": (F.silu, 1.68),
    "tanh": (torch.tanh, 5 / 3),
    "elu": (F.elu, 1.25),
    "leaky_relu": (F.leaky_relu, 2.0**0.5),
    "identity": (lambda x: x, 1.0),
}


def activation(name: str) -> tuple[Callable[[Tensor], Tensor], float]:
    """The function and its gain.

    Raises UsageError for a name that does not exist.
    """
    if name not in ACTIVATIONS:
        raise UsageError(
            f"There is no activation function {name!r}.",
            nearest(name, ACTIVATIONS),
            activation=name,
        )
    return ACTIVATIONS[name]
