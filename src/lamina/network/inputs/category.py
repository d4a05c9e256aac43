"""The input layer of categories: every known value has a vector that is learnt."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from lamina.features.base import Feature
from lamina.features.category import FIRST, RARE, UNSEEN, CategoryFeature
from lamina.network.inputs.base import Batch, Input, Situation, by_team, embedding_size, for_teams

ROWS = 2**18  # looked at together
SCALE = 0.1  # standard deviation with which the vectors start


class CategoryInput(Input):
    """One embedding per column, all in one table of vectors.

    ``spec["size"]`` is the length of a vector. Codes that training never met (unseen, and missing or rare
    where there were none) take the mean vector of the column's known values once training is done.

    **Shape**: int32 ``(batch, columns)`` → ``(batch, columns · size)``; with ``spec["teams"]`` vectors for as
    many teams, ``(team, batch, columns · size)``.
    """

    in_teams: ClassVar[bool] = True
    enough: ClassVar[int | None] = None
    offsets: Tensor
    met: Tensor

    def __init__(self, feature: CategoryFeature, spec: dict[str, Any]) -> None:
        super().__init__(feature, spec)
        self.sizes = feature.sizes
        self.rare = feature.rare
        self.spec = spec
        self.teams = int(spec.get("teams", 1))
        self.size = int(spec["size"])
        self.width = self.size * len(self.sizes)
        starts = torch.tensor([0, *self.sizes]).cumsum(0)[:-1].to(torch.int32)
        self.register_buffer("offsets", starts, persistent=False)
        self.register_buffer("met", torch.zeros(sum(self.sizes), dtype=torch.bool))
        self.table = nn.Embedding(sum(self.sizes), self.teams * self.size)
        nn.init.normal_(self.table.weight, std=SCALE)

    @classmethod
    def choose(cls, feature: Any, situation: Situation) -> dict[str, Any]:
        return {"size": embedding_size(situation, len(feature.columns)), **for_teams(situation)}

    @classmethod
    def additive(cls, feature: Feature) -> bool:
        return True

    def forward(self, arrays: Batch) -> Tensor:
        codes = arrays[self.name] + self.offsets
        return by_team(self.table(codes), self.teams)

    def owners(self, feature: Feature) -> list[int] | None:
        return [place // self.size for place in range(self.width)]

    def extend(self, feature: CategoryFeature) -> CategoryInput:  # type: ignore[override]
        """New rows of the table for new values; a new value starts from the vector that answered for
        it so far: the column's rare one if it was rare, else the unseen one.
        """
        grown = type(self)(feature, self.spec)
        with torch.no_grad():
            start = 0
            for column, offset in enumerate(grown.offsets.tolist()):
                old, new, rare = self.sizes[column], feature.sizes[column], set(self.rare[column])
                block = self.table.weight[start : start + old]
                rows = grown.table.weight[offset : offset + new]
                rows[:old] = block
                rows[old:] = block[UNSEEN]
                for row, value in enumerate(feature.known[column][old - FIRST :], old):
                    if value in rare:
                        rows[row] = block[RARE]
                grown.met[offset : offset + old] = self.met[start : start + old]
                start += old
        return grown

    def prepare(self, arrays: Batch) -> None:
        self.meet(arrays)

    def meet(self, arrays: Batch) -> None:
        """Remembers which codes training meets."""
        for codes in arrays[self.name].split(ROWS):
            self.met[(codes + self.offsets).flatten().long()] = True

    def settle(self) -> None:
        with torch.no_grad():
            for size, offset in zip(self.sizes, self.offsets.tolist(), strict=True):
                rows = self.table.weight[offset : offset + size]
                known = rows[FIRST:] if size > FIRST else rows[RARE : RARE + 1]
                mean = known.mean(0)
                for code in range(FIRST):
                    if not self.met[offset + code]:
                        rows[code] = mean
