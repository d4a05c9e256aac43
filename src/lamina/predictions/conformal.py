"""Bounds that hold as often as promised, whatever the network is worth (conformal prediction).

A number says how badly an answer fits a row (its *misfit*). On rows that the network had not learnt from the
misfits of the true answers are known; of a new row every answer is offered whose misfit is not among the
largest. Then the true answer is among those offered with at least the probability asked for, for rows of the
same kind (Vovk et al. 2005, "Algorithmic learning in a random world"; Lei et al. 2018). numpy alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


def threshold(misfits: np.ndarray, coverage: float, weights: np.ndarray | None = None) -> float:
    """The misfit up to which answers are offered: the ⌈(n + 1) · coverage⌉-th smallest, infinite where there
    are too few. With ``weights`` (rows of the kind that comes now weigh more), the weighted quantile, the
    new row counting with the largest weight (Tibshirani et al. 2019, "Conformal prediction under covariate
    shift").

    >>> threshold(np.arange(1.0, 11.0), 0.9)
    10.0
    """
    if weights is None:
        rank = int(np.ceil((len(misfits) + 1) * coverage - 1e-9))
        return float(np.partition(misfits, rank - 1)[rank - 1]) if 0 < rank <= len(misfits) else float("inf")
    order = np.argsort(misfits)
    share = np.cumsum(weights[order]) / (weights.sum() + weights.max())
    place = int(np.searchsorted(share, coverage - 1e-12))
    return float(misfits[order[place]]) if place < len(misfits) else float("inf")


def thresholds(misfits: np.ndarray, groups: np.ndarray | None, count: int, coverage: float) -> np.ndarray:
    """The threshold of each of ``count`` groups, float64 ``(count,)``: coverage holds in every one (Vovk
    2003, "Mondrian confidence machine"); without groups the same for all. A group with too few rows takes
    that of all rows."""
    whole = threshold(misfits, coverage)
    found = np.full(count, whole)
    if groups is not None:
        for each in range(count):
            own = threshold(misfits[groups == each], coverage)
            found[each] = own if np.isfinite(own) else whole
    return found


def class_misfits(probabilities: np.ndarray) -> np.ndarray:
    """Of every class of every row, one minus its probability: it gives the smallest sets on average (Sadinle
    et al. 2019, "Least ambiguous set-valued classifiers")."""
    misfits: np.ndarray = 1.0 - probabilities
    return misfits


def class_sets(probabilities: np.ndarray, limits: np.ndarray) -> np.ndarray:
    """Which classes are offered, bool ``(rows, class)``; ``limits`` per row, or per class. The most probable
    one always is: an empty set would say nothing, and coverage only grows by it."""
    limits = limits[:, None] if limits.shape == (len(probabilities),) else limits[None]
    chosen: np.ndarray = class_misfits(probabilities) <= limits + 1e-9
    chosen[np.arange(len(chosen)), probabilities.argmax(1)] = True
    return chosen


@dataclass
class Online:
    """Coverage that holds on a stream that drifts: the level follows the misses (Gibbs & Candès 2021,
    "Adaptive conformal inference under distribution shift").

    ``level`` is the coverage to ask for next; ``pace`` how fast it follows.
    """

    coverage: float = 0.9
    pace: float = 0.01
    level: float = 0.9

    def seen(self, covered: bool) -> float:
        """Takes in whether the last bound held; the coverage to ask for next, 0 to 1."""
        missed = 0.0 if covered else 1.0
        self.level += self.pace * (missed - (1 - self.coverage))
        return min(1.0, max(0.0, self.level))
