"""What every input layer is: one feature's arrays in, ``(batch, width)`` out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from lamina.features.base import Feature

Batch = dict[str, Tensor]


class Input(nn.Module, ABC):
    """Base of the input layers.

    Built from a fitted feature and a plain ``spec`` (the sizes chosen for it), so that the model file can
    rebuild it. ``width`` is the size of the output's last axis.
    """

    name: str
    width: int
    # An input layer that hands on a finished representation needs no hidden layers of its own after it
    deep: ClassVar[bool] = False
    # How many training rows, evenly taken, ``prepare`` wants to see: 0 none, None all
    enough: ClassVar[int | None] = 0

    @abstractmethod
    def __init__(self, feature: Feature, spec: dict[str, Any]) -> None:
        super().__init__()
        self.name = feature.name

    @abstractmethod
    def forward(self, arrays: Batch) -> Tensor:
        """``(batch, width)``."""

    def extend(self, feature: Feature) -> Input:
        """Grows with the feature; what it answers for old values does not move."""
        return self

    def augment(self, arrays: Batch, generator: torch.Generator) -> Batch:
        """The arrays as training should see them this time; by default as they are."""
        return arrays

    def views(self, arrays: Batch) -> list[Batch]:
        """The ways to look at the same rows whose answers are averaged when predicting."""
        return [arrays]

    def prepare(self, arrays: Batch) -> None:
        """Called once before training, with training rows: whatever starts from the data."""

    def settle(self) -> None:
        """Called once after training: codes that training never met get sensible values."""
