"""Which columns matter over many rows: how far they move answers, and what is lost without them.

Permutation importance (Breiman 2001, "Random forests"): a column's values are dealt out among the rows anew,
and the error grows by what the network had from it. Columns that say the same share their importance in the
first measure and hide each other in the second.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import polars as pl

from lamina.features.targets.base import Target
from lamina.features.targets.several import SeveralTarget
from lamina.predictions.explain.reading import Player, Reader, Rows
from lamina.predictions.explain.records import Importance, RowExplanation

DEALS = 3  # times that every column is dealt out
DRAWS = 200  # bootstrap samples
MOST_SCORED = 20_000  # scorings of all rows, over players, deals and draws
MOST_ROWS, FEWEST_ROWS = 1000, 100  # on which columns are dealt out
MOST_HELD = 30_000_000  # decoded answers held at once
MOST_ASKED = 300_000  # answers asked for, over players and deals
INTERVAL = (0.025, 0.975)


@dataclass(frozen=True)
class Losses:
    """By how much the error grows per player, float64 ``(players,)``, and its bounds ``(players, 2)``."""

    values: np.ndarray
    bounds: np.ndarray


def importance_of(
    reader: Reader, explained: Sequence[RowExplanation], losses: dict[str, Losses], seed: int
) -> tuple[Importance, ...]:
    """Both measures of every player, per target, the most important first."""
    found = []
    for target in dict.fromkeys(each.target for each in explained):
        shares = _absolute([each for each in explained if each.target == target], reader.players)
        bounds = _mean_bounds(shares, seed)
        own = losses.get(target)
        records = [
            Importance(
                columns=player.columns,
                target=target,
                shapley=float(shares[:, k].mean()),
                shapley_interval=(float(bounds[k, 0]), float(bounds[k, 1])),
                loss=None if own is None else float(own.values[k]),
                loss_interval=None if own is None else (float(own.bounds[k, 0]), float(own.bounds[k, 1])),
            )
            for k, player in enumerate(reader.players)
        ]
        found += sorted(records, key=lambda each: -each.shapley)
    return tuple(found)


def _absolute(explained: Sequence[RowExplanation], players: Sequence[Player]) -> np.ndarray:
    """Absolute contributions ``(rows, players)``, the mean where several answers of a row are explained."""
    rows: dict[int, list[list[float]]] = {}
    for each in explained:
        of = {one.columns: abs(one.contribution) for one in each.contributions}
        rows.setdefault(each.row, []).append([of[player.columns] for player in players])
    return np.array([np.mean(found, axis=0) for found in rows.values()])


def _mean_bounds(shares: np.ndarray, seed: int) -> np.ndarray:
    """Bootstrap bounds of the means over the rows, ``(players, 2)``."""
    rng = np.random.default_rng(seed)
    drawn = rng.integers(0, len(shares), (DRAWS, len(shares)))
    means = np.stack([shares[rows].mean(0) for rows in drawn])
    return np.quantile(means, INTERVAL, axis=0).T


def rows_judged(reader: Reader) -> int:
    """On how many rows columns are dealt out: fewer where there are many columns or classes."""
    width, deals = max(1, reader.fitted.target.width), len(reader.players) * DEALS
    return int(np.clip(min(MOST_HELD // width, MOST_ASKED) // deals, FEWEST_ROWS, MOST_ROWS))


def losses_of(
    reader: Reader, rows: Rows, answers: np.ndarray, seed: int, watch: Callable[[int], None]
) -> dict[str, Losses]:
    """How much each target's error grows without each player, on rows with known ``answers``."""
    rng = np.random.default_rng(seed)
    places = np.arange(len(rows))
    dealt = []
    for player in range(len(reader.players)):
        coalition = np.zeros((len(rows), len(reader.players)), bool)
        coalition[:, player] = True
        orders = [rng.permutation(len(rows)) for _ in range(DEALS)]
        dealt.append([reader.mixed(rows, rows, order, places, coalition) for order in orders])
        watch(player + 1)
    as_is = reader.answers(rows)
    found = {}
    for part, known, came, own in _parts(reader.fitted.target, answers):
        error = _error_of(part, came)
        decoded = np.stack([np.stack([own(each)[known] for each in deals]) for deals in dealt])
        found[part.column] = _grown(error, own(as_is)[known], decoded, rng)
    return found


def known_answers(target: Target, frame: pl.DataFrame) -> tuple[np.ndarray, np.ndarray] | None:
    """The rows whose answer is there and known to the network, and their answers; None without any."""
    if any(name not in frame.columns for name in target.targets):
        return None
    empty = [frame[name].is_null().to_numpy() for name in target.targets]
    rows = np.flatnonzero(~np.all(empty, axis=0))
    answers = target.encode(frame[rows])
    if target.codes:
        rows, answers = rows[answers >= 0], answers[answers >= 0]
    return (rows, answers) if len(rows) > 1 else None


def _parts(
    target: Target, answers: np.ndarray
) -> Iterator[tuple[Target, np.ndarray, np.ndarray, Callable[[np.ndarray], np.ndarray]]]:
    """Each target with its rows, its answers in them, and how its decoded answers are cut out."""
    if not isinstance(target, SeveralTarget):
        known = np.ones(len(answers), bool)
        yield target, known, answers, lambda decoded: decoded[:, 0] if target.flat else decoded
        return
    for k, (part, (known, came)) in enumerate(zip(target.parts, target.answers_of(answers), strict=True)):
        if len(came):
            yield part, known, came, partial(_part_of, target, k)


def _part_of(target: SeveralTarget, k: int, decoded: np.ndarray) -> np.ndarray:
    """The columns of one of several targets."""
    return list(target.decoded_of(decoded))[k]


def _error_of(part: Target, came: np.ndarray) -> Callable[[np.ndarray, np.ndarray], float]:
    """The error of decoded answers in some of the rows."""
    return lambda decoded, rows: part.error(decoded[rows], came[rows])


def _grown(
    error: Callable[[np.ndarray, np.ndarray], float],
    as_is: np.ndarray,
    dealt: np.ndarray,
    rng: np.random.Generator,
) -> Losses:
    """``dealt`` are decoded answers ``(players, deals, rows, …)``; the bounds are those of other rows."""

    def grown(rows: np.ndarray) -> np.ndarray:
        base = error(as_is, rows)
        return np.array([np.mean([error(each, rows) for each in deals]) - base for deals in dealt])

    count = len(as_is)
    draws = int(np.clip(MOST_SCORED // (len(dealt) * DEALS), 20, DRAWS))
    drawn = np.stack([grown(rng.integers(0, count, count)) for _ in range(draws)])
    return Losses(grown(np.arange(count)), np.quantile(drawn, INTERVAL, axis=0).T)
