"""How much one column alone tells of the answer, judged on rows it was not computed from.

A column is cut into levels (the values of a category, at most 64 quantiles of a number, missing as a
level of its own). Each level's mean answer, or class shares, is computed on four fifths of the rows and
judged on the other fifth, five times over. The whole cross-fit is sums over a small table of level ×
fold × class, so it takes milliseconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl

FOLDS: Final = 5
MOST_BINS: Final = 64
MOST_LEVELS: Final = 2000  # the rarer values of a category share one level
SMOOTHING: Final = 1.0  # rows of the overall mean added to every level
MOST_CELLS: Final = 30_000_000


@dataclass(frozen=True)
class Strength:
    """``told``: share of the answer that the column tells, 0 to 1.

    For classes the share of the entropy explained, for numbers R². ``single`` is the best of telling one
    class from all others, and ``which`` that class's code.
    """

    told: float
    single: float = 0.0
    which: int = -1


def coded(values: pl.Series) -> tuple[list[Any], np.ndarray]:
    """The distinct filled values in sorted order, and each row's code (-1: missing). int64 ``(rows,)``."""
    frame = values.alias("value").to_frame()
    levels = frame.drop_nulls().unique().sort("value").with_row_index("code")
    joined = frame.join(levels, on="value", how="left", maintain_order="left")
    return levels["value"].to_list(), joined["code"].cast(pl.Int64).fill_null(-1).to_numpy()


def as_numbers(values: pl.Series) -> np.ndarray:
    """Numbers, flags and dates as float64 ``(rows,)``, missing as NaN."""
    return values.to_physical().cast(pl.Float64).fill_null(float("nan")).to_numpy()


def binned(values: pl.Series) -> np.ndarray:
    """The level of every row, int64 ``(rows,)``; 0 is missing."""
    return _by_frequency(values) if values.dtype == pl.String else _by_quantile(as_numbers(values))


def _by_frequency(values: pl.Series) -> np.ndarray:
    counts = values.drop_nulls().alias("value").value_counts(name="rows")
    counts = counts.sort(["rows", "value"], descending=[True, False]).with_row_index("code", offset=1)
    codes = counts.select("value", pl.col("code").clip(upper_bound=MOST_LEVELS).cast(pl.Int64))
    joined = values.alias("value").to_frame().join(codes, on="value", how="left", maintain_order="left")
    return joined["code"].fill_null(0).to_numpy()


def _by_quantile(values: np.ndarray) -> np.ndarray:
    filled = np.isfinite(values)
    edges = np.unique(values[filled])
    if len(edges) > MOST_BINS:
        edges = np.unique(np.quantile(values[filled], np.arange(1, MOST_BINS) / MOST_BINS))
    levels = np.searchsorted(edges, values, side="right") + 1
    levels[~filled] = 0
    return levels


def folds_of(rows: int) -> np.ndarray:
    """The fold of every row, drawn once and for all."""
    return np.random.default_rng(0).permutation(rows) % FOLDS


def strength(levels: np.ndarray, answers: np.ndarray, classes: int) -> Strength:
    """What ``levels`` tell of ``answers`` (class codes with ``classes`` > 0, else numbers)."""
    if len(answers) < 2 * FOLDS or classes == 1:
        return Strength(0.0)
    cells = levels.astype(np.int64) * FOLDS + folds_of(len(levels))
    size = (int(levels.max()) + 1) * FOLDS
    return _of_classes(cells, size, answers, classes) if classes else _of_numbers(cells, size, answers)


def _of_classes(cells: np.ndarray, size: int, answers: np.ndarray, classes: int) -> Strength:
    if size * classes > MOST_CELLS:
        return Strength(0.0)
    counts = np.bincount(cells * classes + answers, minlength=size * classes)
    table = counts.reshape(-1, FOLDS, classes).astype(np.float64)
    others = table.sum(1, keepdims=True) - table
    prior = table.sum((0, 1)) / table.sum()
    shares = (others + SMOOTHING * prior) / (others.sum(-1, keepdims=True) + SMOOTHING)
    shares = np.clip(shares, 1e-12, 1 - 1e-12)
    right = -(table * np.log(shares)).sum((0, 1))
    wrong = -((table.sum(-1, keepdims=True) - table) * np.log1p(-shares)).sum((0, 1))
    chance = -prior * np.log(prior)
    alone = chance - (1 - prior) * np.log(np.clip(1 - prior, 1e-12, 1))
    each = 1 - (right + wrong) / (alone * table.sum())
    told = 1 - right.sum() / (chance.sum() * table.sum())
    which = int(np.argmax(each))
    return Strength(max(float(told), 0.0), max(float(each[which]), 0.0), which)


def _of_numbers(cells: np.ndarray, size: int, answers: np.ndarray) -> Strength:
    centred = answers - answers.mean()
    whole = float(centred @ centred)
    if not whole > 0 or not np.isfinite(whole):
        return Strength(0.0)
    counts = np.bincount(cells, minlength=size).reshape(-1, FOLDS).astype(np.float64)
    sums = np.bincount(cells, weights=centred, minlength=size).reshape(-1, FOLDS)
    guess = (sums.sum(1, keepdims=True) - sums) / (counts.sum(1, keepdims=True) - counts + SMOOTHING)
    error = whole - 2 * float((guess * sums).sum()) + float((guess**2 * counts).sum())
    return Strength(max(1 - error / whole, 0.0))
