"""``python -m benchmarks.explanations``: how exact the shares of 20 columns are, and how long a row takes.

Three tables of 20 columns. *Additive network*: without hidden layers every column has a function of its own,
so the exact shares, against all rows, follow from changing one column at a time. *Additive data*: an ordinary
network learns a sum of 20 functions; its shares are compared with those of the functions, so its own errors
count too. *Interactions*: the same code on a formula with products of three columns, against the shares of
20,000 orders. Errors are in per cent of the range of the shares of the column that moves most.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
import polars as pl
import torch

import lamina
from lamina.predictions.explain.background import representative, rows_wanted
from lamina.predictions.explain.shapley import sampled

COLUMNS, EXPLAINED = 20, 40


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=8000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--quality", default="good")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print(f"{options.rows:,} rows, {COLUMNS} columns, seed {options.seed}, {options.threads} thread(s)")
    print(f"{'case':<18}{'s per row':>10}{'worst error %':>15}{'mean error %':>14}{'beyond 2 errors %':>19}")
    for name, case in (("additive network", additive_network), ("additive data", additive_data)):
        put(name, *case(options))
    put("interactions", *interactions(options.seed))


def put(name: str, seconds: float, told: np.ndarray, errors: np.ndarray, exact: np.ndarray) -> None:
    """``told``, ``errors`` and ``exact`` are ``(rows, columns)``."""
    away = 100 * np.abs(told - exact) / (exact.max(0) - exact.min(0)).max()
    beyond = 100 * (np.abs(told - exact) > 2 * errors).mean()
    print(f"{name:<18}{seconds:>10.3f}{away.max():>15.2f}{away.mean():>14.3f}{beyond:>19.1f}")


def additive_table(rows: int, seed: int) -> tuple[pl.DataFrame, np.ndarray]:
    """Twenty numbers, and what each adds to the answer, ``(rows, columns)``."""
    x = np.random.default_rng(seed).normal(size=(rows, COLUMNS))
    shapes = (lambda v: v, np.sin, np.abs, np.tanh, lambda v: 0.5 * v**2)
    terms = np.stack([shapes[k % 5](x[:, k]) * (1 - k / 25) for k in range(COLUMNS)], axis=1)
    frame = pl.DataFrame({f"x{k:02d}": x[:, k] for k in range(COLUMNS)})
    return frame.with_columns(y=pl.Series(terms.sum(1))), terms


def additive_network(options: argparse.Namespace) -> tuple[float, np.ndarray, np.ndarray, np.ndarray]:
    frame, _ = additive_table(options.rows, options.seed)
    model = fitted(frame, options, hidden=(), members=1, epochs=10)
    asked = frame[:EXPLAINED]
    seconds, told, errors = shares(model, asked, frame)
    values = model.predict(frame)["predicted_y"].to_numpy()
    exact = np.zeros_like(told)
    for row in range(EXPLAINED):
        for k in range(COLUMNS):
            name = f"x{k:02d}"
            other = frame.with_columns(pl.lit(asked[name][row]).alias(name))
            exact[row, k] = (model.predict(other)["predicted_y"].to_numpy() - values).mean()
    return seconds, told, errors, exact


def additive_data(options: argparse.Namespace) -> tuple[float, np.ndarray, np.ndarray, np.ndarray]:
    frame, terms = additive_table(options.rows, options.seed)
    model = fitted(frame, options)
    seconds, told, errors = shares(model, frame[:EXPLAINED], frame)
    return seconds, told, errors, terms[:EXPLAINED] - terms.mean(0)


def interactions(seed: int) -> tuple[float, np.ndarray, np.ndarray, np.ndarray]:
    """Without a network: the sampling itself."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(4000, COLUMNS))
    many = x[representative(formula(x)[:, None], 256)]
    few = many[representative(formula(many)[:, None], rows_wanted(COLUMNS))]
    told, errors, exact = [], [], []
    begin = time.perf_counter()
    for row in x[:EXPLAINED]:
        found = sampled(
            game(row, few), COLUMNS, formula(row[None]), formula(few)[:, None], 1, np.random.default_rng(0)
        )
        told.append(found.values[:, 0])
        errors.append(found.errors[:, 0])
    seconds = (time.perf_counter() - begin) / EXPLAINED
    for row in x[:EXPLAINED]:
        found = sampled(game(row, many), COLUMNS, formula(row[None]), formula(many)[:, None], 80, rng)
        exact.append(found.values[:, 0])
    return seconds, np.array(told), np.array(errors), np.array(exact)


def formula(x: np.ndarray) -> np.ndarray:
    """Single columns, products of two and of three."""
    return (
        x[:, :10].sum(1)
        + x[:, 10] * x[:, 11]
        + np.tanh(x[:, 12] * x[:, 13] * x[:, 14])
        + np.sin(x[:, 15:]).prod(1)
    )


def game(row: np.ndarray, others: np.ndarray) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    return lambda coalitions, compared: formula(np.where(coalitions, row, others[compared]))[:, None]


def fitted(frame: pl.DataFrame, options: argparse.Namespace, **settings: object) -> lamina.Model:
    on = lamina.Machine(threads=options.threads)
    return lamina.fit(frame, "y", quality=options.quality, seed=options.seed, on=on, **settings)


def shares(
    model: lamina.Model, asked: pl.DataFrame, background: pl.DataFrame
) -> tuple[float, np.ndarray, np.ndarray]:
    """Seconds per row, contributions and standard errors ``(rows, columns)``."""
    begin = time.perf_counter()
    found = model.explain(asked, background=background).rows
    seconds = (time.perf_counter() - begin) / len(found)
    ordered = [sorted(each.contributions, key=lambda one: one.columns) for each in found]
    told = np.array([[one.contribution for one in each] for each in ordered])
    return seconds, told, np.array([[one.error for one in each] for each in ordered])


if __name__ == "__main__":
    main()
