"""The network approximates functions of every shape: smooth, not separable, wound up, with a jump."""

from __future__ import annotations

import numpy as np
from small_networks import answers_of, fitted_on, network_of, numbers


def grid(low: float, high: float, rows: int) -> np.ndarray:
    return np.linspace(low, high, rows)[:, None]


def test_it_approximates_a_sine_over_three_periods() -> None:
    x = grid(-3 * np.pi, 3 * np.pi, 1024)
    frame, features = numbers(x)
    network = network_of(features)
    fitted_on(features, frame, np.sin(x[:, 0]).astype(np.float32), network)
    between = grid(-9.3, 9.3, 777)
    answers = answers_of(network, features, numbers(between)[0])
    error = np.abs(answers - np.sin(between[:, 0]))
    assert error.mean() < 0.03
    assert error.max() < 0.15


def test_it_approximates_a_step_on_both_sides_of_the_jump() -> None:
    x = grid(-1, 1, 1024)
    frame, features = numbers(x)
    network = network_of(features)
    fitted_on(features, frame, (x[:, 0] > 0.3).astype(np.float32), network)
    away = np.concatenate([grid(-1, 0.27, 300), grid(0.33, 1, 300)])
    answers = answers_of(network, features, numbers(away)[0])
    assert np.abs(answers - (away[:, 0] > 0.3)).max() < 0.1


def test_it_learns_exclusive_or() -> None:
    x = np.random.default_rng(0).uniform(-1, 1, (1024, 2))
    frame, features = numbers(x)
    network = network_of(features, output="classes", scores=2)
    fitted_on(features, frame, ((x[:, 0] > 0) ^ (x[:, 1] > 0)).astype(np.int64), network)
    corners = np.array([[-0.5, -0.5], [-0.5, 0.5], [0.5, -0.5], [0.5, 0.5]])
    answers = answers_of(network, features, numbers(corners)[0])
    assert answers.argmax(1).tolist() == [0, 1, 1, 0]
    assert answers.max(1).min() > 0.98


def spirals(turn: np.ndarray, noise: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    which = np.arange(len(turn)) % 2
    angle = turn * 4 * np.pi + which * np.pi
    x = np.stack([turn * np.cos(angle), turn * np.sin(angle)], 1) + noise
    return x, which.astype(np.int64)


def test_it_tells_two_spirals_of_two_turns_apart() -> None:
    rng = np.random.default_rng(0)
    x, which = spirals(rng.uniform(0.1, 1, 2048), rng.normal(0, 0.01, (2048, 2)))
    frame, features = numbers(x)
    network = network_of(features, output="classes", scores=2, hidden=(128, 128))
    fitted_on(features, frame, which, network, steps=600)
    new, answers = spirals(rng.uniform(0.15, 1, 1000), np.zeros((1000, 2)))
    assert (answers_of(network, features, numbers(new)[0]).argmax(1) == answers).mean() > 0.98
