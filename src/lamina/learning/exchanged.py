"""Answers that are exchanged at random, and what a network's probabilities are for such answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

import numpy as np

ROUNDS: Final = 50  # of expectation and maximisation
LEAST: Final = 1e-12


@dataclass(frozen=True)
class Exchanged:
    """A ``share`` of the answers, 0 to 1, is drawn from ``instead`` ``(class,)`` whatever the row."""

    share: float
    instead: np.ndarray

    @classmethod
    def found(cls, probabilities: np.ndarray, answers: np.ndarray) -> Self:
        """The most likely share (Dempster et al. 1977, "Maximum likelihood from incomplete data via the EM
        algorithm"); ``probabilities`` ``(rows, class)`` are for answers that nobody exchanged, ``answers``
        the codes that came, int64 ``(rows,)``."""
        classes = probabilities.shape[1]
        share, instead = 0.1, np.full(classes, 1 / classes)
        if not len(answers):
            return cls(0.0, instead)
        true = probabilities[np.arange(len(answers)), answers].astype(np.float64)
        for _ in range(ROUNDS):
            drawn = share * instead[answers]
            part = drawn / np.maximum(drawn + (1 - share) * true, LEAST)
            share = float(part.mean())
            counts = np.bincount(answers, part, minlength=classes)
            instead = counts / max(float(counts.sum()), LEAST)
        return cls(share, instead)

    def __call__(self, probabilities: np.ndarray) -> np.ndarray:
        """Probabilities of the answers that come, ``(rows, class)``."""
        told: np.ndarray = (1 - self.share) * probabilities + self.share * self.instead
        return told
