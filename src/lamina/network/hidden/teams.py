"""Several teams of members: within a team the members share their weights, between teams nothing.

Members that share weights make like mistakes; networks that share none make others, if they met the rows in
another order: ``training.teams`` trains them one after another. Their dropout may differ, which sets them
further apart.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from lamina.network.hidden.dropout import Masks
from lamina.network.hidden.perceptron import Perceptron


class Teams(nn.Module):
    """As many perceptrons as there are ``dropouts``, with ``members`` in all.

    **Shape**: ``(batch, inputs)``, the same for all, or ``(team, batch, inputs)`` →
    ``(member, batch, width)``.
    """

    def __init__(
        self, inputs: int, hidden: Sequence[int], name: str, *, members: int, dropouts: Sequence[float]
    ) -> None:
        super().__init__()
        each = members // len(dropouts)
        self.parts = nn.ModuleList(
            Perceptron(inputs, hidden, name, members=each, dropout=share) for share in dropouts
        )
        self.members = members
        self.width = self.teams[0].width

    @property
    def teams(self) -> list[Perceptron]:
        """Groups of members that share their weights."""
        return list(self.parts)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([team(own) for team, own in self._own(x)])

    def _own(self, x: Tensor) -> Iterator[tuple[Perceptron, Tensor]]:
        """Every team with what it reads."""
        for number, team in enumerate(self.teams):
            yield team, x if x.ndim == 2 else x[number]

    def extend(self, inputs: int) -> Teams:
        """A copy that reads ``inputs`` numbers; what it makes of the old ones does not move."""
        grown = copy.deepcopy(self)
        grown.parts = nn.ModuleList(team.extend(inputs) for team in self.teams)
        grown.width = grown.teams[0].width
        return grown

    def wake(self) -> None:
        """Before new inputs are learnt: they are added up with the others."""
        for team in self.teams:
            team.wake()

    def randomise(self, generator: torch.Generator) -> None:
        """Where dropout takes its random numbers from."""
        for team in self.teams:
            team.randomise(generator)

    @property
    def drawn(self) -> tuple[Masks, ...]:
        """The masks that are drawn for every step, in this order."""
        return tuple(masks for team in self.teams for masks in team.drawn)

    def trace(self, x: Tensor) -> Iterator[tuple[str, Tensor, Tensor]]:
        """The first team, layer by layer: name, weighted sums, activations ``(member, batch, neurons)``."""
        team, own = next(self._own(x))
        yield from team.trace(own)
