"""The table as read: raw columns, where they came from, what reading decided."""

from __future__ import annotations

from dataclasses import dataclass, field

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
    """

    frame: pl.DataFrame
    source: str
    notes: tuple[str, ...] = ()
    label: str | None = None
    findings: tuple[Finding, ...] = field(default=())

    def __len__(self) -> int:
        return self.frame.height
