"""The input layer of places: waves of many lengths over the map, so that a network can tell districts
apart."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from lamina.features.place import PlaceFeature
from lamina.network.inputs.base import Batch, Input, Situation, by_team, embedding_size, for_teams
from lamina.network.inputs.number import NumberInput

DIRECTIONS = 4  # of waves, evenly over half a turn
SCALE = 0.1  # standard deviation with which the weights start


class PlaceInput(Input):
    """``W [sin 2πf·p, cos 2πf·p]`` per place, with frequencies ``f`` from coarse to fine in several
    directions (Tancik et al. 2020, "Fourier features let networks learn high frequency functions"), beside
    the embedding that numbers have for latitude, longitude, distance and bearing, and the point on the
    sphere.

    ``spec``: ``size`` of each part, ``waves``: how many frequencies, each twice the one before it, from a
    quarter of a wave per spread of the places.

    **Shape**: float32 ``(batch, numbers)``, ``(batch, places, 2)``, ``(batch, places, 3)`` →
    ``(batch, width)``, or ``(team, batch, width)``.
    """

    in_teams: ClassVar[bool] = True

    frequencies: Tensor

    def __init__(self, feature: PlaceFeature, spec: dict[str, Any]) -> None:
        super().__init__(feature, spec)
        self.teams = int(spec.get("teams", 1))
        places, size, waves = len(feature.centre), int(spec["size"]), int(spec["waves"])
        self.numbers = NumberInput(feature.numbers, spec)
        angle = np.arange(DIRECTIONS) * np.pi / DIRECTIONS
        unit = np.stack([np.cos(angle), np.sin(angle)])
        lengths = 2 * np.pi * 0.25 * 2.0 ** np.arange(waves)
        frequencies = (unit[:, None, :] * lengths[:, None]).reshape(2, -1).astype(np.float32)
        self.register_buffer("frequencies", torch.from_numpy(frequencies), persistent=False)
        self.map = nn.Parameter(torch.randn(places, 2 * frequencies.shape[1], self.teams * size) * SCALE)
        self.width = self.numbers.width + places * (size + 3)

    @classmethod
    def choose(cls, feature: Any, situation: Situation) -> dict[str, Any]:
        return {"size": embedding_size(situation), "waves": 5, **for_teams(situation)}

    def forward(self, arrays: Batch) -> Tensor:
        local, sphere = arrays[f"{self.name}.local"], arrays[f"{self.name}.sphere"]
        missing = local.isnan().any(2, keepdim=True)
        phase = torch.where(missing, 0.0, local).clamp(-100.0, 100.0) @ self.frequencies
        waves = torch.where(missing, 0.0, torch.cat([phase.sin(), phase.cos()], dim=2))
        drawn = by_team(torch.bmm(waves.transpose(0, 1), self.map).transpose(0, 1), self.teams)
        points = torch.where(missing, 0.0, sphere).flatten(1)
        numbers = self.numbers(arrays)
        points = points.expand(*numbers.shape[:-1], -1)
        return torch.cat([each.to(numbers.dtype) for each in (numbers, drawn, points)], dim=-1)
