"""The interval of a share that was counted."""

from __future__ import annotations

from math import sqrt

Z = 1.959964  # of 95 %


def wilson(share: float, rows: int) -> tuple[float, float]:
    """95 % interval (Wilson 1927, "Probable inference, the law of succession, and statistical inference").

    >>> tuple(round(each, 3) for each in wilson(0.9, 100))
    (0.826, 0.945)
    """
    if rows < 1:
        return 0.0, 1.0
    middle = (share + Z**2 / (2 * rows)) / (1 + Z**2 / rows)
    reach = Z * sqrt(share * (1 - share) / rows + Z**2 / (4 * rows**2)) / (1 + Z**2 / rows)
    return max(0.0, middle - reach), min(1.0, middle + reach)
