"""Shapley values of games whose exact values are known."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from lamina.predictions.explain.shapley import Game, Shares, enumerated, sampled

RNG = np.random.default_rng(0)
ROW, OTHERS = RNG.normal(size=6), RNG.normal(size=(20, 6))


def game_of(function) -> Game:
    """The game of a function of six columns, for ``ROW`` against ``OTHERS``."""

    def game(coalitions: np.ndarray, compared: np.ndarray) -> np.ndarray:
        return function(np.where(coalitions, ROW, OTHERS[compared]))[:, None]

    return game


def ends(function) -> tuple[np.ndarray, np.ndarray]:
    return function(ROW[None]), function(OTHERS)[:, None]


def additive(x: np.ndarray) -> np.ndarray:
    return 3 * x[:, 0] + np.sin(x[:, 1]) - x[:, 2] ** 2 + 0.1 * np.exp(x[:, 3])


def pairs(x: np.ndarray) -> np.ndarray:
    return x[:, 0] * x[:, 1] - 2 * x[:, 2] * x[:, 5] + additive(x)


def tangled(x: np.ndarray) -> np.ndarray:
    return np.tanh(x[:, 0] * x[:, 1] * x[:, 2]) + np.maximum(x[:, 3] + x[:, 4], x[:, 5]) * x[:, 0]


def by_all_orders(function) -> np.ndarray:
    """The definition: the mean over all 720 orders of what a player brings when it joins."""
    total = np.zeros(6)
    for order in permutations(range(6)):
        x = OTHERS.copy()
        before = function(x).mean()
        for player in order:
            x[:, player] = ROW[player]
            total[player] += function(x).mean() - before
            before = function(x).mean()
    return total / 720


def drawn(function, rounds: int = 1, seed: int = 0) -> Shares:
    return sampled(game_of(function), 6, *ends(function), rounds, np.random.default_rng(seed))


def test_all_coalitions_are_all_orders() -> None:
    found = enumerated(game_of(tangled), 6, *ends(tangled))
    assert found.values[:, 0] == pytest.approx(by_all_orders(tangled), abs=1e-12)


@pytest.mark.parametrize("function", [additive, pairs])
def test_one_pair_of_orders_is_exact_up_to_interactions_of_two(function) -> None:
    exact = enumerated(game_of(function), 6, *ends(function)).values
    assert drawn(function).values == pytest.approx(exact, abs=1e-12)


def test_an_additive_function_gives_its_terms() -> None:
    terms = np.stack([additive(np.eye(6)[[k]] * ROW) - additive(np.eye(6)[[k]] * OTHERS) for k in range(6)])
    assert drawn(additive).values[:, 0] == pytest.approx(terms.mean(1), abs=1e-12)


def test_sampling_comes_near_and_says_how_near() -> None:
    exact = by_all_orders(tangled)
    few, many = drawn(tangled), drawn(tangled, rounds=200)
    assert np.abs(many.values[:, 0] - exact).max() < 0.01
    assert (np.abs(few.values[:, 0] - exact) < 3 * few.errors[:, 0] + 1e-12).all()


@pytest.mark.parametrize("function", [additive, pairs, tangled])
def test_shares_add_up_to_the_answer(function) -> None:
    found = drawn(function, rounds=2)
    assert found.mean + found.values.sum(0) == pytest.approx(function(ROW[None]), abs=1e-12)
    assert found.mean == pytest.approx(function(OTHERS).mean())


def test_the_standard_error_is_that_over_other_rows() -> None:
    values = []
    for seed in range(300):
        rng = np.random.default_rng(seed)
        others = rng.normal(size=(25, 6))

        def game(coalitions: np.ndarray, compared: np.ndarray, others=others) -> np.ndarray:
            return tangled(np.where(coalitions, ROW, others[compared]))[:, None]

        found = sampled(game, 6, tangled(ROW[None]), tangled(others)[:, None], 1, rng)
        values.append((found.values[:, 0], found.errors[:, 0]))
    shares, errors = (np.array(each) for each in zip(*values, strict=True))
    assert errors.mean(0) == pytest.approx(shares.std(0), rel=0.15)


@pytest.mark.parametrize("players", [1, 2])
def test_few_players(players: int) -> None:
    row, others = np.ones(players), np.zeros((3, players))

    def game(coalitions: np.ndarray, compared: np.ndarray) -> np.ndarray:
        return np.where(coalitions, row, others[compared]).sum(1)[:, None]

    for found in (
        enumerated(game, players, np.array([float(players)]), np.zeros((3, 1))),
        sampled(game, players, np.array([float(players)]), np.zeros((3, 1)), 1, np.random.default_rng(0)),
    ):
        assert found.values[:, 0] == pytest.approx(np.ones(players))
