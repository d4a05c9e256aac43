"""The linear part of layers that have one: fitted in closed form, blended with what the rest has learnt.

A linear model of all n-grams and a network of the frequent ones err differently, so that both together are
better than either. How much each counts is found on rows held out; what the linear part says of a row that
it was fitted on is what it would say had that row been left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from lamina.network.engine import rows_at_once
from lamina.network.inputs.base import Input
from lamina.network.network import Network
from lamina.network.outputs.base import LinearOutput, Output
from lamina.network.outputs.classes import Classes
from lamina.training.examples import Examples

if TYPE_CHECKING:
    from scipy import sparse

RIDGES = (0.03, 0.1, 0.3, 1.0, 3.0)  # penalties tried, in shares of a row's mean square
SCALES = tuple(float(each) for each in np.geomspace(1, 50, 30))  # of class scores, from shares to logits
LOUDER = tuple(float(each) for each in np.geomspace(0.4, 6, 16))  # of scores that smoothing left modest
SHARES = tuple(each / 10 for each in range(10))  # of the linear part
SAMPLE = 2000  # rows that the penalty is chosen on
AT_ONCE = 1024  # rows of the kernel computed at once


@dataclass(frozen=True)
class LinearParts:
    """What the linear parts say of every row, ``(rows, scores)`` the mean of all, None where there are none;
    ``prior`` ``(scores,)`` is what they say of an empty row."""

    told: Tensor | None
    prior: Tensor

    def heard(self, examples: Examples) -> Examples:
        """Examples in which the linear parts speak for themselves."""
        arrays = {name: each for name, each in examples.arrays.items() if not name.endswith(".told")}
        return Examples(arrays, examples.answers, examples.weights)


NO_LINEAR_PARTS = LinearParts(None, torch.zeros(0))


class Blend(NamedTuple):
    """Factors of the scores that the rest of the network gives, and of those of the linear parts."""

    rest: float
    linear: float


def fit_linear(network: Network, examples: Examples, rows: Tensor) -> tuple[LinearParts, Examples]:
    """Fits the linear parts on ``rows`` and puts them in. In the examples that come back they are silent:
    the rest of the network learns as if they were not there."""
    layers = [each for each in network.input_layers() if each.told]
    if not layers:
        return NO_LINEAR_PARTS, examples
    classes = isinstance(network.output, Classes)
    found = [_fit(each, examples, rows, classes=classes) for each in layers]
    told = torch.stack([told + prior for told, prior in found]).mean(0)
    silent = {f"{each.name}.told": torch.zeros_like(told) for each in layers}
    parts = LinearParts(told, torch.stack([prior for _, prior in found]).mean(0))
    return parts, Examples({**examples.arrays, **silent}, examples.answers, examples.weights)


@torch.no_grad()
def choose_blend(network: Network, examples: Examples, rows: Tensor, parts: LinearParts) -> Blend:
    """The factors with which rows are told best from which the rest of the network has not learnt.

    Numbers by squared error. Classes by the share of right answers, smoothed over neighbouring shares, since
    on few rows it jumps; how loud the blend is, by log loss.
    """
    if parts.told is None or not len(rows):
        return Blend(1.0, 0.0)
    network.eval()
    held, chunks = examples.take(rows), rows.split(rows_at_once(examples.arrays))
    scores = torch.cat([network(examples.take(each).arrays).float() for each in chunks], dim=1)
    told = parts.told[rows]
    weights = torch.ones_like(told[:, 0]) if held.weights is None else held.weights

    def decoded(blend: Blend) -> Tensor:
        output: Output = network.output
        return output.decode(blend.rest * scores + blend.linear * told)

    def error(blend: Blend) -> float:
        return float(((decoded(blend) - held.answers).square() * weights).mean())

    def right(blend: Blend) -> float:
        return float(((decoded(blend).argmax(1) == held.answers) * weights).mean())

    def log_loss(blend: Blend) -> float:
        losses = F.nll_loss(decoded(blend).clamp_min(1e-12).log(), held.answers, reduction="none")
        return float((losses * weights).mean())

    if not isinstance(network.output, Classes):
        return min((Blend(1 - share, share) for share in SHARES), key=error)
    rest = min(LOUDER, key=lambda loud: log_loss(Blend(loud, 0.0)))
    shares = [Blend((1 - share) * rest, share) for share in SHARES]
    best = shares[int(np.argmax(_smooth([right(each) for each in shares])))]
    return min((Blend(best.rest * loud, best.linear * loud) for loud in LOUDER), key=log_loss)


def _smooth(values: Sequence[float]) -> np.ndarray:
    """Each the mean of itself and its neighbours: on few rows accuracy jumps from one to the next."""
    padded = np.pad(np.array(values), 1, mode="edge")
    return (padded[:-2] + padded[1:-1] + padded[2:]) / 3


@torch.no_grad()
def put_in(network: Network, parts: LinearParts, blend: Blend) -> None:
    """The linear scores go to the output as they are, times their factor, and to no hidden layer."""
    output: LinearOutput = network.output  # type: ignore[assignment]
    if parts.told is None:
        return
    output.weight.mul_(blend.rest)
    output.bias.mul_(blend.rest).add_(parts.prior, alpha=blend.linear)
    layers = [each for each in network.input_layers() if each.told]
    for layer in layers:
        joined, last = _places(network, layer)
        if network.hidden.teams[0].first is not None:
            network.hidden.teams[0].first.weight[:, joined] = 0
        eye = torch.eye(layer.told, device=output.weight.device)
        output.weight[:, last] = eye * blend.linear / len(layers) / output.gain


def _places(network: Network, wanted: Input) -> tuple[slice, slice]:
    """Where the linear scores of a layer stand in what hidden layers read, and in what the output reads."""
    joined, last = 0, network.hidden.width if network.hidden.teams[0].first is not None else 0
    for layer in network.input_layers():
        joined += layer.width
        last += layer.width if layer.deep or network.hidden.teams[0].first is None else 0
        if layer is wanted:
            break
    return slice(joined - wanted.told, joined), slice(last - wanted.told, last)


def _fit(layer: Input, examples: Examples, rows: Tensor, *, classes: bool) -> tuple[Tensor, Tensor]:
    """What the linear part says of all rows ``(rows, told)``, and the scores ``(told,)`` of an empty row."""
    codes, weights = examples.arrays[layer.name].cpu(), examples.arrays[f"{layer.name}.weights"].cpu()
    table: Tensor = layer.linear  # type: ignore[assignment]
    matrix, fitted = _sparse(codes, weights, len(table)), rows.cpu().numpy()
    answers, counts = examples.answers.cpu()[fitted], _counts(examples, rows)
    wanted = torch.eye(layer.told)[answers] if classes else answers[:, None].float()
    prior = (wanted * counts.square()).mean(0)
    x, y = matrix[fitted].multiply(counts.numpy()).tocsr(), counts * (wanted - prior)
    ridge = _best_ridge(matrix[fitted], wanted - prior, answers if classes else None, prior)
    duals, left_out = solve(kernel(x), y, ridge * _mean_square(x))
    left_out = left_out / counts
    scale = _best_scale(left_out + prior, answers)[0] if classes else 1.0
    table.copy_(torch.from_numpy(x.T @ duals.numpy()) * scale)
    told = torch.from_numpy(matrix @ table.float().cpu().numpy())
    told[fitted] = left_out * scale
    return told.to(examples.answers.device), (prior * scale).to(examples.answers.device)


def _counts(examples: Examples, rows: Tensor) -> Tensor:
    """Roots of the rows' weights, ``(rows, 1)``: a row of weight 4 counts as if it stood there four times."""
    if examples.weights is None:
        return torch.ones(len(rows), 1)
    return examples.weights[rows].cpu().clamp_min(1e-6).sqrt()[:, None]


def _sparse(codes: Tensor, weights: Tensor, columns: int) -> sparse.csr_matrix:
    """The weights of every row's n-grams, float32 ``(rows, columns)``."""
    from scipy import sparse  # only where it is needed: predicting starts without it

    there = (codes > 0) & (codes < columns)
    ends = np.concatenate([[0], there.sum(1).cumsum(0).numpy()])
    parts = (weights[there].float().numpy(), codes[there].numpy(), ends)
    return sparse.csr_matrix(parts, shape=(len(codes), columns))


def _mean_square(x: sparse.csr_matrix) -> float:
    return float(x.multiply(x).sum()) / max(1, x.shape[0])


def kernel(x: sparse.csr_matrix) -> Tensor:
    """``X Xᵀ``, float32 ``(rows, rows)``."""
    rows, other = x.shape[0], x.T.tocsr()
    found = np.empty((rows, rows), np.float32)
    for start in range(0, rows, AT_ONCE):
        found[start : start + AT_ONCE] = (x[start : start + AT_ONCE] @ other).toarray()
    return torch.from_numpy(found)


def solve(gram: Tensor, y: Tensor, penalty: float) -> tuple[Tensor, Tensor]:
    """Ridge regression by its dual: ``α = (K + λ I)⁻¹ y``, and what is said of each row without it.

    The latter costs no further fit: ``yᵢ - αᵢ / (K + λ I)⁻¹ᵢᵢ`` (Rifkin & Lippert 2007, "Notes on
    regularized least squares"). **Shape**: ``(rows, rows)``, ``(rows, scores)`` → twice ``(rows, scores)``.
    """
    gram.diagonal().add_(penalty)
    inverse = torch.cholesky_inverse(torch.linalg.cholesky(gram))
    duals = torch.from_numpy(inverse.numpy() @ y.numpy())  # torch may round products to bf16 here
    return duals, y - duals / inverse.diagonal()[:, None]


def _best_ridge(x: sparse.csr_matrix, y: Tensor, answers: Tensor | None, prior: Tensor) -> float:
    """The penalty with which a sample of the rows is told best, each without itself."""
    some = slice(None, None, max(1, -(-x.shape[0] // SAMPLE)))
    gram, square = kernel(x[some]), _mean_square(x[some])
    losses = []
    for ridge in RIDGES:
        left_out = solve(gram.clone(), y[some], ridge * square)[1]
        if answers is None:
            losses.append(float((left_out - y[some]).square().mean()))
        else:
            losses.append(_best_scale(left_out + prior, answers[some])[1])
    return RIDGES[int(np.argmin(losses))]


def _best_scale(shares: Tensor, answers: Tensor) -> tuple[float, float]:
    """The factor that turns class shares into the best logits, and their log loss."""
    losses = [float(F.cross_entropy(shares * scale, answers)) for scale in SCALES]
    best = int(np.argmin(losses))
    return SCALES[best], losses[best]
