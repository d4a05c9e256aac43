"""What was lost where a column was brought into the type of its kind, and what to say of it."""

from __future__ import annotations

from typing import Final, Literal

import msgspec
import numpy as np
import polars as pl

from lamina.catalog import KINDS
from lamina.records import Field, Finding

SHOWN_ROWS: Final = 100  # a finding names at most so many rows
TOO_MANY: Final = 0.5  # a column with a larger share of unreadable cells is refused


class Lost(msgspec.Struct, frozen=True, kw_only=True):
    """What could not be read in a column: ``count`` of its ``filled`` cells, of ``cells`` in all; the first
    ``rows`` and the first as ``shown``. ``refused``: whether the column is, always, or where most are lost.
    ``web``: the cells are addresses in a network."""

    count: int = 0
    filled: int
    cells: int
    rows: tuple[int, ...] = ()
    shown: str = ""
    refused: Literal["always", "many", "never"] = "never"
    nested: bool = False
    web: bool = False

    def then(self, other: Lost) -> Lost:
        """This and what was lost in the rows that follow."""
        rows = (*self.rows, *(self.cells + row for row in other.rows))[:SHOWN_ROWS]
        told = self if self.count else other
        return Lost(
            count=self.count + other.count, filled=self.filled + other.filled, cells=self.cells + other.cells,
            rows=rows, shown=told.shown, refused=min(self.refused, other.refused) if told.count else "never",
            nested=told.nested, web=told.web,
        )  # fmt: skip


def lost_of(
    raw: pl.Series, lost: pl.Series, missing: pl.Series, refused: Literal["always", "many", "never"]
) -> Lost:
    """From which cells were lost and which were missing, Boolean."""
    rows = first_rows(lost)
    return Lost(
        count=int(lost.sum()), filled=len(raw) - int(missing.sum()), cells=len(raw), rows=rows,
        shown=_shown(raw, rows[0]) if rows else "", refused=refused, nested=raw.dtype.is_nested(),
    )  # fmt: skip


def nothing_lost(column: pl.Series) -> Lost:
    """Of a column in which only missing cells are null."""
    return Lost(filled=len(column) - column.null_count(), cells=len(column))


def first_rows(mask: pl.Series) -> tuple[int, ...]:
    """The numbers of the first rows in which it is true."""
    return tuple(np.flatnonzero(mask.to_numpy())[:SHOWN_ROWS].tolist())


def _shown(raw: pl.Series, row: int) -> str:
    text = repr(raw[row])
    return text if len(text) <= 60 else text[:57] + "…"


def finding_of(field: Field, lost: Lost) -> Finding | None:
    """What to say of what was lost: the column holds something else, or cells count as missing."""
    if not lost.count:
        return None
    fatal = lost.refused == "always" or (lost.refused == "many" and lost.count > TOO_MANY * lost.filled)
    if lost.web:
        message, remedy = _of_the_web(field, lost)
    elif fatal:
        message = (
            f"Column {field.name!r} should hold {_wanted(field)}, but {lost.count:,} of its "
            f"{lost.cells:,} cells do not, first in row {lost.rows[0]}: {lost.shown}."
        )
        remedy = _remedy("column", "fit again with", field, lost)
    else:
        cells = "1 cell" if lost.count == 1 else f"{lost.count:,} cells"
        message = (
            f"Column {field.name!r}: {cells} cannot be read as {_wanted(field)} and count as "
            f"missing, first in row {lost.rows[0]}: {lost.shown}."
        )
        remedy = _remedy("cells", "read the column as", field, lost)
    return Finding(
        severity="fatal" if fatal else "warning",
        code="unreadable",
        column=field.name,
        rows=lost.rows,
        count=lost.count,
        message=message,
        remedy=remedy,
    )


def _of_the_web(field: Field, lost: Lost) -> tuple[str, str]:
    return (
        f"Column {field.name!r} names {lost.count:,} files in a network, first in row {lost.rows[0]}: "
        f"{lost.shown}. Lamina fetches nothing from a network.",
        "Bring the files: download them and name their paths, or leave the column out with "
        f"roles={{{field.name!r}: 'ignored'}}.",
    )


def _remedy(what: str, how: str, field: Field, lost: Lost) -> str:
    if lost.nested:
        return f"Correct the {what}, or leave the column out with roles={{{field.name!r}: 'ignored'}}."
    return f"Correct the {what}, or {how} kinds={{{field.name!r}: 'category'}}."


def _wanted(field: Field) -> str:
    """What the column should hold, in words."""
    if field.kind == "place":
        axis, most = ("longitudes", 180) if field.form.get("cells") == "longitude" else ("latitudes", 90)
        return f"{axis} (degrees from -{most} to {most})"
    if field.kind == "vector" and "length" in field.form:
        return f"lists of {field.form['length']:,} numbers"
    if field.kind == "number" or field.form.get("cells") == "number":
        return f"numbers in {field.unit}" if field.unit else "numbers"
    if field.kind == "date":
        return f"dates ({field.form.get('order', 'typed')})"
    if field.kind == "flag":
        return f"{field.form.get('true', 'true')} or {field.form.get('false', 'false')}"
    if field.form.get("cells") == "labels":
        return "lists of labels"
    return KINDS[field.kind].plural if field.kind in KINDS else field.kind
