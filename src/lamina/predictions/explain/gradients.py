"""Integrated gradients: which parts of one cell moved an answer.

The cell is mixed, little by little, into one that says nothing, and every part's gradient is summed up on the
way: ``(x - x₀) ∫ ∂f/∂x (x₀ + α (x - x₀)) dα`` (Sundararajan et al. 2017, "Axiomatic attribution for deep
networks"). The shares add up to the difference between the two answers; what the sum misses says how exact
the integral is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import torch
from torch import Tensor

from lamina.network.inputs.base import Batch
from lamina.predictions.explain.asked import Asked
from lamina.predictions.explain.reading import Reader, Rows
from lamina.predictions.explain.within import check_time

FEWEST, MOST = 16, 256  # points on the way
ENOUGH = 0.005  # share of the difference that may be missed before more points are taken
AT_ONCE = 16  # points whose gradients are computed together


@dataclass(frozen=True)
class Way:
    """Parts of one cell and what they did: ``shares`` by array name, added over the views of the cell;
    ``answer`` and ``baseline`` the answers at both ends."""

    shares: dict[str, np.ndarray]
    answer: float
    baseline: float

    @property
    def gap(self) -> float:
        """What the shares miss of the difference."""
        return self.answer - self.baseline - float(sum(each.sum() for each in self.shares.values()))


def way_of(reader: Reader, rows: Rows, block: int, asked: Asked) -> Way | None:
    """The way of the row's cell of ``block`` from nothing to what is there; None for kinds without one."""
    feature = reader.features[block]
    arrays = {
        name: torch.from_numpy(np.array(each)).to(reader.device)
        for name, each in feature.transform(rows.frame).items()
    }
    with torch.no_grad():
        ends = reader.layers[block].from_nothing(arrays)
    if not ends:
        return None
    others = [[view.clone() for view in views] for views in rows.read]  # no longer inference tensors
    points = FEWEST
    while True:
        way = _walked(reader, ends, others, block, asked, points)
        if abs(way.gap) <= ENOUGH * abs(way.answer - way.baseline) or points >= MOST:
            return way
        points *= 2


def _walked(
    reader: Reader,
    ends: Sequence[tuple[Batch, Batch]],
    others: list[list[Tensor]],
    block: int,
    asked: Asked,
    points: int,
) -> Way:
    places, weights = np.polynomial.legendre.leggauss(points)  # Gauss-Legendre, on -1 to 1
    shares: dict[str, np.ndarray] = {}
    for start in range(0, points, AT_ONCE):
        part = slice(start, start + AT_ONCE)
        alphas = torch.tensor((places[part] + 1) / 2, dtype=torch.float32, device=reader.device)
        for name, found in _gradients(reader, ends, others, block, asked, alphas, weights[part] / 2).items():
            shares[name] = shares.get(name, 0.0) + found
    with torch.no_grad():
        both = [_mixture(one, torch.tensor([0.0, 1.0], device=reader.device))[0] for one in ends]
        baseline, answer = _answers(reader, both, others, block, asked).tolist()
    return Way(shares, answer, baseline)


def _gradients(
    reader: Reader,
    ends: Sequence[tuple[Batch, Batch]],
    others: list[list[Tensor]],
    block: int,
    asked: Asked,
    alphas: Tensor,
    weights: np.ndarray,
) -> dict[str, np.ndarray]:
    """The weighted sum over some points of ``(x - x₀) ∂f/∂x``, by array."""
    with torch.enable_grad():
        check_time()
        mixed = [_mixture(each, alphas) for each in ends]
        leaves = [leaf for _, own in mixed for leaf in own.values()]
        if not leaves:  # the cell itself says nothing
            return {}
        total = _answers(reader, [batch for batch, _ in mixed], others, block, asked)
        slopes = torch.autograd.grad((total * torch.from_numpy(weights).to(total)).sum(), leaves)
    found: dict[str, np.ndarray] = {}
    names = [(k, name) for k, (_, own) in enumerate(mixed) for name in own]
    for (k, name), slope in zip(names, slopes, strict=True):
        away = (ends[k][1][name] - ends[k][0][name])[0]
        found[name] = found.get(name, 0.0) + (away * slope.sum(0)).cpu().numpy().astype(np.float64)
    return found


def _mixture(ends: tuple[Batch, Batch], alphas: Tensor) -> tuple[Batch, dict[str, Tensor]]:
    """The cell at every point of the way, and those of its arrays that vary, which want gradients."""
    start, end = ends
    batch, leaves = {}, {}
    for name, last in end.items():
        first = start[name]
        if last.is_floating_point() and not torch.equal(first, last):
            share = alphas.view(-1, *[1] * (last.ndim - 1))
            leaves[name] = batch[name] = (first + share * (last - first)).requires_grad_()
        else:
            batch[name] = last.expand(len(alphas), *last.shape[1:])
    return batch, leaves


def _answers(
    reader: Reader, batches: Sequence[Batch], others: list[list[Tensor]], block: int, asked: Asked
) -> Tensor:
    """The number asked for, float64 ``(points,)``, from mixtures of one cell and the row's other cells; not
    calibrated, which has no gradients."""
    layer, count = reader.layers[block], len(next(iter(batches[0].values())))
    read = [[each.expand(*each.shape[:-2], count, -1) for each in views] for views in others]
    read[block] = [layer(view) for batch in batches for view in layer.views(batch)]
    scores = torch.cat([reader.network.scores_of(list(view)) for view in product(*read)])
    decoded = reader.network.output.decode(scores).reshape(count, -1).double()
    weights = torch.from_numpy(asked.weights).to(decoded)
    return (decoded @ weights + asked.offset).clamp(asked.low, asked.high)
