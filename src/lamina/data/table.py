"""The table as read: raw columns, where they came from, what reading decided."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from lamina.records import Finding


@dataclass(frozen=True)
class Table:
    """Raw data in columns, one row per example. Reading it changes no value.

    Columns hold what the source held: text for text formats, numbers and dates where the format
    has types. A column of media holds absolute paths (String), encoded files (Binary) or pixels
    (``pl.Array`` of UInt8, height × width or height × width × channels).

    ``label`` is the column that the source itself names as the answer (class folders, idx labels).
    ``findings`` are rows set aside while reading, and anything else worth saying.

    A large table (``data.large``) leaves its rows in the file: what can work by columns or by parts uses
    ``column``, ``taken`` and ``parts``; ``frame`` reads everything.
    """

    frame: pl.DataFrame
    source: str
    notes: tuple[str, ...] = ()
    label: str | None = None
    findings: tuple[Finding, ...] = field(default=())

    def __len__(self) -> int:
        return self.frame.height

    @property
    def columns(self) -> list[str]:
        """The names, in order."""
        return self.frame.columns

    @property
    def large(self) -> bool:
        """Whether the rows stay in their file and are read a part at a time."""
        return False

    def column(self, name: str) -> pl.Series:
        """One whole column."""
        return self.frame[name]

    def taken(self, rows: np.ndarray) -> pl.DataFrame:
        """These rows, by number."""
        return self.frame[rows]

    def parts(self, rows: int, *, skip: int = 0) -> Iterator[pl.DataFrame]:
        """All rows in order, so many at a time, without the first ``skip`` parts; a table without rows is one
        part without rows."""
        for start in range(skip * rows, max(len(self), 1), rows):
            yield self.frame.slice(start, rows)

    def count_parts(self, rows: int) -> int:
        """How many parts there are."""
        return -(-max(len(self), 1) // rows)
