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
SURE: Final = 5.0  # a factor beyond which nothing but a unit changes all numbers alike
FEW: Final = 10  # different values of a column that may be codes
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
APART: Final = (0.3, 0.4)  # gap of the distributions beyond which a unit may have changed, by the factor
OTHER: Final = 0.3  # gap of the distributions from which a column may be another one
EMPTIED: Final = 0.5  # share of missing cells that is too much where there were few
UNKNOWN: Final = 0.9  # share of values that were never seen, in a column of few values


def meaning(fitted: Fitted, frame: pl.DataFrame, memory: Memory) -> Iterator[Finding]:
    """What refuses rows although every cell could be read; the memory says what columns were like."""
    before = memory.in_use
    if not frame.height or not before.height:
        return
    inputs = [f for f in fitted.schema.with_role("input") if f.name in before.columns]
    for field in inputs:
        old, new = before[field.name], frame[field.name]
        yield from _emptied(field.name, old, new)
        if field.kind == "number":
            yield from _units(field.name, old, new)
        elif field.kind == "category":
            yield from _other_words(field.name, old, new)
    yield from _exchanged([f.name for f in inputs if f.kind == "number"], before, frame)


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
    factor = unit_factor(a, b) if min(len(a), len(b)) >= LEAST else None
    if factor is None:
        return
    said = f"× {factor:g}" if factor > 1 else f"÷ {1 / factor:g}"
    spreads = [float(np.subtract(*np.quantile(each, [0.75, 0.25]))) for each in (a, b)]
    yield Finding(
        severity="fatal",
        code="units-changed",
        column=name,
        count=len(b),
        message=f"The numbers of {name!r} look like the old ones {said}: the middle half of them spans "
        f"{spreads[1]:.4g}, and spanned {spreads[0]:.4g}.",
        remedy="If the unit is another one, convert the column; if the numbers are right, learn by force.",
    )


def unit_factor(old: np.ndarray, new: np.ndarray) -> float | None:
    """By what factor between units in use all numbers were multiplied; None where by none.

    >>> old = np.random.default_rng(0).normal(size=500)
    >>> unit_factor(old[:300], 1000 * old[300:])
    1000.0
    """
    before = gap(old, new)
    if before <= min(APART):  # they fit as they are
        return None
    low, high = np.quantile(np.abs(old), [0.25, 0.75])
    sure = max(SURE, (high / low) ** 1.5 if low > 0 else np.inf)  # what spreads widely fits many a factor
    found = []
    for factor in (*FACTORS, *(1 / each for each in FACTORS)):
        after = gap(old, new / factor)
        alike, apart = (0.15, APART[0]) if max(factor, 1 / factor) > sure else (0.08, APART[1])
        if after < alike and before > apart:
            found.append((after, factor))
    return min(found)[1] if found and _several(old) and _several(new) else None


def _several(values: np.ndarray) -> bool:
    """Whether there are numbers enough to tell a unit by; a few that come again and again are codes."""
    return len(np.unique(values)) > FEW


def _other_words(name: str, old: pl.Series, new: pl.Series) -> Iterator[Finding]:
    words, values = old.cast(pl.String).drop_nulls(), new.cast(pl.String).drop_nulls()
    if min(len(words), len(values)) < LEAST:
        return
    few = words.n_unique() <= len(words) / 10
    unknown = 1 - float(np.mean(values.is_in(words.unique().to_list()).to_numpy()))
    if few and unknown > UNKNOWN:
        yield Finding(
            severity="fatal",
            code="other-values",
            column=name,
            count=int(unknown * len(values)),
            message=f"{unknown:.0%} of the values of {name!r} were never seen, first {values[0]!r}; before "
            f"they were few and came again, as {words[0]!r}.",
            remedy="If they are written in another way, write them as before; if new, learn by force.",
        )


def _exchanged(names: list[str], old: pl.DataFrame, new: pl.DataFrame) -> Iterator[Finding]:
    """Two columns each of which looks like the other one did, and not like itself."""
    filled = {name: (_filled(old[name]), _filled(new[name])) for name in names}
    able = [name for name in names if min(map(len, filled[name])) >= LEAST]
    moved = [name for name in able if gap(*filled[name]) > OTHER]
    for i, a in enumerate(moved):
        for b in moved[i + 1 :]:
            crossed = max(gap(filled[a][0], filled[b][1]), gap(filled[b][0], filled[a][1]))
            if crossed < min(0.2, OTHER / 2):
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
