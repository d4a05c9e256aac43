"""How far a score would move on other rows of the same kind."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lamina.scores.ranking import Scores

DRAWS = 200  # bootstrap samples
GAPS = ("ece",)  # scores that are sums of absolute differences
MOST_WORK = 8_000_000  # rows × draws spent on intervals; fewer draws beyond
MANY_CLASSES = 20  # from twice as many on, a row counts as several


def intervals(
    score: Callable[[np.ndarray, np.ndarray], Scores],
    predicted: np.ndarray,
    answers: np.ndarray,
    seed: int = 0,
    most: int = DRAWS,
) -> dict[str, tuple[float, float]]:
    """95 % percentile bootstrap interval of every score: the rows drawn again with replacement,
    at ``most`` so many times.

    Drawing adds chance, and to a gap (``GAPS``) chance can only add: its interval is moved back by as much as
    the mean of the draws lies above the score itself.
    """
    rng = np.random.default_rng(seed)
    width = predicted.shape[1] if predicted.ndim == 2 else 1
    work = len(answers) * max(1, width // MANY_CLASSES)
    draws = int(np.clip(MOST_WORK // max(work, 1), 20, most))
    drawn: dict[str, list[float]] = {}
    for _ in range(draws):
        rows = rng.integers(0, len(answers), len(answers))
        for name, value in score(predicted[rows], answers[rows]).items():
            drawn.setdefault(name, []).append(value)
    own = score(predicted, answers) if any(name.endswith(GAPS) for name in drawn) else {}
    return {name: _interval(np.array(values), own.get(name), name) for name, values in drawn.items()}


def _interval(values: np.ndarray, own: float | None, name: str) -> tuple[float, float]:
    low, high = float(np.quantile(values, 0.025)), float(np.quantile(values, 0.975))
    if own is None or not name.endswith(GAPS):
        return low, high
    added = max(0.0, float(values.mean()) - own)
    return max(0.0, low - added), high - added
