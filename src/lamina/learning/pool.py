"""Several answers to the same row, weighed by how well they did."""

from __future__ import annotations

from typing import Final

import numpy as np

RATE: Final = 0.2  # of the weights, in each step divided by the size of the gradients so far
LEAST: Final = 1e-4  # a probability in a logarithm


class Pool:
    """``p ∝ Π pₖ^aₖ``, a logarithmic pool (Genest & Zidek 1986, "Combining probability distributions"), whose
    weights go down the gradient of the log loss (Duchi et al. 2011, "Adaptive subgradient methods").

    It starts with the first one alone. ``logs`` are logarithms of probabilities, ``(way, rows, class)``.
    """

    def __init__(self, ways: int) -> None:
        self.weights = np.zeros(ways)
        self.weights[0] = 1.0
        self._squares = np.full(ways, 1e-2)

    def __call__(self, logs: np.ndarray) -> np.ndarray:
        """Joint probabilities, float32 ``(rows, class)``."""
        scores = np.tensordot(self.weights, logs, 1)
        raised = np.exp(scores - scores.max(1, keepdims=True))
        return (raised / raised.sum(1, keepdims=True)).astype(np.float32)  # type: ignore[no-any-return]

    def learn(self, logs: np.ndarray, answers: np.ndarray) -> None:
        """One step by rows whose answers came, codes int64 ``(rows,)``."""
        off = self(logs)
        off[np.arange(len(answers)), answers] -= 1
        slope = np.einsum("krc,rc->k", logs, off) / len(answers)
        self._squares += slope**2
        self.weights = np.maximum(self.weights - RATE * slope / np.sqrt(self._squares), 0.0)


class Repeats:
    """How likely the last known answer comes again, and how often each one comes: what a stream says of the
    next answer without looking at the row. Older rows count less, half as much ``half`` rows later."""

    def __init__(self, classes: int, half: float = 1000.0) -> None:
        self.fade = 0.5 ** (1 / half)
        self.again = np.array([1.0, 2.0])  # times it did, of so many
        self.counts = np.ones(classes)

    def grow(self, classes: int) -> None:
        """Room for classes that came."""
        self.counts = np.concatenate([self.counts, np.ones(classes - len(self.counts))])

    def __call__(self, last: np.ndarray) -> np.ndarray:
        """Probabilities ``(rows, class)`` after these last known answers, codes, -1 where there is none."""
        shares = self.counts / self.counts.sum()
        told = np.tile(shares, (len(last), 1))
        known = np.flatnonzero(last >= 0)
        stay = self.again[0] / self.again[1]
        told[known, last[known]] = 0.0
        told[known] *= (1 - stay) / np.maximum(told[known].sum(1, keepdims=True), LEAST)
        told[known, last[known]] = stay
        return told

    def learn(self, last: np.ndarray, answers: np.ndarray) -> None:
        """Takes rows whose answers came."""
        known = last >= 0
        fade = self.fade ** len(answers)
        self.again = self.again * fade + (float((last == answers)[known].sum()), float(known.sum()))
        self.again = np.maximum(self.again, (1e-3, 2e-3))
        self.counts = np.maximum(self.counts * fade + np.bincount(answers, minlength=len(self.counts)), 1e-3)


def logs_of(probabilities: np.ndarray) -> np.ndarray:
    """Their logarithms; no way may be so sure that the others cannot contradict it."""
    logs: np.ndarray = np.log(np.clip(probabilities, LEAST, 1.0))
    return logs
