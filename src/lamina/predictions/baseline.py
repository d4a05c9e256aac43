"""Honest baselines: what a constant answer and a linear model reach on the same rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

import numpy as np

from lamina.features.base import Arrays
from lamina.features.features import Features
from lamina.features.targets.base import Target

if TYPE_CHECKING:
    from lamina.network.outputs.base import Output

MOST_CELLS: Final = 8_000_000  # rows × columns of the linear model's matrix at once


@dataclass(frozen=True)
class Baseline:
    """A constant answer and a linear model, both fitted on training rows.

    ``constant`` ``(width,)`` is the target's own: class shares, the mean, quantiles; ``weights``
    ``(columns, scores)`` and ``bias`` are the linear model's, which gives scores as the output layer does.
    """

    constant: np.ndarray
    weights: np.ndarray
    bias: np.ndarray

    def constant_answers(self, target: Target, rows: int) -> np.ndarray:
        """Decoded answers ``(rows, …)``, all the same."""
        answers = np.tile(self.constant, (rows, 1))
        return answers[:, 0] if target.flat else answers

    def linear_answers(self, features: Features, arrays: Arrays, output: Output) -> np.ndarray:
        """Decoded answers ``(rows, …)``; of no width where no linear model gives such answers."""
        rows, size = len(next(iter(arrays.values()))), max(1, MOST_CELLS // max(len(self.weights), 1))
        if not output.linear:
            return np.zeros((rows, 0), np.float32)
        scores = np.empty((rows, len(self.bias)), np.float32)
        for start in range(0, rows, size):  # one column per category: thousands of columns make many more
            part = {name: each[start : start + size] for name, each in arrays.items()}
            scores[start : start + size] = linear_matrix(features, part) @ self.weights + self.bias
        import torch

        with torch.inference_mode():
            answers: np.ndarray = output.decode(torch.from_numpy(scores)[None]).numpy()
        return answers

    def tensors(self) -> dict[str, np.ndarray]:
        return {"constant": self.constant, "weights": self.weights, "bias": self.bias}

    @classmethod
    def of(cls, tensors: Mapping[str, np.ndarray]) -> Self:
        return cls(tensors["constant"], tensors["weights"], tensors["bias"])


def linear_matrix(features: Features, arrays: Arrays) -> np.ndarray:
    """Every block as columns a linear model can use: float32 ``(rows, columns)``."""
    return np.concatenate([each.linear(arrays) for each in features], axis=1)


def linear_width(features: Features) -> int:
    """How many columns ``linear_matrix`` makes of these features."""
    return sum(each.linear_width for each in features)
