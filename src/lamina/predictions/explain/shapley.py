"""Shapley values by sampling orders of the players in antithetic pairs, each against one row to compare with.

Every player's share is its mean marginal contribution over all orders in which players may join (Shapley
1953). One order per row to compare with, and its reverse, are walked (Mitchell et al. 2022, "Sampling
permutations for Shapley value estimation"): in both walks every step's contribution is kept, so the shares of
a walk add up to the difference between the row's answer and the other row's, whatever the sampling. A pair of
walks is exact wherever players interact only two by two, and a single one where they do not interact at all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np

# Coalitions, bool (n, players), and the row to compare with of each, int (n,) → values (n, outputs):
# the answers for a row whose players in the coalition hold the row's own values, the others those of the
# row that it is compared with
Game = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Shares:
    """``values`` and their standard ``errors``, float64 ``(players, outputs)``; ``answer`` and ``mean``
    ``(outputs,)``, the mean over the rows compared with; ``answer = mean + values.sum(0)``."""

    values: np.ndarray
    errors: np.ndarray
    answer: np.ndarray
    mean: np.ndarray


def sampled(
    game: Game, players: int, answer: np.ndarray, others: np.ndarray, rounds: int, rng: np.random.Generator
) -> Shares:
    """Shares from ``rounds`` pairs of orders per row to compare with.

    ``answer`` ``(outputs,)`` and ``others`` ``(rows, outputs)`` are the values of everybody and of nobody.
    The standard error is that of a mean over as many rows drawn by chance, and orders; rows that were chosen
    to stand for all have less.
    """
    rows = np.repeat(np.arange(len(others)), rounds)
    rank = rng.permuted(np.tile(np.arange(players), (len(rows), 1)), axis=1)
    forward, backward = _walks(game, rank, rows, answer, others)
    # (walk, players, outputs): what came when the player joined, forward and backward
    pairs = (_steps(forward, rank) + _steps(backward, players - 1 - rank)) / 2
    found = pairs.reshape(len(others), rounds, players, -1).mean(1)
    spread = found.std(0, ddof=1) if len(found) > 1 else np.zeros(found.shape[1:])
    return Shares(found.mean(0), spread / len(found) ** 0.5, answer, others.mean(0))


def _walks(
    game: Game, rank: np.ndarray, rows: np.ndarray, answer: np.ndarray, others: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The values along every order and along its reverse, ``(walk, players + 1, outputs)`` each."""
    walks, players = rank.shape
    joined = rank[:, None, :] <= np.arange(players - 1)[:, None]  # after one player, after two, …
    both = np.stack([joined, ~joined[:, ::-1]])
    asked = np.broadcast_to(rows[:, None], both.shape[:3])
    between = game(both.reshape(-1, players), asked.reshape(-1))
    values = np.empty((2, walks, players + 1, len(answer)))
    values[:, :, 0], values[:, :, -1] = others[rows], answer
    values[:, :, 1:-1] = between.reshape(2, walks, players - 1, len(answer))
    return values[0], values[1]


def _steps(values: np.ndarray, rank: np.ndarray) -> np.ndarray:
    """What each player brought when it joined, ``(walk, players, outputs)``."""
    return np.take_along_axis(np.diff(values, axis=1), rank[:, :, None], axis=1)


def enumerated(game: Game, players: int, answer: np.ndarray, others: np.ndarray) -> Shares:
    """The exact shares, from all ``2 ** players`` coalitions with every row to compare with."""
    rows = np.arange(len(others))
    values: dict[tuple[int, ...], np.ndarray] = {(): others}
    for size in range(1, players):
        for members in combinations(range(players), size):
            coalition = np.zeros((len(others), players), bool)
            coalition[:, members] = True
            values[members] = game(coalition, rows)
    values[tuple(range(players))] = np.broadcast_to(answer, others.shape)
    found = np.zeros((len(others), players, len(answer)))
    for members, value in values.items():
        for player in set(range(players)) - set(members):
            weight = 1 / (players * comb(players - 1, len(members)))
            found[:, player] += weight * (values[tuple(sorted((*members, player)))] - value)
    spread = found.std(0, ddof=1) if len(found) > 1 else np.zeros(found.shape[1:])
    return Shares(found.mean(0), spread / len(found) ** 0.5, answer, others.mean(0))
