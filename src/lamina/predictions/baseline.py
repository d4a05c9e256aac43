"""Honest baselines: what a constant answer and a linear model reach on the same rows."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np

from lamina.features.base import Arrays
from lamina.features.features import Features

MOST_ROWS = 20_000  # training rows of the linear model
MOST_CELLS = 8_000_000  # rows × columns of its matrix
AT_ONCE = 1000  # rows copied from the arrays at a time


@dataclass(frozen=True)
class Baseline:
    """A constant answer and a linear model, both fitted on training rows.

    ``constant`` are the class shares, or the mean (one number, 0 in standard units); ``weights``
    ``(columns, scores)`` and ``bias`` are the linear model's.
    """

    constant: np.ndarray
    weights: np.ndarray
    bias: np.ndarray

    @classmethod
    def fit(
        cls,
        features: Features,
        arrays: Arrays,
        answers: np.ndarray,
        train: np.ndarray,
        classes: int,
        seed: int,
    ) -> Self:
        """Logistic regression or ridge on standardised numbers and one-hot categories.

        ``train`` are the rows to learn from, of which a sample is taken where there are many.
        """
        from sklearn.linear_model import LogisticRegression, Ridge

        rows = train[_sampled(len(train), features, seed)]
        x = _linear_rows(features, arrays, rows)
        y = answers[rows]
        if not classes:
            ridge = Ridge(alpha=1.0).fit(x, y)
            weights, bias = ridge.coef_.reshape(-1, 1), np.atleast_1d(ridge.intercept_)
            return cls(np.array([answers[train].mean()], np.float32), _f32(weights), _f32(bias))
        shares = np.bincount(answers[train], minlength=classes) / len(train)
        weights, bias = np.zeros((x.shape[1], classes)), np.log(np.clip(shares, 1e-9, 1))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # not converged after 200 passes is good enough here
            model = LogisticRegression(max_iter=200).fit(x, y) if len(np.unique(y)) > 1 else None
        if model is not None and len(model.classes_) == 2:
            bias[:] = -1e9
            weights[:, model.classes_[1]] = model.coef_[0]
            bias[model.classes_[0]], bias[model.classes_[1]] = 0.0, model.intercept_[0]
        elif model is not None:
            bias[:] = -1e9
            weights[:, model.classes_], bias[model.classes_] = model.coef_.T, model.intercept_
        return cls(_f32(shares), _f32(weights), _f32(bias))

    def constant_answers(self, rows: int) -> np.ndarray:
        """Probabilities ``(rows, class)`` or standard units ``(rows,)``."""
        if len(self.constant) == 1:
            return np.full(rows, self.constant[0])
        return np.tile(self.constant, (rows, 1))

    def linear_answers(self, features: Features, arrays: Arrays) -> np.ndarray:
        """Probabilities ``(rows, class)`` or standard units ``(rows,)``."""
        scores = linear_matrix(features, arrays) @ self.weights + self.bias
        if len(self.constant) == 1:
            return scores[:, 0]
        scores -= scores.max(1, keepdims=True)
        shares = np.exp(scores)
        return shares / shares.sum(1, keepdims=True)

    def tensors(self) -> dict[str, np.ndarray]:
        return {"constant": self.constant, "weights": self.weights, "bias": self.bias}

    @classmethod
    def of(cls, tensors: Mapping[str, np.ndarray]) -> Self:
        return cls(tensors["constant"], tensors["weights"], tensors["bias"])


def linear_matrix(features: Features, arrays: Arrays) -> np.ndarray:
    """Every block as columns a linear model can use: float32 ``(rows, columns)``."""
    return np.concatenate([each.linear(arrays) for each in features], axis=1)


def _linear_rows(features: Features, arrays: Arrays, rows: np.ndarray) -> np.ndarray:
    """``linear_matrix`` of these rows, some at a time: media take far more memory than their columns here."""
    parts = [rows[start : start + AT_ONCE] for start in range(0, len(rows), AT_ONCE)]
    return np.concatenate(
        [linear_matrix(features, {name: each[part] for name, each in arrays.items()}) for part in parts]
    )


def linear_width(features: Features) -> int:
    """How many columns ``linear_matrix`` makes of these features."""
    return sum(each.linear_width for each in features)


def _sampled(rows: int, features: Features, seed: int) -> np.ndarray:
    most = min(MOST_ROWS, max(200, MOST_CELLS // max(linear_width(features), 1)))
    if rows <= most:
        return np.arange(rows)
    return np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))


def _f32(values: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(values, np.float32)
