"""How far a score would move on other rows of the same kind."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lamina.scores.ranking import Scores

DRAWS = 200  # bootstrap samples
MOST_WORK = 8_000_000  # rows × draws spent on intervals; fewer draws beyond


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
