"""How well scores put positives before negatives.

Both are worked out from the sorted scores of all rows and those of the positives alone: where positives are
few, as with many classes, nearly all the work is the sorting.
"""

from __future__ import annotations

import numpy as np

Scores = dict[str, float]


def area_under_roc(scores: np.ndarray, positive: np.ndarray) -> float:
    """Share of (positive, negative) pairs in the right order, ties half (Mann-Whitney)."""
    return area_of_sorted(np.sort(scores), np.sort(scores[positive]))


def average_precision(scores: np.ndarray, positive: np.ndarray) -> float:
    """Precision at each threshold, weighted by the recall it adds, as scikit-learn defines it."""
    return precision_of_sorted(np.sort(scores), np.sort(scores[positive]))


def area_of_sorted(every: np.ndarray, positives: np.ndarray) -> float:
    """``area_under_roc`` from the sorted scores of all rows and of the positives."""
    below = np.searchsorted(every, positives, "left") + np.searchsorted(every, positives, "right")
    n = len(positives)
    return float((below.sum() - n * n) / (2 * n * (len(every) - n)))


def precision_of_sorted(every: np.ndarray, positives: np.ndarray) -> float:
    """``average_precision`` from the same."""
    taken = len(every) - np.searchsorted(every, positives, "left")  # rows with at least so large a score
    right = len(positives) - np.searchsorted(positives, positives, "left")
    return float((right / taken).mean())
