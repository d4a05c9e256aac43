"""Which groups of rows fare clearly worse than the other rows.

Many groups are compared at once, so some look bad by chance alone. The largest difference that chance makes
is found by dealing the rows out to the groups anew, many times (Westfall and Young 1993, "Resampling-based
multiple testing": the maximum of studentised differences); only what lies beyond it is named.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

FALSE_ALARMS = 0.05  # how often any group at all is named although there is no difference
DEALS = 600  # times the rows are dealt out anew
MOST_ROWS = 100_000  # compared; an even sample of more
LEAST = 30  # rows of a group, and of the rows outside it, that can be compared
PRIOR = 5.0  # rows' worth of the common spread in the spread of a group: few rows tell little of it


@dataclass(frozen=True)
class Compared:
    """By measure and group, float64 ``(measures, groups)``; NaN where there were too few rows.

    ``inside`` is the mean of the group, ``outside`` that of the other rows, ``least`` how much larger the
    first is at least: the lower bounds of all measures and groups hold together with probability
    1 - ``FALSE_ALARMS``.
    """

    inside: np.ndarray
    outside: np.ndarray
    least: np.ndarray


def compare(losses: np.ndarray, members: np.ndarray, seed: int = 0) -> Compared:
    """Compares the means of groups with those of the rows outside them.

    ``losses`` float64 ``(measures, rows)``, more is worse, NaN where a row has none; ``members`` bool
    ``(groups, rows)``.
    """
    if losses.shape[1] > MOST_ROWS:
        some = np.linspace(0, losses.shape[1] - 1, MOST_ROWS).astype(np.int64)
        losses, members = losses[:, some], members[:, some]
    present = ~np.isnan(losses)
    centre = np.nanmean(losses, axis=1, keepdims=True) if losses.size else 0.0
    centred = np.where(present, losses - centre, 0.0)
    stack = np.concatenate([centred, centred**2, present])
    inside, outside, spread, able = _compared(stack, members.T.astype(np.float64))
    critical = _critical(stack.astype(np.float32), members.T.astype(np.float32), able, seed)
    difference = np.where(able, inside - outside, np.nan)
    return Compared(inside + centre, outside + centre, difference - critical * spread)


def _critical(stack: np.ndarray, members: np.ndarray, able: np.ndarray, seed: int) -> float:
    """The largest studentised difference, in as few deals as ``FALSE_ALARMS`` allows to exceed it."""
    rng = np.random.default_rng(seed)
    largest = []
    for _ in range(DEALS if able.any() else 0):
        inside, outside, spread, _ = _compared(rng.permutation(stack, axis=1), members)
        largest.append(float((((inside - outside) / spread)[able]).max()))
    rank = int(np.ceil((1 - FALSE_ALARMS) * (len(largest) + 1))) - 1
    return float(np.sort(largest)[rank]) if largest else np.inf


def _compared(
    stack: np.ndarray, members: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Means inside and outside, the spread of their difference, and where there are rows enough.

    ``stack`` ``(…, 3 · measures, rows)`` holds values, squares, and whether there is a value; ``members``
    ``(rows, groups)``; all that is returned is ``(…, measures, groups)``.
    """
    inside = np.split(stack @ members, 3, axis=-2)
    whole = np.split(stack.sum(-1, keepdims=True), 3, axis=-2)
    outside = [a - b for a, b in zip(whole, inside, strict=True)]
    common = np.maximum(whole[1] / np.maximum(whole[2], 1), 1e-30)  # values are centred
    (mean, error), (other, rest) = (_mean(each, common) for each in (inside, outside))
    able = (inside[2] >= LEAST) & (outside[2] >= LEAST)
    return mean, other, np.sqrt(error + rest), able


def _mean(parts: list[np.ndarray], common: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Means, and the variance of these means; ``parts`` are sums, sums of squares, and counts."""
    sums, squares, counts = parts
    rows = np.maximum(counts, 1)
    mean = sums / rows
    own = np.maximum(squares - rows * mean**2, 0)
    return mean, (own + PRIOR * common) / (rows + PRIOR) / rows
