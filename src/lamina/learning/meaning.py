"""Columns that are read without complaint and yet mean something else: other units, emptied, exchanged."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import polars as pl

from lamina.learning.memory import Memory
from lamina.records import Finding
from lamina.training.fitted import Fitted

LEAST: Final = 30  # filled cells that tell something of a column
QUANTILES: Final = np.array([0.1, 0.25, 0.5, 0.75, 0.9])
# Factors between units in use: thousands and hundreds, inches, feet, pounds, miles, gallons
FACTORS: Final = (
    10.0,
    100.0,
    1000.0,
    1e4,
    1e6,
    60.0,
    3600.0,
    24.0,
    2.54,
    25.4,
    3.28084,
    2.20462,
    1.609344,
    3.78541,
)
EVEN: Final = 0.25  # spread of the logarithms of the quantiles' ratios, in units of the factor's own
EMPTIED: Final = 0.5  # share of missing cells that is too much where there were few
UNKNOWN: Final = 0.9  # share of values that were never seen, in a column of few values


def meaning(fitted: Fitted, frame: pl.DataFrame, memory: Memory) -> Iterator[Finding]:
    """What refuses rows although every cell could be read; the memory says what columns were like."""
    if not frame.height or not len(memory):
        return
    inputs = [f for f in fitted.schema.with_role("input") if f.name in memory.rows.columns]
    for field in inputs:
        old, new = memory.rows[field.name], frame[field.name]
        yield from _emptied(field.name, old, new)
        if field.kind == "number":
            yield from _units(field.name, old, new)
        elif field.kind == "category":
            yield from _other_words(field.name, old, new)
    yield from _exchanged([f.name for f in inputs if f.kind == "number"], memory.rows, frame)


def _emptied(name: str, old: pl.Series, new: pl.Series) -> Iterator[Finding]:
    before, now = old.null_count() / len(old), new.null_count() / len(new)
    if len(new) >= LEAST and now > EMPTIED and before < now / 2:
        yield Finding(
            severity="fatal",
            code="emptied-column",
            column=name,
            count=new.null_count(),
            message=f"Column {name!r} is empty in {now:.0%} of the new rows, and was in {before:.0%} before.",
            remedy="Check where the rows come from; if it is so from now on, learn by force.",
        )


def _units(name: str, old: pl.Series, new: pl.Series) -> Iterator[Finding]:
    a, b = _filled(old), _filled(new)
    if min(len(a), len(b)) < LEAST:
        return
    before, now = np.quantile(a, QUANTILES), np.quantile(b, QUANTILES)
    factor = unit_factor(before, now)
    if factor is None:
        return
    said = f"× {factor:g}" if factor > 1 else f"÷ {1 / factor:g}"
    yield Finding(
        severity="fatal",
        code="units-changed",
        column=name,
        count=len(b),
        message=f"The numbers of {name!r} look like the old ones {said}: their median is {now[2]:.4g} and was "
        f"{before[2]:.4g}, and the other quantiles moved alike.",
        remedy="If the unit is another one, convert the column; if the numbers are right, learn by force.",
    )


def unit_factor(before: np.ndarray, now: np.ndarray) -> float | None:
    """By what factor between units in use all quantiles were multiplied; None where by none.

    >>> unit_factor(np.array([1.0, 2, 3, 5, 8]), 1000 * np.array([1.0, 2, 3, 5, 8.1]))
    1000.0
    """
    able = (before != 0) & (now != 0) & (np.sign(before) == np.sign(now))
    distinct = len(np.unique(before)) >= 3 and len(np.unique(now)) >= 3
    if able.sum() < 4 or not distinct:
        return None
    ratios = np.log(now[able] / before[able])
    for factor in (*FACTORS, *(1 / each for each in FACTORS)):
        size = abs(np.log(factor))
        if np.abs(ratios - np.log(factor)).max() < EVEN * min(size, 1.0):
            return float(factor)
    return None


def _other_words(name: str, old: pl.Series, new: pl.Series) -> Iterator[Finding]:
    words, values = old.cast(pl.String).drop_nulls(), new.cast(pl.String).drop_nulls()
    if min(len(words), len(values)) < LEAST:
        return
    few = words.n_unique() <= len(words) / 10
    unknown = 1 - float(values.is_in(words.unique().to_list()).mean() or 0.0)
    if few and unknown > UNKNOWN:
        yield Finding(
            severity="fatal",
            code="other-values",
            column=name,
            count=int(unknown * len(values)),
            message=f"{unknown:.0%} of the values of {name!r} were never seen, first {values[0]!r}; before they "
            f"were few and came again, as {words[0]!r}.",
            remedy="If they are written in another way, write them as before; if they are new, learn by force.",
        )


def _exchanged(names: list[str], old: pl.DataFrame, new: pl.DataFrame) -> Iterator[Finding]:
    """Two columns each of which looks like the other one did, and not like itself."""
    filled = {name: (_filled(old[name]), _filled(new[name])) for name in names}
    able = [name for name in names if min(map(len, filled[name])) >= LEAST]
    moved = [name for name in able if gap(*filled[name]) > 0.5]
    for i, a in enumerate(moved):
        for b in moved[i + 1 :]:
            crossed = max(gap(filled[a][0], filled[b][1]), gap(filled[b][0], filled[a][1]))
            if crossed < 0.2:
                yield Finding(
                    severity="fatal",
                    code="exchanged-columns",
                    column=a,
                    message=f"The values of {a!r} look like those of {b!r} before, and the other way round.",
                    remedy="Check the order of the columns; if they are right, learn by force.",
                )


def gap(one: np.ndarray, two: np.ndarray) -> float:
    """The largest distance between the two distribution functions, 0 to 1 (Kolmogorov & Smirnov)."""
    one, two = np.sort(one), np.sort(two)
    both = np.concatenate([one, two])
    below = [np.searchsorted(each, both, side="right") / len(each) for each in (one, two)]
    return float(np.abs(below[0] - below[1]).max())


def _filled(series: pl.Series) -> np.ndarray:
    values = series.cast(pl.Float64, strict=False).drop_nulls().to_numpy()
    return values[np.isfinite(values)]
