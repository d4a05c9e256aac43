"""The input layer of numbers: each column bends as it needs to, before the columns meet."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from lamina.features.base import Feature
from lamina.features.number import most_intervals
from lamina.network.inputs.base import FEW, Batch, Input, Situation, by_team, embedding_size, for_teams
from lamina.network.inputs.pieces import Pieces
from lamina.network.kept import Kept, learning

SCALE = 0.1  # standard deviation with which the embedding starts
SLIGHT = 0.02  # the same for its bends where it stays as it starts: mostly straight
EVEN = 0.25  # the same for the way through all bends of a column, where columns are to learn evenly


class NumberInput(Input):
    """Piecewise-linear embedding: ``e = x·u + P(x) W + b`` per column (Gorishniy et al. 2022, "On
    embeddings for numerical features in tabular deep learning").

    ``P(x)`` says how far ``x`` has passed through each interval between training quantiles, 0 before and
    1 behind; the straight part ``x·u`` carries on where the quantiles end. A missing value (NaN) has a
    vector of its own. ``spec["size"]`` is the length of ``e``, ``spec["bend"]`` how strongly it starts bent.

    A value has passed all intervals below it, so how far a step of learning moves it grows with their
    number: a year of three values would learn twenty times more slowly than an age. ``spec["even"]``, the
    intervals of a column with many values, evens that out: fewer ones start and move by as much more.

    Once learnt, the same function is read from a table of its straight pieces, several times as fast.

    **Shape**: float32 ``(batch, columns)`` → ``(batch, columns · size)``; with ``spec["teams"]`` vectors for
    as many teams, ``(team, batch, columns · size)``.
    """

    in_teams: ClassVar[bool] = True

    edges: Tensor
    slope: Tensor
    start: Tensor
    pace: Tensor

    def __init__(self, feature: Feature, spec: dict[str, Any]) -> None:
        super().__init__(feature, spec)
        knots: tuple[tuple[float, ...], ...] = feature.knots  # type: ignore[attr-defined]
        self.spec = spec
        self.teams = int(spec.get("teams", 1))
        size, columns, most = self.teams * int(spec["size"]), len(knots), max(map(len, knots)) - 1
        self.width = columns * int(spec["size"])
        # numpy, not torch: a model file is first laid out on the meta device, where torch's own arithmetic
        # takes a second of imports
        edges = np.full((columns, most + 1), np.inf, np.float32)
        slope, start = np.zeros((2, columns, most), np.float32)
        for j, each in enumerate(knots):
            known = edges[j, : len(each)] = np.array(each)
            rise = 1 / np.diff(known)
            slope[j, : len(rise)], start[j, : len(rise)] = rise, -known[:-1] * rise
        self.register_buffer("edges", torch.from_numpy(edges), persistent=False)
        self.register_buffer("slope", torch.from_numpy(slope), persistent=False)
        self.register_buffer("start", torch.from_numpy(start), persistent=False)
        self.straight = nn.Parameter(torch.randn(columns, size) * SCALE)
        pace, spread = _paces(np.array([max(len(each) - 1, 1) for each in knots]), spec)
        self.register_buffer("pace", torch.from_numpy(pace), persistent=False)
        self.bent = nn.Parameter(torch.randn(columns, most, size).mul_(torch.from_numpy(spread)))
        self.bias = nn.Parameter(torch.zeros(columns, size))
        self.absent = nn.Parameter(torch.randn(columns, size) * SCALE)
        self._pieces: Kept[Pieces] = Kept()

    @classmethod
    def choose(cls, feature: Any, situation: Situation) -> dict[str, Any]:
        size = embedding_size(situation, len(feature.knots))
        if situation.fixed:
            return {"size": size, "bend": SLIGHT}
        spec = {"size": size, **for_teams(situation)}
        return spec if situation.rows < FEW else {**spec, "even": most_intervals(situation.rows)}

    @classmethod
    def additive(cls, feature: Feature) -> bool:
        """Numbers and dates; another kind may lay out a cell in numbers that mean something together only."""
        return feature.kind in ("number", "date")

    def forward(self, arrays: Batch) -> Tensor:
        x = arrays[self.name]
        return by_team(self._learning(x) if learning(self) else self._learnt(x), self.teams)

    def _learnt(self, x: Tensor) -> Tensor:
        weights = self.straight, self.bent, self.bias, self.absent
        return self._pieces.of(weights, self._as_pieces).embed(x)

    def _as_pieces(self) -> Pieces:
        return Pieces.of(self.edges, self.straight, self.bent * self.pace, self.bias, self.absent)

    def _learning(self, x: Tensor) -> Tensor:
        missing = x.isnan()
        x = torch.where(missing, 0.0, x)
        bent = torch.bmm(self._passed(x), self.bent * self.pace).transpose(0, 1)
        embedded = bent + torch.addcmul(self.bias, x[..., None], self.straight)
        # A graph is made for any rows, and a GPU would have to be waited for
        if x.is_cuda or torch.compiler.is_compiling() or missing.any():
            embedded = torch.where(missing[..., None], self.absent, embedded)
        return embedded

    @torch.no_grad()
    def extend(self, feature: Feature) -> NumberInput:
        """With intervals for knots beyond the old ones, which start straight: nothing bends there yet."""
        grown = type(self)(feature, self.spec)
        if torch.equal(grown.edges, self.edges):
            return self
        for name in ("straight", "bias", "absent"):
            getattr(grown, name).copy_(getattr(self, name))
        grown.bent.zero_()
        old = self.bent * (self.pace / grown.pace)  # powers of two: nothing is rounded
        counts = (self.edges < torch.inf).sum(1).tolist()
        before = torch.searchsorted(grown.edges, self.edges[:, :1].contiguous()).flatten().tolist()
        for j, (count, first) in enumerate(zip(counts, before, strict=True)):
            grown.bent[j, first : first + count - 1] = old[j, : count - 1]
        return grown.requires_grad_(self.straight.requires_grad)

    def train(self, mode: bool = True) -> NumberInput:
        self._pieces.forget()
        return super().train(mode)

    def owners(self, feature: Feature) -> list[int] | None:
        """Each number by itself; dates and places are numbers made of several columns."""
        alone = len(feature.columns) == len(self.straight) and feature.kind == "number"
        return [place // int(self.spec["size"]) for place in range(self.width)] if alone else None

    def _passed(self, x: Tensor) -> Tensor:
        """How far each value has passed through each interval: ``(columns, batch, intervals)``, 0 to 1."""
        if torch.compiler.is_compiling():  # a graph answers: in close intervals the sum below loses digits
            left = torch.where(self.edges.isinf(), 0.0, self.edges)[:, None, :-1]
            return ((x.T[..., None] - left) * self.slope[:, None]).clamp(0.0, 1.0)
        passed = torch.addcmul(self.start[:, None], x.T[..., None], self.slope[:, None])
        return passed.clamp_(0.0, 1.0)


def _paces(intervals: np.ndarray, spec: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """How much faster than others the bends of each column move, a power of two, and how strongly they start
    in units of that; float32 ``(columns, 1, 1)`` both."""
    if "even" in spec:
        pace = 2.0 ** np.round(np.log2(np.maximum(int(spec["even"]) / intervals, 1.0)))
        spread = EVEN / np.sqrt(intervals) / pace
    else:
        pace = np.ones(len(intervals))
        spread = pace * float(spec.get("bend", SCALE))
    return pace.astype(np.float32)[:, None, None], spread.astype(np.float32)[:, None, None]
