"""The input layer of sets: every known value has a vector; a set is their sum and their strongest parts."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from lamina.features.category import FIRST, RARE, UNSEEN
from lamina.features.set import SetFeature
from lamina.network.inputs.base import Batch, Input, Situation, embedding_size

SCALE = 0.1  # standard deviation with which the vectors start


class SetInput(Input):
    """``[Σ v, max v, log(1 + n)]`` over the vectors ``v`` of the n values, in any order (after Zaheer et al.
    2017, "Deep sets").

    ``spec["size"]`` is the length of a vector. Codes that training never met take the mean of the known ones
    once training is done.

    **Shape**: int32 ``(batch, places)`` and float32 ``(batch, 1)`` → ``(batch, 2 · size + 1)``.
    """

    enough: ClassVar[int | None] = None
    met: Tensor

    def __init__(self, feature: SetFeature, spec: dict[str, Any]) -> None:
        super().__init__(feature, spec)
        self.known, self.rare = feature.known, frozenset(feature.rare)
        self.size = int(spec["size"])
        self.width = 2 * self.size + 1
        self.register_buffer("met", torch.zeros(feature.size, dtype=torch.bool))
        self.table = nn.Embedding(feature.size, self.size)
        nn.init.normal_(self.table.weight, std=SCALE)

    @classmethod
    def choose(cls, feature: Any, situation: Situation) -> dict[str, Any]:
        return {"size": embedding_size(situation)}

    def forward(self, arrays: Batch) -> Tensor:
        codes = arrays[self.name]
        there = (codes >= 0)[..., None]
        vectors = self.table(codes.clamp_min(0))
        total = torch.where(there, vectors, 0.0).sum(1)
        strongest = torch.where(there, vectors, -torch.inf).amax(1)
        strongest = torch.where(there.any(1), strongest, 0.0)
        return torch.cat([total, strongest, arrays[f"{self.name}.count"].to(total.dtype)], dim=1)

    def extend(self, feature: SetFeature) -> SetInput:  # type: ignore[override]
        """New rows of the table; a new value starts from the vector that answered for it so far."""
        grown = type(self)(feature, {"size": self.size})
        with torch.no_grad():
            old, rows = self.table.weight, grown.table.weight
            rows[: len(old)] = old
            rows[len(old) :] = old[UNSEEN]
            for row, value in enumerate(feature.known[len(self.known) :], len(old)):
                if value in self.rare:
                    rows[row] = old[RARE]
            grown.met[: len(self.met)] = self.met
        return grown

    def prepare(self, arrays: Batch) -> None:
        self.meet(arrays)

    def meet(self, arrays: Batch) -> None:
        """Remembers which codes training meets."""
        codes = arrays[self.name]
        self.met[codes[codes >= 0].long().unique()] = True

    def settle(self) -> None:
        with torch.no_grad():
            rows = self.table.weight
            known = rows[FIRST:] if len(rows) > FIRST else rows[RARE : RARE + 1]
            rows[:FIRST] = torch.where(self.met[:FIRST, None], rows[:FIRST], known.mean(0))
