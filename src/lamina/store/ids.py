"""What users call their rows."""

from __future__ import annotations

import uuid

import polars as pl

from lamina.data.table import Table
from lamina.errors import ColumnError, UsageError, nearest


def ids_of(table: Table, column: str) -> list[str]:
    """The ids of all rows, as text. Raises ColumnError where the column, or an id in it, is missing."""
    if column not in table.frame.columns:
        raise ColumnError(
            f"{table.source} has no column {column!r}, which is to hold the rows' ids.",
            nearest(column, table.frame.columns),
            column=column,
        )
    ids = table.frame[column]
    if ids.dtype.is_nested() or ids.dtype == pl.Binary:
        raise ColumnError(
            f"Column {column!r} holds {ids.dtype}, which are no ids.", "Name a column of words or numbers."
        )
    empty = ids.is_null().arg_true()
    if len(empty):
        raise ColumnError(
            f"Column {column!r} has no id in {len(empty):,} rows, first in row {empty[0]}.",
            "Fill the ids in, or leave those rows out.",
            column=column,
            rows=empty.head(100).to_list(),
        )
    return ids.cast(pl.String).to_list()


def required(column: str | None) -> str:
    """The column that is asked for. Raises UsageError where none is."""
    if column is None:
        raise UsageError(
            "Which column holds the rows' ids? The store was not told.",
            'Name it: id="customer" in Python, --id customer in a terminal.',
        )
    return column


def new_ids(rows: int) -> list[str]:
    """Ids for rows that have none: told with the answers, to be sent back with what happened."""
    return [uuid.uuid4().hex for _ in range(rows)]
