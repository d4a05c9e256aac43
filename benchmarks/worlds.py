"""Simulated worlds whose truth is known: what the learning loop is tried on."""

from __future__ import annotations

import numpy as np
import polars as pl

KINDS = ("harmless", "helpful", "mislabelled", "shifted", "broken")
FIRST, JUDGED, NEW, TRUTH = 1500, 2000, 1200, 10_000


def rows(
    count: int, rng: np.random.Generator, *, shift: float = 0.0, gentle: bool = False, turned: float = 0.0
) -> pl.DataFrame:
    """Four numbers and a word, and a class that follows from them with noise.

    ``shift`` moves the first number; ``turned`` turns the relation, 0 to 1; ``gentle``: without the part that
    is hard to learn from few rows.
    """
    x = rng.normal(size=(count, 4))
    x[:, 0] += shift
    word = rng.choice(["a", "b", "c", "d"], count, p=(0.4, 0.3, 0.2, 0.1))
    level = np.select([word == "a", word == "b", word == "c"], [0.8, -0.3, -1.0], 0.4)
    lean = 1.5 * np.sin(1.5 * x[:, 0]) + (1 - 2 * turned) * x[:, 1] + level
    lean += 0.0 if gentle else 0.8 * x[:, 2] * x[:, 3]
    answer = rng.random(count) < 1 / (1 + np.exp(-2 * lean))
    return pl.DataFrame(
        {**{f"x{k}": x[:, k] for k in range(4)}, "word": word, "answer": np.where(answer, "yes", "no")}
    )


def gate_updates(number: int) -> tuple[str, pl.DataFrame, pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """The kind of one update, what its champion learns from, rows to judge on, the new rows, and many rows of
    the old world that tell the truth.

    Helpful: the champion has learnt from few rows; elsewhere from many. Mislabelled: 30 % of the answers are
    exchanged. Shifted: a number lies elsewhere. Broken: one of several accidents, a column in another unit,
    emptied, exchanged with another, or the answers in another order.
    """
    rng = np.random.default_rng((77, number))
    kind = KINDS[number % len(KINDS)]
    first = rows(250 if kind == "helpful" else FIRST, rng)
    new = rows(NEW, rng, shift=1.5 if kind == "shifted" else 0.0)
    if kind == "mislabelled":
        wrong = rng.random(NEW) < 0.3
        turned = np.where(new["answer"].to_numpy() == "yes", "no", "yes")
        new = new.with_columns(pl.Series("answer", np.where(wrong, turned, new["answer"].to_numpy())))
    if kind == "broken":
        new = _broken(new, number // len(KINDS), rng)
    return kind, first, rows(JUDGED, rng), new, rows(TRUTH, rng)


def _broken(new: pl.DataFrame, which: int, rng: np.random.Generator) -> pl.DataFrame:
    how = which % 4
    if how == 0:
        return new.with_columns(pl.col("x1") * 1000)
    if how == 1:
        return new.with_columns(
            pl.when(pl.Series(rng.random(new.height) < 0.8)).then(None).otherwise("x0").alias("x0")
        )
    if how == 2:
        return new.with_columns(pl.lit("z").alias("word"))
    return new.with_columns(pl.Series("answer", rng.permutation(new["answer"].to_numpy())))


def drifting_months(
    seed: int, *, months: int = 12, count: int = 3000, turn: float = 0.3
) -> list[pl.DataFrame]:
    """Months of customers of whom few say yes: from month to month the relation turns a little, by ``turn``
    (0 to 1) of the way to another one in all, the share of yes rises and falls, two numbers wander, and
    campaigns come and go."""
    rng = np.random.default_rng((55, seed))
    width, blocks = 8, []
    start, end = rng.normal(size=(2, width)) * np.linspace(1.0, 0.2, width)
    for month in range(months):
        way = month / max(months - 1, 1)
        x = rng.normal(size=(count, width))
        x[:, :2] += (way, np.sin(month))
        campaign = rng.choice(6, count, p=np.roll([0.4, 0.3, 0.15, 0.1, 0.05, 0.0], month // 3))
        job = rng.choice(8, count)
        lean = x @ ((1 - turn * way) * start + turn * way * end) + 0.7 * x[:, 2] * x[:, 3]
        lean += np.sin(2.0 * campaign) + 0.5 * np.cos(3.0 * job) - 3.0 + np.sin(month / 2)
        answer = rng.random(count) < 1 / (1 + np.exp(-lean))
        blocks.append(
            pl.DataFrame(
                {
                    **{f"x{k}": x[:, k] for k in range(width)},
                    "campaign": [f"c{k}" for k in campaign],
                    "job": [f"j{k}" for k in job],
                    "answer": np.where(answer, "yes", "no"),
                }
            )
        )
    return blocks


def category_months(seed: int) -> list[pl.DataFrame]:
    """Six months; in the fourth a plan appears whose customers answer in their own way, always the same."""
    rng = np.random.default_rng((99, seed))
    blocks = []
    for month in range(6):
        block = rows(8000 if month == 0 else 600, rng).rename({"word": "plan"})
        if month >= 3:
            new = pl.Series(rng.random(block.height) < 0.15)
            block = block.with_columns(
                pl.when(new).then(pl.lit("new")).otherwise("plan").alias("plan"),
                pl.when(new).then(pl.lit("no")).otherwise("answer").alias("answer"),
            )
            # customers of the new plan look like those who said yes
            block = block.with_columns(pl.when(new).then(pl.col("x1").abs() + 1).otherwise("x1").alias("x1"))
        blocks.append(block)
    return blocks[:5]
