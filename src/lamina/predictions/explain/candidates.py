"""What the columns that may change may change to: values like those that training has met."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl

from lamina.errors import UsageError, nearest
from lamina.features.base import Feature
from lamina.features.category import CategoryFeature
from lamina.features.date import DateFeature
from lamina.features.flag import FlagFeature
from lamina.features.number import NumberFeature

# How a column may change: anyhow, up, down, between bounds (of numbers and dates), to one of some values
Rule = str | tuple[Any, Any] | list[Any] | None
EPOCH, DAY = datetime(1970, 1, 1), 86_400.0


@dataclass(frozen=True)
class Candidates:
    """The values that one column may take instead of ``before``, nearest first, and their ``costs``.

    ``numbers`` are the values on the scale on which they may be mixed with the one before (None where there
    is nothing between two values); they are multiples of ``grain``, where that is not zero, and lie
    from ``low`` to ``high``.
    """

    column: str
    before: Any
    values: pl.Series
    costs: np.ndarray
    numbers: np.ndarray | None = None
    grain: float = 0.0
    spread: float = 1.0
    low: float = -np.inf
    high: float = np.inf

    def __len__(self) -> int:
        return len(self.costs)

    @property
    def start(self) -> float:
        """The value before, on the scale of ``numbers``."""
        return _scale(self.before)

    @property
    def nearest(self) -> float:
        """As near to the value before as the column may come."""
        return min(max(self.start, self.low), self.high)

    def between(self, low: float, high: float, steps: int) -> np.ndarray:
        """Numbers behind ``low``, the last of them ``high``."""
        found = low + (high - low) * np.arange(1, steps + 1) / steps
        if not self.grain:
            return found
        found = np.round(found / self.grain) * self.grain
        return found[np.sort(np.unique(found, return_index=True)[1])]

    def cells(self, numbers: np.ndarray) -> pl.Series:
        """Such numbers as cells of the column."""
        return _cells(numbers, self.values)

    def scale(self, cell: Any) -> float:
        """A cell on the scale of ``numbers``."""
        return _scale(cell)

    def cost(self, cell: Any) -> float:
        """What it costs to have this value."""
        if self.numbers is None:
            return 1.0
        return abs(_scale(cell) - self.start) / self.spread


def candidates_of(
    features: Sequence[Feature], frame: pl.DataFrame, row: int, rules: Mapping[str, Rule]
) -> list[Candidates]:
    """For every column named, what it may change to. ``frame`` are the rows given, of which ``row`` is to
    change.

    Numbers and dates stay within the range of the training rows, at whose quantiles they are tried;
    categories are those of the training rows. Raises UsageError for columns that cannot change.
    """
    found = []
    for column, rule in rules.items():
        feature = next((each for each in features if column in each.columns), None)
        if feature is None:
            names = [name for each in features for name in each.columns]
            raise UsageError(f"The model reads no column {column!r}.", nearest(column, names), column=column)
        place = feature.columns.index(column)
        found.append(_candidates(feature, place, frame[column], frame[column][row], rule))
    return found


def _candidates(feature: Feature, place: int, cells: pl.Series, before: Any, rule: Rule) -> Candidates:
    column = cells.name
    if isinstance(feature, NumberFeature):
        tried = _raw(feature, place)
        whole = bool((np.abs(tried - np.round(tried)) < 1e-3 + 1e-5 * np.abs(tried)).all())
        return _on_a_line(before, tried, feature.spread[place], rule, cells, grain=1.0 if whole else 0.0)
    if isinstance(feature, DateFeature):
        elapsed = feature.numbers.columns.index(f"{column} elapsed")
        days = cells.drop_nulls()
        grain = DAY if (days == days.dt.truncate("1d")).all() else 1.0
        spread = feature.numbers.spread[elapsed]
        return _on_a_line(before, _raw(feature.numbers, elapsed), spread, rule, cells, grain=grain)
    if isinstance(feature, CategoryFeature | FlagFeature):
        known = list(feature.known[place]) if isinstance(feature, CategoryFeature) else [True, False]
        return _named(column, before, known, rule, cells.dtype)
    raise UsageError(
        f"{column!r} is a {feature.kind}, for which there are no values in between to try.",
        "Name numbers, categories, flags and dates as changeable.",
        column=column,
    )


def _raw(feature: NumberFeature, place: int) -> np.ndarray:
    """The training quantiles in the user's unit, as exactly as they were kept."""
    raw = feature.centre[place] + feature.spread[place] * np.sinh(np.array(feature.knots[place]))
    return np.array([float(f"{each:.7g}") for each in raw])


def _on_a_line(
    before: Any, tried: np.ndarray, spread: float, rule: Rule, cells: pl.Series, *, grain: float
) -> Candidates:
    """Numbers, or dates as seconds."""
    start = None if before is None else _scale(before)
    tried = np.round(tried / grain) * grain if grain else tried
    low, high = _limits(tried, start, rule, cells.name)
    tried = np.unique(np.append(tried, [low, high]) if isinstance(rule, tuple) else tried)
    tried = tried[(tried >= low) & (tried <= high) & (tried != start)]
    costs = np.ones(len(tried)) if start is None else np.abs(tried - start) / spread
    order = np.argsort(costs, kind="stable")
    numbers = None if start is None else tried[order]
    return Candidates(
        cells.name, before, _cells(tried[order], cells), costs[order], numbers, grain, spread, low, high
    )


def _limits(tried: np.ndarray, start: float | None, rule: Rule, column: str) -> tuple[float, float]:
    """Between what the numbers must lie: within the range of those to be tried, as the rule says."""
    low, high = float(tried.min()), float(tried.max())
    if isinstance(rule, tuple) and len(rule) == 2:
        return (
            low if rule[0] is None else max(low, _scale(rule[0])),
            high if rule[1] is None else min(high, _scale(rule[1])),
        )
    if rule not in (None, "any", "up", "down"):
        raise _no_rule(column, rule, "any, up, down, or bounds (low, high)")
    if start is None:
        return low, high
    return (start if rule == "up" else low), (start if rule == "down" else high)


def _named(column: str, before: Any, known: list[Any], rule: Rule, dtype: Any) -> Candidates:
    """Categories and flags."""
    allowed = known
    if isinstance(rule, list):
        strange = [each for each in rule if each not in known]
        if strange:
            raise UsageError(
                f"{strange[0]!r} is no value of {column!r} that training has met.",
                nearest(str(strange[0]), [str(each) for each in known]),
                column=column,
            )
        allowed = rule
    elif rule not in (None, "any"):
        raise _no_rule(column, rule, "any, or a list of values")
    values = pl.Series(column, [each for each in allowed if each != before], dtype=dtype)
    return Candidates(column, before, values, np.ones(len(values)))


def _no_rule(column: str, rule: Rule, wanted: str) -> UsageError:
    return UsageError(
        f"{column!r} cannot change by the rule {rule!r}.", f"Say how it may change: {wanted}.", column=column
    )


def _scale(value: Any) -> float:
    """A number, or a date as seconds since 1970."""
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)
    return (value - EPOCH) / timedelta(seconds=1) if isinstance(value, datetime) else float(value)


def _cells(numbers: np.ndarray, like: pl.Series) -> pl.Series:
    """Numbers, or seconds since 1970, as cells of a column."""
    if like.dtype.is_temporal():
        return pl.Series(like.name, np.round(numbers * 1e6).astype(np.int64)).cast(pl.Datetime("us"))
    return pl.Series(like.name, numbers, dtype=pl.Float64)
