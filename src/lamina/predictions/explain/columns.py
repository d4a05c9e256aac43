"""How far every column moved the answer for a row: Shapley values with the columns as players.

The value of a coalition is the mean answer for rows that hold the explained row's values in the coalition's
columns and another row's in the rest ("interventional" values, Janzing et al. 2020, "Feature relevance
quantification in explainable AI"): what the network makes of its inputs, not what the columns tell of each
other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import polars as pl

from lamina.predictions.explain.asked import Asked, Asking
from lamina.predictions.explain.background import Background
from lamina.predictions.explain.reading import Reader, Rows
from lamina.predictions.explain.records import Contribution, RowExplanation
from lamina.predictions.explain.shapley import Shares, enumerated, sampled
from lamina.predictions.explain.words import shown

ALL_COALITIONS = 10  # players: with more there are too many coalitions to ask about all
MOST_ROUNDS = 8  # pairs of orders per row to compare with


def explained_rows(
    reader: Reader,
    asking: Asking,
    rows: Rows,
    numbers: Sequence[int],
    background: Background,
    *,
    seed: int = 0,
    watch: Callable[[int], None] = lambda rows: None,
) -> list[RowExplanation]:
    """One record per row and answer; ``numbers`` are the rows' numbers in the table."""
    own, found = reader.answers(rows), []
    for place, number in enumerate(numbers):
        asked = asking.of(own[place])
        shares = row_shares(reader, asked, rows, place, own[place], background, seed)
        found += _records(reader, asked, shares, rows.frame, place, number)
        watch(place + 1)
    return found


def row_shares(
    reader: Reader,
    asked: Sequence[Asked],
    rows: Rows,
    place: int,
    own: np.ndarray,
    background: Background,
    seed: int,
) -> Shares:
    """The shares of the row at ``place``, whose decoded answer is ``own`` ``(width,)``.

    Every row meets the same orders, so a row is explained alike by itself and among others.
    """

    def game(coalitions: np.ndarray, compared: np.ndarray) -> np.ndarray:
        a = np.full(len(compared), place)
        return reader.mixed(rows, background.rows, a, compared, coalitions, partial(_values, asked))

    players, work = len(reader.players), background.work
    answer, nobody = _values(asked, own[None])[0], _values(asked, background.answers)
    if players <= ALL_COALITIONS and (2**players - 2) * len(nobody) <= work:
        return enumerated(game, players, answer, nobody)
    rounds = int(np.clip(work // (2 * (players - 1) * len(nobody)), 1, MOST_ROUNDS))
    return sampled(game, players, answer, nobody, rounds, np.random.default_rng(seed))


def _values(asked: Sequence[Asked], decoded: np.ndarray) -> np.ndarray:
    """Decoded answers ``(n, width)`` → the numbers asked for ``(n, asked)``."""
    return np.stack([each.values(decoded) for each in asked], axis=1)


def _records(
    reader: Reader, asked: Sequence[Asked], shares: Shares, frame: pl.DataFrame, place: int, number: int
) -> list[RowExplanation]:
    cells = frame.row(place, named=True)
    held = [", ".join(shown(cells[name]) for name in each.columns) for each in reader.players]
    found = []
    for k, each in enumerate(asked):
        told = [
            Contribution(
                columns=player.columns,
                value=held[j],
                contribution=float(shares.values[j, k]),
                error=float(shares.errors[j, k]),
            )
            for j, player in enumerate(reader.players)
        ]
        told.sort(key=lambda one: -abs(one.contribution))
        found.append(
            RowExplanation(
                row=number,
                target=each.target,
                of=each.of,
                answer=float(shares.answer[k]),
                mean=float(shares.mean[k]),
                contributions=tuple(told),
            )
        )
    return found
