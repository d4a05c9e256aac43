"""The rows to learn from, in the types of their schema: whole in memory, or read again as they are needed.

Both give the same columns, rows and arrays; of a large table no more lies in memory than one column, a part
of the rows, and the arrays.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Final

import numpy as np
import polars as pl

from lamina.data.conform import Conforming, answered_rows, conform, conform_part
from lamina.data.doctor import Case
from lamina.data.doctor.case import Whole
from lamina.data.doctor.report import numbers_of
from lamina.data.large import rows_at_once
from lamina.data.split import Split
from lamina.data.table import Table
from lamina.features.base import Arrays
from lamina.features.features import Features
from lamina.features.media import room
from lamina.progress import Bar
from lamina.records import Finding, Schema

EXAMINED: Final = 200_000  # rows of a large table that the doctor looks at, evenly taken
EXAMINED_CELLS: Final = 50_000_000  # and rows × columns
KNOWN: Final = ("target", "time", "group", "weight")  # roles of which every cell counts
PATIENCE: Final = 2.0  # seconds before a progress bar appears


class Rows(ABC):
    """Conformed rows that have an answer; ``findings`` are what was found on the way, ``known`` the columns
    that are no inputs, whole."""

    known: pl.DataFrame
    findings: tuple[Finding, ...]

    def __len__(self) -> int:
        return self.known.height

    @abstractmethod
    def whole(self, name: str) -> pl.Series:
        """One column in all rows."""

    @abstractmethod
    def take(self, names: list[str], rows: np.ndarray) -> pl.DataFrame:
        """These columns of these rows."""

    @abstractmethod
    def case(self, parts: Split) -> Case:
        """What the doctor looks at."""

    @abstractmethod
    def transform(self, features: Features) -> tuple[Arrays, pl.DataFrame | None]:
        """The arrays of all rows, and the frame that they came from where there is one."""


class RowsInMemory(Rows):
    """Of a table that is in memory."""

    def __init__(self, table: Table, schema: Schema) -> None:
        self.frame, self.findings = conform(table, schema, need_target=True)
        self.known, self._table, self._schema = self.frame, table, schema

    def whole(self, name: str) -> pl.Series:
        return self.frame[name]

    def take(self, names: list[str], rows: np.ndarray) -> pl.DataFrame:
        return self.frame.select(names)[rows]

    def case(self, parts: Split) -> Case:
        numbers = numbers_of(self._table, self._schema, self.frame.height)
        return Case(self.frame, self._schema, held_out=parts.validation, numbers=numbers)

    def transform(self, features: Features) -> tuple[Arrays, pl.DataFrame | None]:
        return features.transform(self.frame), self.frame


class RowsInFile(Rows):
    """Of a large table: every column is read once to see that its cells are what they should be, and again
    when a feature is fitted on it; parts of the rows are read when they are encoded."""

    def __init__(self, table: Table, schema: Schema) -> None:
        self._table, self._schema = table, schema
        answers = Schema(schema.with_role("target"))
        targets = pl.DataFrame([c for _, c in Conforming(_only(table, answers), answers, need_target=True)])
        self._kept, unanswered = answered_rows(targets, schema)
        self._numbers = None if self._kept is None else np.flatnonzero(self._kept.to_numpy())
        rows = table_rows = len(table) if self._numbers is None else len(self._numbers)
        most = min(EXAMINED, max(1000, EXAMINED_CELLS // max(len(table.columns), 1)))
        self._looked_at = np.linspace(0, rows - 1, min(table_rows, most)).astype(np.int64)
        conforming, known, seen = Conforming(table, schema, need_target=True), [], []
        with Bar("checking the columns", len(conforming.fields), after=PATIENCE) as bar:
            for number, (field, column) in enumerate(conforming, 1):
                column = self._answered(column)
                seen.append(column.gather(pl.Series(self._looked_at)))
                known += [column] if field.role in KNOWN else []
                bar.at(number)
        self.known, self._sample = pl.DataFrame(known), pl.DataFrame(seen)
        self.findings = (*conforming.findings, *unanswered, *self._said())

    def _said(self) -> list[Finding]:
        """A note where the doctor sees a sample."""
        if len(self._looked_at) == len(self):
            return []
        return [
            Finding(
                severity="note",
                code="large-table",
                count=len(self._looked_at),
                message=f"The doctor looks at {len(self._looked_at):,} of {len(self):,} rows, evenly taken, "
                "and counts cells and copies among these; kinds, unreadable cells and answers were checked "
                "in all.",
                remedy="Nothing to do; `lamina doctor` looks at every row.",
            )
        ]

    def _answered(self, column: pl.Series) -> pl.Series:
        return column if self._kept is None else column.filter(self._kept)

    def whole(self, name: str) -> pl.Series:
        schema = Schema((self._schema[name],))
        return self._answered(conform_part(self._table.column(name).to_frame(), schema)[name])

    def take(self, names: list[str], rows: np.ndarray) -> pl.DataFrame:
        return pl.DataFrame([self.whole(name).gather(pl.Series(rows)) for name in names])

    def case(self, parts: Split) -> Case:
        held_out = np.flatnonzero(np.isin(self._looked_at, parts.validation, assume_unique=True))
        numbers = self._looked_at if self._numbers is None else self._numbers[self._looked_at]
        targets = self.known.select([each.name for each in self._schema.with_role("target")])
        whole = Whole(targets, self._numbers)
        return Case(self._sample, self._schema, held_out=held_out, numbers=numbers, whole=whole)

    def transform(self, features: Features) -> tuple[Arrays, pl.DataFrame | None]:
        arrays: Arrays = {}
        names = {name for each in features for name in each.columns}
        used = Schema(tuple(field for field in self._schema if field.name in names))
        read = done = 0
        with Bar("encoding", len(self._table), after=PATIENCE) as bar:
            for part in self._table.parts(rows_at_once(len(self._table.columns))):
                frame = conform_part(part, used)
                if self._kept is not None:
                    frame = frame.filter(self._kept.slice(read, part.height))
                _write(features, frame, arrays, done, len(self))
                read, done = read + part.height, done + frame.height
                bar.at(read)
        return arrays, None


def _write(features: Features, frame: pl.DataFrame, arrays: Arrays, start: int, rows: int) -> None:
    """Encodes some rows into the arrays of all, in the smallest types."""
    for feature in features:
        for name, values in feature.transform(frame).items():
            if name not in arrays:
                arrays[name] = room((rows, *values.shape[1:]), feature.stored(name) or values.dtype)
            arrays[name][start : start + len(values)] = values


def _only(table: Table, schema: Schema) -> Table:
    """The table with these columns alone."""
    names: Sequence[str] = [each.name for each in schema if each.name in table.columns]
    return Table(pl.DataFrame([table.column(name) for name in names]), table.source)


def rows_of(table: Table, schema: Schema) -> Rows:
    """The rows to learn from of any table."""
    return RowsInFile(table, schema) if table.large else RowsInMemory(table, schema)
