"""Answers that can be worked out: a sum of other columns, and averages of the answer in disguise."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import polars as pl

from lamina.data.doctor.case import Case
from lamina.data.doctor.leaks import leak, possible_leak
from lamina.data.doctor.strength import as_numbers
from lamina.records import Field, Finding

MOST_ROWS: Final = 5000  # of the least squares
MOST_COLUMNS: Final = 60
LEAST_ROWS: Final = 50
EXACT: Final = 1e-8  # share of the variation left over by an equation that holds
NEARLY: Final = 0.02
MOST_PAIRS: Final = 200  # of a number and a category that are compared
LEVELS: Final = (3, 5000)  # values of a category between which an average is looked for


def sums(case: Case) -> Iterator[Finding]:
    """The answer as a sum of columns (``casual + registered``), or as what is left of a total."""
    if case.target is None or case.answer != "number":
        return
    fields = [each for each in case.inputs if each.kind == "number"][:MOST_COLUMNS]
    found = _equation(case, fields)
    if found is None:
        return
    chosen, signs, exact = found
    right = " ".join(f"{'+' if s > 0 else '-'} {f.name}" for f, s in zip(chosen, signs, strict=True))
    words = f"{case.target.name} = {right.removeprefix('+ ')}"
    for field, sign in zip(chosen, signs, strict=True):
        if sign < 0:  # a part that is taken off the total tells little without it
            continue
        if exact:
            yield leak(case, field, f"is part of a sum that gives it exactly ({words})")
        else:
            yield possible_leak(case, field, f"is part of a sum that nearly gives the answer ({words})")


def _equation(case: Case, fields: list[Field]) -> tuple[list[Field], list[int], bool] | None:
    """Columns that add up to the answer with factors of +1 and -1, and whether they do so exactly."""
    if len(fields) < 2:
        return None
    x = np.stack([as_numbers(case.sample[each.name]) for each in fields], axis=1)
    y = case.answers
    good = np.isfinite(x).all(1) & np.isfinite(y)
    if good.sum() < max(LEAST_ROWS, 2 * len(fields)):
        return None
    rows = np.flatnonzero(good)
    rows = rows[np.linspace(0, len(rows) - 1, min(len(rows), MOST_ROWS)).astype(np.int64)]
    x, y = x[rows] - x[rows].mean(0), y[rows] - y[rows].mean()
    spread = x.std(0)
    used = np.flatnonzero((spread > 0) & np.isfinite(spread))
    if not len(used) or not 0 < y.var() < np.inf:
        return None
    for most, exact in ((EXACT, True), (NEARLY, False)):
        chosen, factors = _fewest(x[:, used] / spread[used], y, most)
        factors = factors / spread[used][chosen]
        close = np.abs(np.abs(factors) - 1) < (1e-4 if exact else 0.2)
        if len(chosen) >= 2 and close.all():
            return [fields[used[each]] for each in chosen], [int(np.sign(f)) for f in factors], exact
    return None


def _fewest(x: np.ndarray, y: np.ndarray, most: float) -> tuple[list[int], np.ndarray]:
    """The fewest columns, taken away one by one, that still leave at most this share of y over."""
    gram, moment, whole = x.T @ x, x.T @ y, float(y @ y)

    def left(columns: list[int]) -> tuple[float, np.ndarray]:
        factors = np.linalg.lstsq(x[:, columns], y, rcond=1e-10)[0] if most == EXACT else _solve(columns)
        rest = y - x[:, columns] @ factors
        return float(rest @ rest) / whole, factors

    def _solve(columns: list[int]) -> np.ndarray:
        part = gram[np.ix_(columns, columns)]
        return np.linalg.lstsq(part, moment[columns], rcond=1e-12)[0]

    columns = list(range(x.shape[1]))
    over, factors = left(columns)
    if over > most:
        return [], np.empty(0)
    for column in np.argsort(np.abs(factors)):
        fewer = [each for each in columns if each != column]
        if fewer and left(fewer)[0] <= most:
            columns = fewer
    return columns, left(columns)[1]


def encoded(case: Case) -> Iterator[Finding]:
    """Numbers that are the mean answer per value of a category, computed with the answers themselves."""
    if case.target is None or len(case.frame) < LEAST_ROWS:
        return
    answer = _answer_as_number(case)
    if answer is None:
        return
    low, high = float(answer.min()), float(answer.max())  # type: ignore[arg-type]
    categories = [each for each in case.inputs if each.kind == "category"]
    numbers = [each for each in case.inputs if each.kind == "number" and _between(case, each, low, high)]
    for number in numbers[: MOST_PAIRS // max(len(categories), 1)]:
        by = next((each for each in categories if _is_mean_by(case, number, each, answer)), None)
        if by is not None:
            yield leak(case, number, f"is the average answer for each value of {by.name!r}, worked out with "
                       "the answers of these very rows")  # fmt: skip


def _answer_as_number(case: Case) -> pl.Series | None:
    """The answers of all rows as numbers: of two classes, 0 and 1."""
    assert case.target is not None
    series = case.frame[case.target.name]
    if case.answer == "number":
        return series.cast(pl.Float64)
    if len(case.classes) != 2:
        return None
    return (series.cast(pl.String) == str(series.cast(pl.String).max())).cast(pl.Float64)


def _between(case: Case, field: Field, low: float, high: float) -> bool:
    """A mean lies within the range of what it is the mean of; few columns do."""
    values = case.sample[field.name]
    if values.null_count() == len(values):
        return False
    lowest, highest = float(values.min()), float(values.max())  # type: ignore[arg-type]
    return low <= lowest < highest <= high


def _is_mean_by(case: Case, number: Field, category: Field, answer: pl.Series) -> bool:
    """Whether ``number`` is this category's mean answer: plain, shrunk to the overall mean, without the row.

    All three are straight lines in what the row's level adds up to; so each is tried, up or down (the
    other class of two).
    """
    frame = case.frame.select(level=category.name, x=pl.col(number.name)).with_columns(y=answer).drop_nulls()
    levels = frame["level"].n_unique()
    if frame.height < 0.9 * len(answer) or not LEVELS[0] <= levels <= min(LEVELS[1], frame.height // 2):
        return False
    whole = frame.with_columns(
        n=pl.len().over("level"), s=pl.col("y").sum().over("level"), spread=pl.col("x").std().over("level")
    )
    mean, size = float(frame["y"].mean()), whole["x"].std()  # type: ignore[arg-type]
    if not isinstance(size, float) or not size > 0:
        return False
    x, y, n, s = (whole[each].cast(pl.Float64).to_numpy() for each in ("x", "y", "n", "s"))
    sides = (x,) if case.answer == "number" else (x, 1 - x)
    return any(_agrees(side, *part) for side in sides for part in _means(side, y, n, s, mean))


def _means(
    x: np.ndarray, y: np.ndarray, n: np.ndarray, s: np.ndarray, mean: float
) -> list[tuple[np.ndarray, np.ndarray]]:
    """(what would be expected, where): the plain mean, the shrunk one, the mean of the other rows."""
    away = x - mean
    with np.errstate(divide="ignore", invalid="ignore"):
        weight = np.median(((s - n * x) / away)[np.abs(away) > 1e-9 * max(abs(mean), 1e-9)])
        shrunk = (s + weight * mean) / (n + weight)
        others = (s - y) / (n - 1)
    every = np.ones(len(x), bool)
    return [(shrunk if np.isfinite(weight) and weight >= -1e-6 else s / n, every), (others, n > 1)]


def _agrees(x: np.ndarray, expected: np.ndarray, where: np.ndarray) -> bool:
    """Whether nearly all rows are as expected, up to rounding."""
    close = np.abs(x - expected) <= 0.01 * x.std()
    return bool(where.sum() >= 0.5 * len(x) and close[where].mean() >= 0.95)
