"""Whether probabilities mean what they say: of the answers given with 70 %, seven in ten should be right."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

BINS = 15  # of the calibration error
NOISE_DRAWS = 20


class Bin(NamedTuple):
    """The rows whose confidence lies between two bounds: their mean confidence, and the share that is
    right."""

    low: float
    high: float
    rows: int
    confidence: float
    right: float


def calibration_error(probabilities: np.ndarray, answers: np.ndarray) -> float:
    """Expected calibration error: the gap between confidence and accuracy, over bins of equal width
    (Guo et al. 2017, "On calibration of modern neural networks"). ``probabilities`` ``(rows, class)``."""
    return confidence_error(probabilities.max(1).astype(np.float64), probabilities.argmax(1) == answers)


def calibration_noise(probabilities: np.ndarray, seed: int = 0) -> float:
    """The calibration error that perfectly honest probabilities would show on so few rows, by chance alone:
    the mean over draws in which each answer is right with the probability it was given."""
    return _noise(probabilities.max(1), seed)


def reliability(probabilities: np.ndarray, answers: np.ndarray, bins: int = BINS) -> list[Bin]:
    """Confidence beside the share that is right, bin by bin; bins without rows are left out."""
    return binned(probabilities.max(1), probabilities.argmax(1) == answers, bins)


def binned(confidence: np.ndarray, right: np.ndarray, bins: int = BINS) -> list[Bin]:
    """The same for any probabilities ``(n,)`` and whether what they were given to came about."""
    placed = _placed(confidence, bins)
    found = []
    for each in np.unique(placed):
        chosen = placed == each
        means = float(confidence[chosen].mean()), float(right[chosen].mean())
        found.append(Bin(each / bins, (each + 1) / bins, int(chosen.sum()), *means))
    return found


def labels_calibration_error(probabilities: np.ndarray, answers: np.ndarray) -> float:
    """The same gap over the probabilities of all labels, ``(rows, label)`` both: of the labels given with
    0.3, three in ten should apply."""
    return confidence_error(probabilities.ravel(), answers.ravel() > 0.5)


def labels_calibration_noise(probabilities: np.ndarray, seed: int = 0) -> float:
    """What honest probabilities of labels would show by chance."""
    return _noise(probabilities.ravel(), seed)


def _noise(confidence: np.ndarray, seed: int) -> float:
    drawn = np.random.default_rng((seed, NOISE_DRAWS)).random((NOISE_DRAWS, len(confidence))) < confidence
    return float(np.mean([confidence_error(confidence, right) for right in drawn]))


def confidence_error(confidence: np.ndarray, right: np.ndarray) -> float:
    """The gap from how sure each answer was and whether it was right, both ``(rows,)``."""
    placed = _placed(confidence, BINS)
    gaps = np.bincount(placed, right, minlength=BINS) - np.bincount(placed, confidence, minlength=BINS)
    return float(np.abs(gaps).sum() / max(len(confidence), 1))


def _placed(confidence: np.ndarray, bins: int) -> np.ndarray:
    return np.minimum((confidence * bins).astype(int), bins - 1)
