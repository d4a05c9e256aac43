"""What every input layer is: one feature's arrays in, ``(batch, width)`` out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import msgspec
import torch
from torch import Tensor, nn

from lamina.catalog import KINDS, part
from lamina.features.base import Feature
from lamina.records import Choice, Quality

Batch = dict[str, Tensor]


class Situation(msgspec.Struct, frozen=True, kw_only=True):
    """What the sizes of an input layer are chosen by.

    ``rows`` to learn from; ``quality``, the dial; ``activation`` of deep layers; ``alone``: no block
    of another kind is read beside this one's; ``frames``: every moment of a recording matters, not the
    whole; ``members``: how many networks of its own the layer may hold, where no hidden layers follow;
    ``linear``: how many scores a linear model would give, 0 where none is to be made;
    ``fixed``: the layer is to stay as it starts; ``teams``: groups of members that share no weight, for which
    a column has a vector each.
    """

    rows: int
    quality: Quality = "good"
    activation: str = "silu"
    alone: bool = True
    frames: bool = False
    members: int = 1
    linear: int = 0
    fixed: bool = False
    teams: int = 1


FEW, MANY = 3000, 300_000  # training rows at which other sizes are better
WIDEST = 10_000  # places that the columns of one kind take up together, where there are thousands


def embedding_size(situation: Situation, columns: int = 1) -> int:
    """How long the vector of one number or category is."""
    small = situation.rows < FEW or situation.rows > MANY or situation.quality == "fast"
    return max(1, min(8 if small else 16, WIDEST // columns))


def by_team(vectors: Tensor, teams: int) -> Tensor:
    """``(batch, columns, teams · size)`` → ``(team, batch, columns · size)``; of one team ``(batch, …)``."""
    if teams == 1:
        return vectors.flatten(1)
    return vectors.unflatten(2, (teams, -1)).permute(2, 0, 1, 3).flatten(2)


def for_teams(situation: Situation) -> dict[str, int]:
    """What the ``spec`` of a layer says that has vectors for every team."""
    return {"teams": situation.teams} if situation.teams > 1 else {}


class Input(nn.Module, ABC):
    """Base of the input layers.

    Built from a fitted feature and a plain ``spec`` (the sizes chosen for it), so that the model file can
    rebuild it. ``width`` is the size of the output's last axis.
    """

    name: str
    width: int
    # How many moments the output tells of, one after the other; 1: it is of the whole
    frames: int = 1
    # An input layer that hands on a finished representation needs no hidden layers of its own after it
    deep: ClassVar[bool] = False
    # Which way of training it needs, a name of ``training.choose.RECIPES``
    recipe: ClassVar[str] = "tables"
    # Whether it can hold vectors for several teams of members
    in_teams: ClassVar[bool] = False
    # How large scores start, and so how fast the output learns, where nothing but deep layers is read
    gain: ClassVar[float] = 1 / 9
    # How many training rows, evenly taken, ``prepare`` wants to see: 0 none, None all
    enough: ClassVar[int | None] = 0
    # What ``from_nothing`` starts from, in words
    nothing: ClassVar[str] = ""
    # How many of the last places of the output are the scores of a linear model, which ``training.linear``
    # fits before the rest learns
    told: int = 0
    # Whether most of it never learns: what it makes of the rows, ``see``, is computed once before training
    frozen: ClassVar[bool] = False

    @abstractmethod
    def __init__(self, feature: Feature, spec: dict[str, Any]) -> None:
        super().__init__()
        self.name = feature.name

    @classmethod
    def choose(cls, feature: Any, situation: Situation) -> dict[str, Any]:
        """The sizes for this feature and situation, as plain data: the ``spec`` it is built from."""
        return {}

    @classmethod
    def additive(cls, feature: Feature) -> bool:
        """Whether it reads each column by itself into a vector that an additive model can use as it is."""
        return False

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

    def held_elsewhere(self) -> nn.Module | None:
        """What it computes with that is no part of the network, nor of a model file's weights; a graph holds
        it, too."""
        return None

    def filled_up(self) -> list[tuple[str, ...]]:
        """Groups of arrays whose second axis is as long as the longest row needs: the first one is 0 from
        where a row ends, and what follows in any of them is not looked at. A graph reads shorter ones."""
        return []

    @classmethod
    def choices(cls, feature: Any, spec: dict[str, Any]) -> tuple[Choice, ...]:
        """What a person should know of the sizes chosen."""
        return ()

    @classmethod
    def variant(cls, feature: Any) -> type[Input]:
        """The class that reads this feature: another one where the feature asks for it."""
        return cls

    def load_weights(self) -> None:
        """For frozen layers: takes the weights that it starts from."""

    def see(self, arrays: Batch) -> Batch:
        """For frozen layers: arrays to stand for those of the rows, made by what never learns."""
        return arrays

    def augment(self, arrays: Batch, generator: torch.Generator) -> Batch:
        """The arrays as training should see them this time; by default as they are."""
        return arrays

    def mirrored(self, arrays: Batch) -> Batch:
        """The same rows with left and right exchanged, where that means something."""
        return arrays

    def moved(self, arrays: Batch, answers: Tensor) -> Tensor:
        """Answers that belong to places of this input, moved as ``augment`` has moved those places."""
        return answers

    def views(self, arrays: Batch) -> list[Batch]:
        """The ways to look at the same rows whose answers are averaged when predicting."""
        return [arrays]

    def owners(self, feature: Feature) -> list[int] | None:
        """For every place of the output the column (its number) that alone decides it; None where columns
        are seen together. Explanations then need not read mixtures of rows anew."""
        return None

    def from_nothing(self, arrays: Batch) -> list[tuple[Batch, Batch]]:
        """Where the inside of a cell can be explained: arrays of a cell that says nothing, and those of the
        cells that are there, whose real numbers may be mixed; ``forward`` takes the mixtures too. More than
        one pair where different ways to look at the cells are averaged."""
        return []

    def prepare(self, arrays: Batch) -> None:
        """Called once before training, with training rows: whatever starts from the data."""

    def meet(self, arrays: Batch) -> None:
        """Called before learning goes on, with the rows to come: notes what is met, and moves nothing."""

    def settle(self) -> None:
        """Called once after training: codes that training never met get sensible values."""


def layer_class(feature: Feature) -> type[Input]:
    """The input layer that reads this feature."""
    kind: type[Input] = part(KINDS[feature.kind].input)
    return kind.variant(feature)
