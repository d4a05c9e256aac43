"""The linear model among the baselines: the same answers from a weighted sum of the inputs."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from lamina.features.base import Arrays
from lamina.features.features import Features
from lamina.network.outputs.base import LinearOutput, Output
from lamina.network.outputs.classes import Classes
from lamina.network.outputs.number import Number
from lamina.predictions.baseline import MOST_CELLS, linear_matrix, linear_width

MOST_ROWS = 20_000  # training rows of the linear model
ROUNDS = 100  # of the optimizer
AT_ONCE = 1000  # rows copied from the arrays at a time
RIDGE = 1.0  # squared weights, against the sum of the rows' losses

# Inputs (rows, columns) and answers → weights (columns, scores) and bias (scores,)
Linear = tuple[np.ndarray, np.ndarray]


def fit_linear(
    output: Output, features: Features, arrays: Arrays, answers: np.ndarray, train: np.ndarray, seed: int
) -> Linear:
    """Weights and bias on standardised numbers and one-hot categories, for every target by itself.

    ``train`` are the rows to learn from, of which a sample is taken where there are many.
    """
    rows = train[_sampled(len(train), features, seed)]
    x = _linear_rows(features, arrays, rows)
    found = []
    for head in output.heads(torch.from_numpy(answers[rows])):
        learn = _learner(head.output)
        found.append(learn(head.output, x[head.known.cpu().numpy()], head.answers))
    weights, bias = (np.concatenate(each, axis=-1) for each in zip(*found, strict=True))
    return _f32(weights), _f32(bias)


def _learner(output: LinearOutput) -> Callable[[LinearOutput, np.ndarray, Tensor], Linear]:
    """scikit-learn's solvers where they know the answer; on a GPU the same made small there: sooner."""
    if not output.linear:
        return _nothing
    return _by_gradient if output.weight.is_cuda else _KNOWN.get(type(output), _by_gradient)


def _logistic(output: LinearOutput, x: np.ndarray, answers: Tensor) -> Linear:
    """Logistic regression. Classes that do not occur get no probability."""
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    y, classes = answers.numpy(), output.weight.shape[-1]
    shares = np.bincount(y, minlength=classes) / max(len(y), 1)
    weights, bias = np.zeros((x.shape[1], classes)), np.log(np.clip(shares, 1e-9, 1))
    if len(np.unique(y)) < 2:
        return weights, bias
    # Threads would wait for each other longer than so small products take them, and for those of torch
    with warnings.catch_warnings(), threadpool_limits(1, user_api="blas"):
        warnings.simplefilter("ignore")  # not converged after 200 passes is good enough here
        model = LogisticRegression(max_iter=200).fit(x, y)
    bias[:] = -1e9
    if len(model.classes_) == 2:
        weights[:, model.classes_[1]] = model.coef_[0]
        bias[model.classes_[0]], bias[model.classes_[1]] = 0.0, model.intercept_[0]
    else:
        weights[:, model.classes_], bias[model.classes_] = model.coef_.T, model.intercept_
    return weights, bias


def _ridge(output: LinearOutput, x: np.ndarray, answers: Tensor) -> Linear:
    """Ridge regression."""
    from sklearn.linear_model import Ridge

    ridge = Ridge(alpha=RIDGE).fit(x, answers.numpy())
    return ridge.coef_.reshape(-1, 1), np.atleast_1d(ridge.intercept_)


def _by_gradient(output: LinearOutput, x: np.ndarray, answers: Tensor) -> Linear:
    """The output layer's own loss made small by L-BFGS: a linear model for every kind of answer."""
    from scipy.optimize import minimize

    device, scores, output = output.weight.device, output.weight.shape[-1], copy.copy(output)
    output.smoothing = 0.0  # a linear model tells probabilities as they are
    inputs, answers = torch.from_numpy(x).to(device), answers.to(device)
    shape = (x.shape[1] + 1, scores)

    def lost(values: np.ndarray) -> tuple[float, np.ndarray]:
        """The loss of these weights and, in the last row, bias; and its gradient."""
        both = torch.from_numpy(values.astype(np.float32)).view(shape).to(device).requires_grad_()
        told = output.losses((inputs @ both[:-1] + both[-1])[None], answers)
        loss = told.mean() + RIDGE * both[:-1].square().sum() / (2 * max(len(x), 1))
        loss.backward()  # type: ignore[no-untyped-call]
        assert both.grad is not None
        return loss.item(), both.grad.flatten().cpu().double().numpy()

    with torch.enable_grad():  # scipy's, since torch's own brings a compiler along: seconds of imports
        start = np.zeros(shape[0] * shape[1])
        found = minimize(lost, start, jac=True, method="L-BFGS-B", options={"maxiter": ROUNDS}).x
    weights = found.reshape(shape)
    return weights[:-1], weights[-1]


def _nothing(output: LinearOutput, x: np.ndarray, answers: Tensor) -> Linear:
    """For answers that no linear model gives."""
    scores = output.weight.shape[-1]
    return np.zeros((x.shape[1], scores)), np.zeros(scores)


_KNOWN: dict[type[LinearOutput], Callable[[LinearOutput, np.ndarray, Tensor], Linear]] = {
    Classes: _logistic,
    Number: _ridge,
}


def _linear_rows(features: Features, arrays: Arrays, rows: np.ndarray) -> np.ndarray:
    """``linear_matrix`` of these rows, some at a time: media take far more memory than their columns here."""
    parts = [rows[start : start + AT_ONCE] for start in range(0, len(rows), AT_ONCE)]
    return np.concatenate(
        [linear_matrix(features, {name: each[part] for name, each in arrays.items()}) for part in parts]
    )


def _sampled(rows: int, features: Features, seed: int) -> np.ndarray:
    most = min(MOST_ROWS, max(200, MOST_CELLS // max(linear_width(features), 1)))
    if rows <= most:
        return np.arange(rows)
    return np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))


def _f32(values: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(values, np.float32)
