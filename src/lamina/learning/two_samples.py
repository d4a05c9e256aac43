"""Whether two sets of rows come from the same world: tests whose false alarms are known.

Each gives a distance that people can read and a p-value: how often rows of one world lie as far apart.
"""

from __future__ import annotations

import warnings
from typing import Final, NamedTuple

import numpy as np

DEALS: Final = 149  # times the rows are dealt out anew, where chance has no formula
LEAST_EXPECTED: Final = 5.0  # rows of a value in the smaller set; rarer values are put together
MOST: Final = 300  # rows of either set whose distances are compared pair by pair


class Apart(NamedTuple):
    """How far two sets are apart, and how often chance alone takes them as far."""

    distance: float
    p: float


NOTHING: Final = Apart(0.0, 1.0)


def numbers_apart(old: np.ndarray, new: np.ndarray) -> Apart:
    """The largest gap between the distribution functions, 0 to 1 (Kolmogorov & Smirnov). Ties make it
    cautious."""
    from scipy.stats import ks_2samp

    if min(len(old), len(new)) < 2:
        return NOTHING
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exact p-value may give way to the asymptotic one
        found = ks_2samp(old, new, method="auto" if max(len(old), len(new)) <= 1000 else "asymp")
    return Apart(float(found.statistic), float(found.pvalue))


def values_apart(old: np.ndarray, new: np.ndarray) -> Apart:
    """Of int64 codes from 0: half the sum of the differences of shares, 0 to 1, by the chi-square test of
    homogeneity."""
    from scipy.stats import chi2_contingency

    counts = np.stack([np.bincount(each, minlength=max(old.max(initial=0), new.max(initial=0)) + 1)
                       for each in (old, new)])  # fmt: skip
    if min(counts.sum(1)) < 2:
        return NOTHING
    shares = counts / counts.sum(1, keepdims=True)
    distance = float(np.abs(shares[0] - shares[1]).sum() / 2)
    expected = counts.sum(0) * counts.sum(1).min() / counts.sum()
    often = expected >= LEAST_EXPECTED
    table = np.concatenate([counts[:, often], counts[:, ~often].sum(1, keepdims=True)], axis=1)
    if len(table[0]) > 2 and table[:, -1].sum() * counts.sum(1).min() / counts.sum() < LEAST_EXPECTED:
        table[:, -2] += table[:, -1]
        table = table[:, :-1]
    table = table[:, table.sum(0) > 0]
    if table.shape[1] < 2:
        return Apart(distance, 1.0)
    return Apart(distance, float(chi2_contingency(table, correction=table.shape[1] == 2).pvalue))


def shares_apart(old: np.ndarray, new: np.ndarray) -> Apart:
    """Of bool: the difference of shares, by Fisher's exact test."""
    from scipy.stats import fisher_exact

    if min(len(old), len(new)) < 2 or not (old.any() or new.any()):
        return NOTHING
    table = [[int(each.sum()), int((~each).sum())] for each in (old, new)]
    return Apart(abs(float(old.mean() - new.mean())), float(fisher_exact(table).pvalue))


def risen(old: np.ndarray, new: np.ndarray, rng: np.random.Generator) -> Apart:
    """By how much the mean has risen, and how often dealing the rows out anew makes it rise as much.

    The difference is studentised, so that it is exact for rows of one world and nearly so for rows that only
    have the same mean (Janssen 1997, "Studentized permutation tests").
    """
    if min(len(old), len(new)) < 2:
        return NOTHING
    both, n = np.concatenate([old, new]), len(new)
    both = both - both.mean()
    seen = _studentised(new - old.mean(), old - old.mean())
    dealt = np.array([_dealt(rng.permutation(both), n) for _ in range(DEALS)])
    return Apart(float(new.mean() - old.mean()), float((1 + (dealt >= seen).sum()) / (1 + DEALS)))


def _dealt(both: np.ndarray, n: int) -> float:
    return _studentised(both[:n], both[n:])


def _studentised(new: np.ndarray, old: np.ndarray) -> float:
    spread = new.var(ddof=1) / len(new) + old.var(ddof=1) / len(old)
    return float((new.mean() - old.mean()) / max(spread, 1e-30) ** 0.5)


def clouds_apart(old: np.ndarray, new: np.ndarray, rng: np.random.Generator) -> Apart:
    """Energy distance of two clouds of points ``(rows, width)``, as a share of what lies between them, 0 to 1
    (Székely & Rizzo 2013, "Energy statistics"); chance by dealing the points out anew."""
    old, new = (each[np.sort(rng.permutation(len(each))[:MOST])] for each in (old, new))
    if min(len(old), len(new)) < 2:
        return NOTHING
    points = np.concatenate([old, new]).astype(np.float64)
    points = (points - points.mean(0)) / np.maximum(points.std(0), 1e-9)
    squares = (points**2).sum(1)
    gaps = np.sqrt(np.maximum(squares[:, None] + squares - 2 * points @ points.T, 0.0))
    first = np.zeros((1 + DEALS, len(points)))
    first[0, : len(old)] = 1
    for deal in range(DEALS):
        first[1 + deal, rng.permutation(len(points))[: len(old)]] = 1
    energy, between = _energy(gaps, first)
    p = float((energy >= energy[0] - 1e-12).mean())
    return Apart(float(max(energy[0], 0.0) / max(2 * between[0], 1e-12)), p)


def _energy(gaps: np.ndarray, first: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For every way to deal the points into a first and a second set, ``first`` ``(deals, points)``."""
    second = 1 - first
    n, m = first.sum(1), second.sum(1)
    to_first, to_second = first @ gaps, second @ gaps
    between = (to_first * second).sum(1) / (n * m)
    within = (to_first * first).sum(1) / n**2 + (to_second * second).sum(1) / m**2
    return 2 * between - within, between
