"""How good answers of one class among ordered ones are."""

from __future__ import annotations

import numpy as np

from lamina.scores.calibration import calibration_error
from lamina.scores.classes import log_loss
from lamina.scores.ranking import Scores


def ordered_scores(probabilities: np.ndarray, answers: np.ndarray) -> Scores:
    """Kappa, mean error in steps, accuracy, log loss. ``probabilities`` ``(rows, class)`` in order.

    An answer of -1 is a class that training never saw: wrong in the accuracy, left out of the others.
    """
    chosen = probabilities.argmax(1)
    scores = {"accuracy": float((chosen == answers).mean())}
    known = answers >= 0
    if not known.any():
        return scores
    p, y, told = probabilities[known], answers[known], chosen[known]
    kappa = quadratic_kappa(told, y, probabilities.shape[1])
    scores |= {} if kappa is None else {"kappa": kappa}
    scores["mae_steps"] = float(np.abs(told - y).mean())
    return scores | {"log_loss": log_loss(p, y), "ece": calibration_error(p, y)}


def quadratic_kappa(chosen: np.ndarray, answers: np.ndarray, classes: int) -> float | None:
    """Agreement beyond chance, errors weighing by the square of their steps (Cohen 1968).

    ``None`` where all of both are one class: there is nothing to agree about.
    """
    steps = (np.arange(classes)[:, None] - np.arange(classes)) ** 2
    seen = np.bincount(chosen * classes + answers, minlength=classes**2).reshape(classes, classes)
    chance = np.outer(seen.sum(1), seen.sum(0)) / max(seen.sum(), 1)
    expected = float((steps * chance).sum())
    return None if expected == 0 else 1 - float((steps * seen).sum()) / expected
