"""How well scores put positives before negatives."""

from __future__ import annotations

import numpy as np

Scores = dict[str, float]


def area_under_roc(scores: np.ndarray, positive: np.ndarray) -> float:
    """Share of (positive, negative) pairs in the right order, ties half (Mann-Whitney)."""
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    n, m = int(positive.sum()), int((~positive).sum())
    return float((ranks[positive].sum() - n * (n + 1) / 2) / (n * m))


def average_precision(scores: np.ndarray, positive: np.ndarray) -> float:
    """Precision at each threshold, weighted by the recall it adds, as scikit-learn defines it."""
    order = np.argsort(-scores, kind="stable")
    last = np.append(np.flatnonzero(np.diff(scores[order])), len(order) - 1)  # of rows with equal score
    right = np.cumsum(positive[order])[last]
    return float(np.sum(np.diff(right, prepend=0) * right / (last + 1)) / right[-1])
