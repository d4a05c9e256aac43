"""What every input layer is: one feature's arrays in, ``(batch, width)`` out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import msgspec
import torch
from torch import Tensor, nn

from lamina.features.base import Feature
from lamina.records import Quality

Batch = dict[str, Tensor]


class Situation(msgspec.Struct, frozen=True, kw_only=True):
    """What the sizes of an input layer are chosen by.

    ``rows`` to learn from; ``quality``, the dial; ``activation`` of deep layers; ``alone``: no block
    of another kind is read beside this one's.
    """

    rows: int
    quality: Quality = "good"
    activation: str = "silu"
    alone: bool = True


FEW, MANY = 3000, 300_000  # training rows at which other sizes are better


def embedding_size(situation: Situation) -> int:
    """How long the vector of one number or category is."""
    small = situation.rows < FEW or situation.rows > MANY or situation.quality == "fast"
    return 8 if small else 16


class Input(nn.Module, ABC):
    """Base of the input layers.

    Built from a fitted feature and a plain ``spec`` (the sizes chosen for it), so that the model file can
    rebuild it. ``width`` is the size of the output's last axis.
    """

    name: str
    width: int
    # An input layer that hands on a finished representation needs no hidden layers of its own after it
    deep: ClassVar[bool] = False
    # Which way of training it needs, a name of ``training.choose.RECIPES``
    recipe: ClassVar[str] = "tables"
    # How large scores start, and so how fast the output learns, where nothing but deep layers is read
    gain: ClassVar[float] = 1 / 9
    # How many training rows, evenly taken, ``prepare`` wants to see: 0 none, None all
    enough: ClassVar[int | None] = 0

    @abstractmethod
    def __init__(self, feature: Feature, spec: dict[str, Any]) -> None:
        super().__init__()
        self.name = feature.name

    @classmethod
    def choose(cls, feature: Any, situation: Situation) -> dict[str, Any]:
        """The sizes for this feature and situation, as plain data: the ``spec`` it is built from."""
        return {}

    @classmethod
    def smoothing(cls, feature: Any) -> float:
        """Share of every target that goes to all classes alike: against learning the rows by heart."""
        return 0.0

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

    def frozen(self, arrays: Batch) -> Batch:
        """The arrays with what training will not change computed once, by default as they are."""
        return arrays

    def prepare(self, arrays: Batch) -> None:
        """Called once before training, with training rows: whatever starts from the data."""

    def settle(self) -> None:
        """Called once after training: codes that training never met get sensible values."""
