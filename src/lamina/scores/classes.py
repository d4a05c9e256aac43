"""How good answers of one class among several are."""

from __future__ import annotations

import numpy as np

from lamina.scores.calibration import calibration_error
from lamina.scores.ranking import Scores, area_of_sorted, precision_of_sorted

LEAST = 1e-12  # a probability in a logarithm
AT_ONCE = 4_000_000  # probabilities sorted at once


def log_loss(probabilities: np.ndarray, answers: np.ndarray) -> float:
    """Mean of ``-log p`` of the class that came; an answer of -1 is left out (NaN where all are)."""
    rows = np.flatnonzero(answers >= 0)
    if not len(rows):
        return float("nan")
    picked = probabilities[rows, answers[rows]].astype(np.float64)
    return float(-np.log(np.clip(picked, LEAST, 1.0)).mean())


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
    p, y = (probabilities, answers) if known.all() else (probabilities[known], answers[known])
    scores |= _ranking_scores(p, y)
    scores["log_loss"] = log_loss(p, y)
    scores["ece"] = calibration_error(p, y)
    return scores


def _balanced_accuracy(answers: np.ndarray, chosen: np.ndarray) -> float:
    """Mean recall of the classes that occur (scikit-learn's own warns about the others)."""
    classes, inverse = np.unique(answers, return_inverse=True)
    right = np.bincount(inverse, chosen == answers, minlength=len(classes))
    return float((right / np.bincount(inverse, minlength=len(classes))).mean())


def _ranking_scores(probabilities: np.ndarray, answers: np.ndarray) -> Scores:
    """AUROC and average precision; more than two classes: the mean of one against the rest."""
    classes = probabilities.shape[1]
    counts = np.bincount(answers, minlength=classes)
    judged = np.flatnonzero((counts > 0) & (counts < len(answers)))
    judged = judged[judged == 1] if classes == 2 else judged
    rows = np.split(np.argsort(answers, kind="stable"), np.cumsum(counts)[:-1])  # of every class
    areas, precisions = [], []
    size = max(1, AT_ONCE // len(answers))
    for some in (judged[start : start + size] for start in range(0, len(judged), size)):
        columns = np.ascontiguousarray(probabilities[:, some].T)
        for k, column, every in zip(some, columns, np.sort(columns, axis=1), strict=True):
            positives = np.sort(column[rows[k]])
            areas.append(area_of_sorted(every, positives))
            precisions.append(precision_of_sorted(every, positives))
    if not areas:
        return {}
    return {"auroc": float(np.mean(areas)), "average_precision": float(np.mean(precisions))}


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
