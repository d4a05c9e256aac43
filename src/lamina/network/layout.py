"""The shapes of a network's weights without the weights: what a model file must hold, before memory is taken.

torch's own way, building under ``torch.device("meta")``, draws random numbers there by Python code whose
imports take a second. Here drawing and filling are skipped, and tensors are empty ones on the meta device.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from lamina.features.features import Features
from lamina.network.architecture import Architecture
from lamina.network.network import Network

_DRAWN = {torch.randn, torch.rand, torch.zeros, torch.ones, torch.empty}
_SCALED = {"mul", "sub", "add", "__mul__", "__sub__", "__add__", "__rmul__"}
_FILLED = {Tensor.normal_, Tensor.uniform_, Tensor.fill_, Tensor.zero_, Tensor.copy_, Tensor.mul_}


class _Empty(TorchFunctionMode):
    """Factories give empty tensors on the meta device; filling does nothing."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        if func in _DRAWN:
            return torch.empty(*args, dtype=kwargs.get("dtype"), device="meta")
        if func is torch.randint:  # low, high, size
            return torch.empty(args[2], device="meta")
        if func is torch.full:
            return torch.empty(args[0], device="meta")
        scaled = getattr(func, "__name__", "") in _SCALED and isinstance(args[1], int | float)
        starts = getattr(func, "__module__", "") == "torch.nn.init"
        if func in _FILLED or scaled or starts:  # the shape is all that counts
            return kwargs["tensor"] if "tensor" in kwargs else args[0]
        return func(*args, **kwargs)


def layout(architecture: Architecture, features: Features) -> dict[str, Tensor]:
    """Name → tensor on the meta device, of everything that ``Network.state_dict`` holds."""
    with _Empty(), torch.no_grad():
        return Network(architecture, features).state_dict()
