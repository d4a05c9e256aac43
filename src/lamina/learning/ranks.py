"""How well rows of rare classes are told from the others: a mean loss over all rows sees little of it."""

from __future__ import annotations

from typing import Final

import numpy as np

RARE: Final = 0.1  # classes with a smaller share of the rows


def rank_losses(probabilities: np.ndarray, answers: np.ndarray) -> np.ndarray:
    """For every row of a rare class the share of the rows of other classes that are held to be likelier of
    it (of equal ones half), float64 ``(rows of rare classes,)``, class after class.

    The mean over a class is one less the area under its ROC curve. ``probabilities`` ``(rows, class)``,
    ``answers`` their codes ``(rows,)``.
    """
    counts = np.bincount(answers, minlength=probabilities.shape[1])
    rare = np.flatnonzero((counts > 0) & (counts < RARE * len(answers)))
    found = [_above(probabilities[:, each], answers == each) for each in rare]
    return np.concatenate(found) if found else np.zeros(0)


def _above(scores: np.ndarray, own: np.ndarray) -> np.ndarray:
    others = np.sort(scores[~own])
    sides = [np.searchsorted(others, scores[own], side=side) for side in ("left", "right")]  # type: ignore
    shares: np.ndarray = 1 - np.mean(sides, axis=0) / len(others)
    return shares
