"""The input layer of numbers: each column bends as it needs to, before the columns meet."""

from __future__ import annotations

from typing import Any, Protocol

import torch
from torch import Tensor, nn

from lamina.features.base import Feature
from lamina.network.inputs.base import Batch, Input


class HasKnots(Protocol):
    """What this layer needs of a feature: the training quantiles of each column."""

    name: str
    knots: tuple[tuple[float, ...], ...]


class NumberInput(Input):
    """Piecewise-linear embedding: ``e = x·u + P(x) W + b`` per column (Gorishniy et al. 2022, "On
    embeddings for numerical features in tabular deep learning").

    ``P(x)`` says how far ``x`` has passed through each of ``spec["bins"]`` intervals between training
    quantiles, 0 before and 1 behind; the straight part ``x·u`` carries on where the quantiles end. ``W``
    starts at zero, so the network starts linear and bends where the data asks for it. A missing value
    (NaN) has a vector of its own.

    **Shape**: float32 ``(batch, columns)`` → ``(batch, columns · size)``.
    """

    low: Tensor
    width_of_bin: Tensor
    is_first: Tensor
    is_last: Tensor

    def __init__(self, feature: Feature, spec: dict[str, Any]) -> None:
        super().__init__(feature, spec)
        knots = [_thinned(each, int(spec["bins"])) for each in feature.knots]  # type: ignore[attr-defined]
        size, columns, bins = int(spec["size"]), len(knots), max(len(k) for k in knots) - 1
        self.width = columns * size
        low, width = torch.full((columns, bins), torch.inf), torch.ones(columns, bins)
        first, last = torch.zeros(columns, bins, dtype=torch.bool), torch.zeros(columns, bins, dtype=torch.bool)
        for j, each in enumerate(knots):
            edges = torch.tensor(each)
            n = len(each) - 1
            low[j, :n], width[j, :n] = edges[:-1], edges.diff()
            first[j, 0], last[j, n - 1] = True, True
        self.register_buffer("low", low, persistent=False)
        self.register_buffer("width_of_bin", width, persistent=False)
        self.register_buffer("is_first", first, persistent=False)
        self.register_buffer("is_last", last, persistent=False)
        self.straight = nn.Parameter(torch.randn(columns, size))
        self.bent = nn.Parameter(torch.zeros(columns, bins, size))
        self.bias = nn.Parameter(torch.randn(columns, size) * 0.1)
        self.absent = nn.Parameter(torch.zeros(columns, size))

    def forward(self, arrays: Batch) -> Tensor:
        x = arrays[self.name]
        missing = x.isnan()
        x = torch.where(missing, 0.0, x)
        embedded = torch.bmm(self._passed(x), self.bent).transpose(0, 1)
        embedded = embedded + torch.addcmul(self.bias, x[..., None], self.straight)
        embedded = torch.where(missing[..., None], self.absent, embedded)
        return embedded.flatten(1)

    def _passed(self, x: Tensor) -> Tensor:
        """How far each value has passed through each interval: ``(columns, batch, bins)``, 0 to 1."""
        share = (x.T[..., None] - self.low[:, None]) / self.width_of_bin[:, None]
        return share.clamp_(0.0, 1.0)


def _thinned(knots: tuple[float, ...], bins: int) -> tuple[float, ...]:
    """At most ``bins`` intervals, evenly picked from the quantiles."""
    if len(knots) <= bins + 1:
        return knots
    step = (len(knots) - 1) / bins
    return tuple(knots[round(i * step)] for i in range(bins + 1))
