"""Which rows the memory keeps when it is full, and which of them are learnt from again."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
import polars as pl

from lamina.learning.memory import ASIDE, ID, LOSS, PART, WEIGHT, Memory

BINS: Final = 10  # parts of the range of a number that is predicted
EVEN: Final = 0.2  # of the room is shared out evenly among the classes, however rare they are
HARD: Final = 2.0  # how much likelier a hard row is kept than an easy one
DOUBTFUL: Final = 0.98  # rows harder than this share of their class may be mistakes, and count as easy


def kept(memory: Memory, target: str | None) -> Memory:
    """The memory within its limits.

    Every class (of a number, every tenth of its range) keeps room in proportion to the rows that it stands
    for, and a fifth of the room is shared out evenly, so that no class is lost. Within a class rows are drawn
    without regard to when they came, hard ones twice as likely. The draw is decided by a row's own hash: it
    needs no random state, and a row that was drawn once is drawn again until others crowd it out. Rows to
    judge on are drawn alike whatever their class: they tell of the world as it was. Rows put aside have the
    room that the others leave.
    """
    limits = {"learn": memory.limits.learn, "judge": memory.limits.judge}
    parts = []
    for part, most in limits.items():
        used = _within(memory.rows.filter(pl.col(PART) == part, pl.col(ASIDE).is_null()), part, target, most)
        aside = memory.rows.filter(pl.col(PART) == part, pl.col(ASIDE).is_not_null())
        parts += [used, _within(aside, part, target, most - used.height)]
    return replace(memory, rows=pl.concat(parts))


def _within(rows: pl.DataFrame, part: str, target: str | None, most: int) -> pl.DataFrame:
    """At most so many of rows that serve the same."""
    if rows.height <= most:
        return rows
    learn = part == "learn"
    return _drawn(rows, strata(rows, target if learn else None), most, HARD if learn else 1.0)


def strata(rows: pl.DataFrame, target: str | None) -> np.ndarray:
    """The class of every row, or which tenth of the range its number lies in, int64 from 0."""
    if target is None or target not in rows.columns:
        return np.zeros(rows.height, np.int64)
    values = rows[target]
    if values.dtype.is_float():
        ranks = values.rank("ordinal").fill_null(0).to_numpy().astype(np.int64)
        return np.minimum(ranks * BINS // max(len(values), 1), BINS - 1)
    if values.dtype.is_nested() or values.dtype == pl.Binary:
        return np.zeros(rows.height, np.int64)
    return values.cast(pl.String).rank("dense").fill_null(0).to_numpy().astype(np.int64)


def rooms(weights: np.ndarray, sizes: np.ndarray, room: int) -> np.ndarray:
    """How many rows each class keeps: no more than it has, in all at most ``room``.

    ``weights`` are the rows that each stands for, ``sizes`` those it has.
    """
    shares = (1 - EVEN) * weights / max(weights.sum(), 1e-9) + EVEN / max(len(weights), 1)
    given = np.zeros(len(sizes), np.int64)
    while (left := room - given.sum()) > 0 and (open_ := given < sizes).any():
        wanted = np.floor(left * np.where(open_, shares, 0) / shares[open_].sum()).astype(np.int64)
        if not wanted.any():  # the last few, one each, to the largest
            wanted[np.flatnonzero(open_)[np.argsort(-shares[open_], kind="stable")][:left]] = 1
        given = np.minimum(given + wanted, sizes)
    return given


def _drawn(rows: pl.DataFrame, classes: np.ndarray, most: int, hard: float) -> pl.DataFrame:
    """``most`` of the rows, in their order; those that stay stand for those that go."""
    names, codes = np.unique(classes, return_inverse=True)
    stands = rows[WEIGHT].to_numpy()
    sizes = np.bincount(codes, minlength=len(names))
    given = rooms(np.bincount(codes, stands, minlength=len(names)), sizes, most)
    likely = _likely(rows, codes, hard)
    # Small ones stay (Efraimidis & Spirakis 2006, "Weighted random sampling with a reservoir")
    keys = -np.log(uniform(rows[ID], 2)) / likely
    staying, weights = np.zeros(rows.height, bool), stands.copy()
    for number, room in enumerate(given):
        own = np.flatnonzero(codes == number)
        chosen = own[np.argsort(keys[own], kind="stable")[:room]]
        staying[chosen] = True
        if len(chosen):
            weights[chosen] = stands[own].sum() / likely[chosen] / (1 / likely[chosen]).sum()
    return rows.with_columns(pl.Series(WEIGHT, weights)).filter(pl.Series(staying))


def _likely(rows: pl.DataFrame, codes: np.ndarray, hard: float) -> np.ndarray:
    """How much likelier than an easy row each one is to stay."""
    weight = np.ones(rows.height)
    if hard == 1.0:
        return weight
    losses = rows[LOSS].fill_null(0.0).fill_nan(0.0).to_numpy()
    for number in range(int(codes.max(initial=-1)) + 1):
        own = codes == number
        middle, doubtful = np.quantile(losses[own], [2 / 3, DOUBTFUL]) if own.any() else (0.0, 0.0)
        weight[own & (losses > middle) & (losses <= doubtful)] = hard
    return weight


def uniform(ids: pl.Series, which: int) -> np.ndarray:
    """A number between 0 and 1 for every row, from its hash: the ``which``-th of three that are independent.

    0 decides which rows are judged on, 1 what they are judged for, 2 which are kept.
    """
    digits = ids.str.slice(8 * which, 8).str.to_integer(base=16, dtype=pl.Int64)
    shares: np.ndarray = (digits.to_numpy() + 0.5) / 16**8
    return shares


def drawn_again(stands: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Places of ``count`` rows, as likely as the rows that each ``stands`` for; none comes twice."""
    if len(stands) <= count:
        return np.arange(len(stands))
    chance = rng.exponential(size=len(stands)) / stands
    return np.sort(np.argsort(chance, kind="stable")[:count])
