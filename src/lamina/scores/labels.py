"""How good answers of several labels per row are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lamina.scores.calibration import labels_calibration_error
from lamina.scores.classes import LEAST
from lamina.scores.ranking import Scores, area_under_roc

MOST_NAMED = 20  # labels up to which each one's ranking is a score of its own


def label_scores(probabilities: np.ndarray, answers: np.ndarray, labels: Sequence[str]) -> Scores:
    """F1, Jaccard, AUROC, log loss, calibration error. ``probabilities``, ``answers`` (0 or 1) ``(rows,
    label)``.

    "micro" counts every decision alike, "macro" is the mean over the labels that occur. ``accuracy`` is the
    share of rows of which every label is right.
    """
    told, came = probabilities >= 0.5, answers > 0.5
    both, either = (told & came).sum(0), told.sum(0) + came.sum(0)
    union = (told | came).sum(1)
    alike = np.where(union > 0, (told & came).sum(1) / np.maximum(union, 1), 1.0)
    scores = {
        "accuracy": float((told == came).all(1).mean()),
        "micro_f1": float(2 * both.sum() / max(either.sum(), 1)),
        "macro_f1": float((2 * both / np.maximum(either, 1))[either > 0].mean()) if either.any() else 0.0,
        "jaccard": float(alike.mean()),
    }
    areas = {
        label: area_under_roc(probabilities[:, k], came[:, k])
        for k, label in enumerate(labels)
        if 0 < came[:, k].sum() < len(came)
    }
    if areas:
        scores["auroc"] = float(np.mean(list(areas.values())))
    scores["log_loss"] = labels_log_loss(probabilities, answers)
    scores["ece"] = labels_calibration_error(probabilities, answers)
    return scores | {f"auroc[{n}]": a for n, a in areas.items() if len(labels) <= MOST_NAMED}


def labels_log_loss(probabilities: np.ndarray, answers: np.ndarray) -> float:
    """Binary cross-entropy, mean over rows and labels."""
    p = np.clip(probabilities.astype(np.float64), LEAST, 1 - LEAST)
    return float(-np.mean(answers * np.log(p) + (1 - answers) * np.log1p(-p)))
