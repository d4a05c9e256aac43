"""Two networks compared on the same rows, by tests that say how sure they are."""

from __future__ import annotations

from typing import Final

import msgspec
import numpy as np

from lamina.learning.records import Comparison

LEAST: Final = 20  # rows with which two networks can be compared at all
SMALL: Final = 0.1  # of what a constant answer loses: losses below count as this large for the margin


def compared(
    on: str, champion: np.ndarray, candidate: np.ndarray, measure: str, level: float, *, allowed: float
) -> Comparison:
    """A one-sided paired t test: with so few rows that nothing can be said, it is not passed."""
    rows = len(champion)
    difference = candidate - champion
    mean = float(difference.mean()) if rows else float("nan")
    most = upper(difference, level) if rows >= LEAST else float("inf")
    same = rows >= LEAST and not difference.any()
    return Comparison(
        on=on,
        measure=measure,
        rows=rows,
        champion=float(champion.mean()) if rows else float("nan"),
        candidate=float(candidate.mean()) if rows else float("nan"),
        difference=mean,
        most=most,
        allowed=allowed,
        passed=most < allowed or (same and allowed > 0),
    )


def upper(values: np.ndarray, level: float) -> float:
    """The one-sided upper confidence bound of the mean of independent values (Student)."""
    from scipy.stats import t

    spread = float(values.std(ddof=1)) / len(values) ** 0.5
    return float(values.mean()) + float(t.isf(level, len(values) - 1)) * spread


def beyond_chance(test: Comparison) -> Comparison:
    """Failed only where the rise is larger than what is allowed, and beyond chance."""
    least = 2 * test.difference - test.most  # the lower bound
    fine = test.difference <= test.allowed or least <= 0
    return msgspec.structs.replace(test, passed=test.passed or fine)


def allowance(champion: np.ndarray, blind: float, margin: float, small: float = SMALL) -> float:
    """By how much a mean loss may rise: a share of itself, of a small one a share of ``small`` of what
    knowing nothing loses."""
    own = float(champion.mean()) if len(champion) else 0.0
    return margin * max(own, small * blind)


def not_needed(test: Comparison) -> Comparison:
    """The same, told but not decisive."""
    return msgspec.structs.replace(test, needed=False)
