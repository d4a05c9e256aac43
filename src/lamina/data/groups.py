"""Rows in groups by any column: values, bands of numbers, periods of dates; small groups joined."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl

from lamina.catalog import KINDS
from lamina.data.infer import infer
from lamina.data.media_cells import MEDIA_KINDS
from lamina.data.table import Table
from lamina.errors import UsageError, nearest
from lamina.records import Field, Schema

LEAST: Final = 30  # rows of a group that is shown by itself
MOST: Final = 12  # groups of one column
BANDS: Final = 5  # of numbers
FEW_VALUES: Final = 8  # different numbers up to which each is a group
MISSING: Final = "(missing)"
_PERIODS: Final = (  # the coarsest of which there are enough is taken
    *(("1y", "%Y", "years"), ("1q", "", "quarters"), ("1mo", "%Y-%m", "months")),
    *(("1w", "%G week %V", "weeks"), ("1d", "%Y-%m-%d", "days"), ("1h", "%Y-%m-%d %H:00", "hours")),
)
_ENOUGH: Final = 3  # periods

# Names of groups and which rows are in them, bool ``(rows,)``
Parts = list[tuple[str, np.ndarray]]


@dataclass(frozen=True)
class Grouping:
    """The groups of one column: names, ``members`` bool ``(groups, rows)``, and ``how`` they were made.

    A row is in one group; by a column of lists, in as many as its cell names.
    """

    column: str
    how: str
    names: tuple[str, ...]
    members: np.ndarray


def with_groups(schema: Schema, table: Table, columns: Sequence[str]) -> Schema:
    """The schema that also reads these columns of the table, whatever the model makes of them.

    Raises UsageError for a column that is not there.
    """
    for name in columns:
        if name not in table.columns:
            raise UsageError(
                f"There is no column {name!r} to group by in {table.source}.",
                nearest(name, table.columns),
                column=name,
            )
        if name in schema and schema[name].role != "ignored":
            continue
        field = _field(table, name)
        others = tuple(each for each in schema if each.name != name)
        schema = Schema((*others, field))
    return schema


def _field(table: Table, name: str) -> Field:
    """How a column that the model does not read is read."""
    (field,) = infer(Table(table.frame.select(name), table.source))
    known = field.kind in KINDS and field.form.get("cells") != "raw"
    return Field(
        name=name,
        kind=field.kind if known else "category",
        role="group",
        why="rows are grouped by it",
        unit=field.unit,
        form=field.form if known else {},
    )


def grouping(frame: pl.DataFrame, field: Field) -> Grouping:
    """The groups of one column of a conformed frame.

    Raises UsageError for pictures, recordings and the like, which have no groups.
    """
    column = frame[field.name]
    if field.kind in MEDIA_KINDS or not _groupable(column.dtype):
        what = KINDS[field.kind].plural if field.kind in KINDS else field.kind
        raise UsageError(
            f"Column {field.name!r} holds {what}, of which no groups can be made.",
            "Group by a column of numbers, categories, flags, dates, texts or lists of words.",
            column=field.name,
        )
    parts, how = _parts(column, field)
    missing = column.is_null().to_numpy()
    parts, joined = _joined(parts, "the other values")
    if missing.any():
        parts.append((MISSING, missing))
    said = f"{how}; {joined}" if joined else how
    members = np.array([rows for _, rows in parts]).reshape(len(parts), frame.height)
    return Grouping(field.name, said, tuple(name for name, _ in parts), members)


def groupable(frame: pl.DataFrame, schema: Schema) -> Iterator[Grouping]:
    """Every column of the frame by which there are at least two groups."""
    for field in schema:
        if field.name not in frame.columns or field.kind in MEDIA_KINDS:
            continue
        if _groupable(frame.schema[field.name]):
            found = grouping(frame, field)
            if len(found.names) > 1:
                yield found


def _groupable(dtype: pl.DataType) -> bool:
    plain = dtype.is_numeric() or dtype.is_temporal() or dtype in (pl.String, pl.Boolean)
    return plain or dtype == pl.List(pl.String)


def _parts(column: pl.Series, field: Field) -> tuple[Parts, str]:
    """The groups of the cells that are there, and how they came about."""
    if column.dtype == pl.Boolean:
        return _values(column.cast(pl.String)), "by value"
    if column.dtype.is_temporal():
        return _periods(column)
    if column.dtype == pl.List(pl.String):
        return _words(column), "by word; a row counts for each of its words"
    if column.dtype == pl.String and field.kind == "text":
        lengths = column.str.split(" ").list.len().cast(pl.Float64)
        return _bands(lengths, " words"), "by length, about equally many rows each"
    if column.dtype == pl.String:
        return _values(column), "by value"
    numbers = column.cast(pl.Float64)
    if numbers.n_unique() <= FEW_VALUES:
        return _values(numbers), "by value"
    unit = f" {field.unit}" if field.unit else ""
    return _bands(numbers, unit), "bands with about equally many rows each"


def _values(column: pl.Series) -> Parts:
    """Every value, the most frequent first; numbers in their order."""
    counts = column.drop_nulls().alias("value").value_counts(sort=True, name="rows")
    if column.dtype.is_numeric():
        counts = counts.sort("value")
    values = counts["value"].to_list()
    shown = values[: MOST - 1] if len(values) > MOST else values
    parts = [(_text(each), (column == each).fill_null(False).to_numpy()) for each in shown]
    if len(values) > MOST:
        rest = column.is_in(values[MOST - 1 :]).fill_null(False).to_numpy()
        parts.append((f"the other {len(values) - MOST + 1:,} values", rest))
    return parts


def _words(column: pl.Series) -> Parts:
    """The most frequent words of a column of lists."""
    counts = column.explode().drop_nulls().alias("word").value_counts(sort=True, name="rows")
    words = counts["word"].head(MOST).to_list()
    parts = [(word, column.list.contains(word).fill_null(False).to_numpy()) for word in words]
    empty = (column.list.len() == 0).fill_null(False).to_numpy()
    return [*parts, ("(none)", empty)] if empty.any() else parts


def _bands(numbers: pl.Series, unit: str) -> Parts:
    """Quantile bands; a value that is very frequent has a band of its own."""
    known = numbers.is_not_null().to_numpy()
    values = numbers.fill_null(0.0).to_numpy()
    bands = min(BANDS, max(1, int(known.sum()) // LEAST))
    inner = np.unique(np.quantile(values[known], np.arange(1, bands) / bands, method="inverted_cdf"))
    place = np.searchsorted(inner, values, side="left")
    parts = []
    for band in np.unique(place[known]):
        rows = known & (place == band)
        low, high = values[rows].min(), values[rows].max()
        name = _text(low) if low == high else f"{_text(low)} to {_text(high)}"
        parts.append((f"{name}{unit}", rows))
    return parts


def _periods(column: pl.Series) -> tuple[Parts, str]:
    """Years, or the coarsest shorter period of which there are several; the earliest joined."""
    enough = (each for each in _PERIODS if column.dt.truncate(each[0]).n_unique() >= _ENOUGH)
    every, form, words = next(enough, _PERIODS[-1])
    periods = column.dt.truncate(every)
    starts = periods.drop_nulls().unique().sort().to_list()
    late = starts[-(MOST - 1) :] if len(starts) > MOST else starts
    parts = [(_period(each, form), (periods == each).fill_null(False).to_numpy()) for each in late]
    if len(starts) > MOST:
        early = (periods < late[0]).fill_null(False).to_numpy()
        parts.insert(0, (f"before {_period(late[0], form)}", early))
    return parts, f"by {words}"


def _period(start: Any, form: str) -> str:
    return start.strftime(form) if form else f"{start.year} Q{(start.month + 2) // 3}"


def _joined(parts: Parts, name: str) -> tuple[Parts, str]:
    """Groups of fewer than ``LEAST`` rows as one, and what was joined."""
    small = [(own, rows) for own, rows in parts if rows.sum() < LEAST]
    if len(small) < 2:
        return parts, ""
    large = [(own, rows) for own, rows in parts if rows.sum() >= LEAST]
    together = np.any([rows for _, rows in small], axis=0)
    said = f"{len(small)} groups of fewer than {LEAST} rows joined"
    return [*large, (f"{name} ({len(small)} groups)", together)], said


def _text(value: Any) -> str:
    if not isinstance(value, float):
        return str(value)
    whole = float(value).is_integer() and abs(value) < 1e15
    return f"{int(value)}" if whole else f"{value:.4g}"
