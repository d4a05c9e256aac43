"""How good answers are: the scores by name, with bootstrap intervals."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

DRAWS = 200  # bootstrap samples
MOST_WORK = 8_000_000  # rows × draws spent on intervals; fewer draws beyond
BINS = 15  # of the calibration error

Scores = dict[str, float]


def class_scores(probabilities: np.ndarray, answers: np.ndarray) -> Scores:
    """All scores of a classifier. ``probabilities`` ``(rows, class)``, ``answers`` codes ``(rows,)``.

    An answer of -1 is a class that training never saw: it counts as wrong in the scores that look at the
    predicted class, and is left out of those that look at its probability. A score that these rows
    cannot give (AUROC of a single class) is left out.
    """
    chosen = probabilities.argmax(1)
    scores = {
        "accuracy": float((chosen == answers).mean()),
        "balanced_accuracy": _balanced_accuracy(answers, chosen),
        "f1": macro_f1(answers, chosen, probabilities.shape[1]),
    }
    known = answers >= 0
    if not known.any():
        return scores
    p, y = probabilities[known].astype(np.float64), answers[known]
    scores |= _ranking_scores(p, y)
    picked = np.clip(p[np.arange(len(y)), y], 1e-12, 1.0)
    scores["log_loss"] = float(-np.log(picked).mean())
    scores["ece"] = calibration_error(p, y)
    return scores


def number_scores(values: np.ndarray, answers: np.ndarray) -> Scores:
    """RMSE, MAE and R² in the user's unit, ``(rows,)`` each."""
    error = values - answers
    scores = {
        "rmse": float(np.sqrt(np.mean(error**2))),
        "mae": float(np.mean(np.abs(error))),
    }
    variance = float(np.var(answers))
    if variance > 0:
        scores["r2"] = float(1 - np.mean(error**2) / variance)
    return scores


def calibration_error(probabilities: np.ndarray, answers: np.ndarray) -> float:
    """Expected calibration error: the gap between confidence and accuracy, over bins of equal width
    (Guo et al. 2017, "On calibration of modern neural networks")."""
    confidence = probabilities.max(1)
    right = probabilities.argmax(1) == answers
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    rows = np.bincount(bins, minlength=BINS)
    gaps = np.abs(np.bincount(bins, right, minlength=BINS) - np.bincount(bins, confidence, minlength=BINS))
    return float(gaps.sum() / max(rows.sum(), 1))


def intervals(
    score: Callable[[np.ndarray, np.ndarray], Scores],
    predicted: np.ndarray,
    answers: np.ndarray,
    seed: int = 0,
) -> dict[str, tuple[float, float]]:
    """95 % percentile bootstrap interval of every score: the rows drawn again with replacement."""
    rng = np.random.default_rng(seed)
    draws = int(np.clip(MOST_WORK // max(len(answers), 1), 20, DRAWS))
    drawn: dict[str, list[float]] = {}
    for _ in range(draws):
        rows = rng.integers(0, len(answers), len(answers))
        for name, value in score(predicted[rows], answers[rows]).items():
            drawn.setdefault(name, []).append(value)
    return {
        name: (float(np.quantile(values, 0.025)), float(np.quantile(values, 0.975)))
        for name, values in drawn.items()
    }


def _balanced_accuracy(answers: np.ndarray, chosen: np.ndarray) -> float:
    """Mean recall of the classes that occur (scikit-learn's own warns about the others)."""
    classes, inverse = np.unique(answers, return_inverse=True)
    right = np.bincount(inverse, chosen == answers, minlength=len(classes))
    return float((right / np.bincount(inverse, minlength=len(classes))).mean())


def _ranking_scores(probabilities: np.ndarray, answers: np.ndarray) -> Scores:
    """AUROC and average precision; more than two classes: the mean of one against the rest."""
    two = probabilities.shape[1] == 2
    areas, precisions = [], []
    for k in (1,) if two else range(probabilities.shape[1]):
        positive = answers == k
        if 0 < positive.sum() < len(positive):
            areas.append(area_under_roc(probabilities[:, k], positive))
            precisions.append(average_precision(probabilities[:, k], positive))
    if not areas:
        return {}
    return {"auroc": float(np.mean(areas)), "average_precision": float(np.mean(precisions))}


def area_under_roc(scores: np.ndarray, positive: np.ndarray) -> float:
    """Share of (positive, negative) pairs in the right order, ties half (Mann-Whitney)."""
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    n, m = int(positive.sum()), int((~positive).sum())
    return float((ranks[positive].sum() - n * (n + 1) / 2) / (n * m))


def macro_f1(answers: np.ndarray, chosen: np.ndarray, classes: int) -> float:
    """Mean F1 of the classes that occur among answers or chosen, as scikit-learn defines it.

    A class that training never saw (-1) counts as one class with F1 0.
    """
    known = answers >= 0
    both = np.bincount(answers[answers == chosen], minlength=classes)
    either = np.bincount(answers[known], minlength=classes) + np.bincount(chosen, minlength=classes)
    occurs = either > 0
    unseen = int((~known).any())
    return float((2 * both / np.maximum(either, 1))[occurs].sum() / (occurs.sum() + unseen))


def average_precision(scores: np.ndarray, positive: np.ndarray) -> float:
    """Precision at each threshold, weighted by the recall it adds, as scikit-learn defines it."""
    order = np.argsort(-scores, kind="stable")
    last = np.append(np.flatnonzero(np.diff(scores[order])), len(order) - 1)  # of rows with equal score
    right = np.cumsum(positive[order])[last]
    return float(np.sum(np.diff(right, prepend=0) * right / (last + 1)) / right[-1])
