"""The input layer of vectors: standardised, and projected where they are long."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from lamina.features.vector import VectorFeature
from lamina.network.inputs.base import Batch, Input, Situation

WIDEST = 128  # numbers that are passed on as they are; longer vectors are projected to so many
SCALE = 0.1  # standard deviation with which the vector of missing ones starts


class VectorInput(Input):
    """``W x + b`` for long vectors, ``x`` for others; a vector of its own where it is missing.

    ``spec["size"]`` is the length of what is passed on.

    **Shape**: float32 ``(batch, length)`` → ``(batch, size)``.
    """

    def __init__(self, feature: VectorFeature, spec: dict[str, Any]) -> None:
        super().__init__(feature, spec)
        self.width = int(spec["size"])
        projected = self.width != feature.length
        self.projection = nn.Linear(feature.length, self.width) if projected else nn.Identity()
        self.absent = nn.Parameter(torch.randn(self.width) * SCALE)

    @classmethod
    def choose(cls, feature: Any, situation: Situation) -> dict[str, Any]:
        return {"size": min(feature.length, WIDEST)}

    def forward(self, arrays: Batch) -> Tensor:
        x = arrays[self.name]
        missing = x.isnan()
        read = self.projection(torch.where(missing, 0.0, x))
        return torch.where(missing.all(1, keepdim=True), self.absent.to(read.dtype), read)
