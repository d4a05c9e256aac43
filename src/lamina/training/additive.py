"""What small tables get beside their network: an additive model, and the share that it has in the answers.

With few rows a network learns much by heart, and a model that adds up what each column says may be the better
one, or the mean of both. The additive model is solved for in one go, by logistic regression on what
the input layers read, its penalty chosen by cross-validation. Held-out rows say how large its share is.
"""

from __future__ import annotations

import warnings

import msgspec
import numpy as np
import torch
from torch import Tensor

from lamina.network.hidden.additive import Additive
from lamina.network.network import Network
from lamina.training.examples import Examples

FOLDS = 4
PENALTIES = tuple(10.0**k for k in range(4))  # on squared weights, against the rows' summed losses
SHARES = tuple(k / 8 for k in range(9))
# Where held-out rows hardly tell, both models share alike: so many rows' loss speaks for that
PRIOR = 10
CHOOSE_ON = 1000  # rows by which the penalty of a model that is solved again is chosen


@torch.no_grad()
def fit_additive(
    network: Network, examples: Examples, rows: Tensor, share: float = 0.0, *, most: int | None = None
) -> None:
    """Solves for the additive model of these rows and gives it its share; nothing where there is none.
    ``most``: rows by which its penalty is chosen (None: all)."""
    if network.additive is None:
        return
    x, batch = _read(network, examples, rows).cpu().double().numpy(), examples.take(rows)
    mean, spread = x.mean(0), max(float(x.std(0).mean()), 1e-9)  # one: small vectors are small for a reason
    counts = None if batch.weights is None else batch.weights.cpu().numpy()
    answers, scores = batch.answers.cpu().numpy(), network.architecture.scores
    weights, bias = _logistic((x - mean) / spread, answers, counts, scores, most or len(x))
    weights = weights / spread
    own = network.additive
    own.weight.copy_(torch.from_numpy(weights))
    own.bias.copy_(torch.from_numpy(bias - mean @ weights))
    own.share.fill_(share)


def fit_again(network: Network, examples: Examples, rows: Tensor) -> None:
    """The additive model of these rows in place of the old one, with its share; none where there are more
    than two classes by now."""
    old = network.additive
    if old is None:
        return
    scores = network.architecture.scores
    width = sum(layer.width for layer in network.input_layers())
    if scores != old.weight.shape[1]:
        network.additive = None
        network.architecture = msgspec.structs.replace(network.architecture, additive=False)
        return
    network.additive = Additive(width, scores).to(old.weight.device).eval()
    fit_additive(network, examples, rows, float(old.share), most=CHOOSE_ON)


@torch.no_grad()
def choose_share(network: Network, examples: Examples, rows: Tensor) -> float:
    """Sets the share with which the joint answers lose least on these rows, held out of both models."""
    own: Additive | None = network.additive
    if own is None or not len(rows):
        return 0.0
    network.eval()
    output, batch = network.output, examples.take(rows)
    shares = torch.tensor(SHARES)
    losses = []
    with torch.autocast(examples.answers.device.type, enabled=False):
        for share in SHARES:
            own.share.fill_(share)
            decoded = output.decode(network(batch.arrays))
            losses.append(float(output.score("log_loss", decoded, batch.answers)))
    told = torch.tensor(losses)
    told = told / told.min().clamp_min(1e-9) + PRIOR / len(rows) * (2 * shares - 1).square()
    share = SHARES[int(told.argmin())]
    own.share.fill_(share)
    return share


def _read(network: Network, examples: Examples, rows: Tensor) -> Tensor:
    network.eval()
    with torch.autocast(examples.answers.device.type, enabled=False):
        arrays = examples.take(rows).arrays
        return network.joined([layer(arrays) for layer in network.input_layers()])


def _logistic(
    x: np.ndarray, y: np.ndarray, row_weights: np.ndarray | None, scores: int, most: int
) -> tuple[np.ndarray, np.ndarray]:
    """Standardised inputs ``(rows, width)``, answers, weights of rows → weights ``(width, scores)`` and bias
    ``(scores,)``; the penalty is chosen by ``most`` of the rows. Classes that do not occur get little
    probability."""
    from sklearn.linear_model import LogisticRegression, LogisticRegressionCV

    counts = np.bincount(y, minlength=scores)
    weights, bias = np.zeros((x.shape[1], scores)), np.log((counts + 0.5) / (counts + 0.5).sum())
    if (counts > 0).sum() < 2:
        return weights, bias
    strengths = [1 / penalty for penalty in PENALTIES]
    some = slice(None, None, -(-len(y) // most))
    few = np.bincount(y[some], minlength=scores)[counts > 0].min() < FOLDS
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # not converged after so many passes is good enough
        model = (
            LogisticRegression(C=0.1, max_iter=200)
            if few
            else LogisticRegressionCV(Cs=strengths, cv=FOLDS, scoring="neg_log_loss", max_iter=100)
        )
        if len(y) > most and not few:
            model.fit(x[some], y[some], sample_weight=None if row_weights is None else row_weights[some])
            model = LogisticRegression(C=float(model.C_[0]), max_iter=100)
        model.fit(x, y, sample_weight=row_weights)
    known = model.classes_
    if len(known) == 2:
        weights[:, known], bias[known] = (
            model.coef_.T * (-0.5, 0.5),
            model.intercept_[0] * np.array((-0.5, 0.5)),
        )
    else:
        weights[:, known], bias[known] = model.coef_.T, model.intercept_
    return weights, bias
