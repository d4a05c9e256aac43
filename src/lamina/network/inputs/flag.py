"""The input layer of flags: yes, no and missing, each with weights of its own."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor

from lamina.features.base import Feature
from lamina.features.flag import FlagFeature
from lamina.network.inputs.base import Batch, Input


class FlagInput(Input):
    """Flags as they are (1, -1) beside a mark for missing.

    **Shape**: int8 ``(batch, columns)`` → ``(batch, 2 · columns)``.
    """

    in_teams: ClassVar[bool] = True

    def __init__(self, feature: FlagFeature, spec: dict[str, Any]) -> None:
        super().__init__(feature, spec)
        self.width = 2 * len(feature.columns)

    @classmethod
    def additive(cls, feature: Feature) -> bool:
        return True

    def forward(self, arrays: Batch) -> Tensor:
        flags = arrays[self.name]
        return torch.cat([flags, flags == 0], dim=1).float()

    def owners(self, feature: Feature) -> list[int] | None:
        return 2 * list(range(len(feature.columns)))
