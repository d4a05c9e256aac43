"""Tables that are too large to be held in memory whole: Parquet, read by columns and by parts.

One column at a time is read where all its cells count (kinds, distinct values, unreadable cells), a part of
the rows at a time where all columns count (encoding, predicting). So the memory taken does not grow with the
number of columns, and with the rows only as one column and the encoded arrays do.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from lamina.data import media_folders
from lamina.data.frames import check_names
from lamina.data.table import Table
from lamina.errors import SourceError

CELLS: Final = 60_000_000  # rows × columns from which on a table stays in its file
PART: Final = 262_144  # rows read at once, at most
PART_CELLS: Final = 8_000_000  # and rows × columns
HEAD: Final = 1000  # rows in which paths of pictures and the like are looked for
_PLAIN: Final = (pl.String, pl.Boolean, pl.Date, pl.Datetime, pl.Time, pl.Duration, pl.Categorical, pl.Enum)


class LargeTable(Table):
    """Parquet files with the same columns, one under the other, whose rows stay where they are."""

    def __init__(self, paths: Sequence[Path], source: str, rows: Sequence[int], columns: pl.Schema) -> None:
        notes = ("Parquet", "read in parts, because it is large")
        for name, value in (("source", source), ("notes", notes), ("label", None), ("findings", ())):
            object.__setattr__(self, name, value)
        object.__setattr__(self, "_files", tuple(zip(paths, rows, strict=True)))
        object.__setattr__(self, "_schema", columns)

    _files: tuple[tuple[Path, int], ...]
    _schema: pl.Schema

    @property
    def paths(self) -> list[Path]:
        """The files, in order."""
        return [path for path, _ in self._files]

    @cached_property
    def frame(self) -> pl.DataFrame:  # type: ignore[override]
        """Everything, read into memory: for what needs the whole table at once."""
        return pl.concat([self._read(path, self.columns) for path, _ in self._files])

    def __len__(self) -> int:
        return sum(rows for _, rows in self._files)

    def __repr__(self) -> str:
        return f"LargeTable({self.source!r}, {len(self):,} rows, {len(self.columns)} columns)"

    @property
    def columns(self) -> list[str]:
        return self._schema.names()

    @property
    def large(self) -> bool:
        return True

    def column(self, name: str) -> pl.Series:
        return pl.concat([self._read(path, [name])[name] for path, _ in self._files])

    def taken(self, rows: np.ndarray) -> pl.DataFrame:
        """These rows; their numbers must be sorted."""
        found, start = [], 0
        for part in self.parts(rows_at_once(len(self.columns))):
            first, last = np.searchsorted(rows, (start, start + part.height))
            found.append(part[rows[first:last] - start])
            start += part.height
        return pl.concat(found)

    def parts(self, rows: int, *, skip: int = 0) -> Iterator[pl.DataFrame]:
        places = ((path, start) for path, height in self._files for start in range(0, height, rows))
        for path, start in islice(places, skip, None):
            yield self._read(path, self.columns, start, rows)

    def count_parts(self, rows: int) -> int:
        return sum(-(-height // rows) for _, height in self._files)

    def _read(
        self, path: Path, names: Sequence[str], start: int = 0, rows: int | None = None
    ) -> pl.DataFrame:
        try:
            lazy = pl.scan_parquet(path, glob=False).select(names)
            return (lazy if rows is None else lazy.slice(start, rows)).collect()
        except (pl.exceptions.PolarsError, OSError) as error:
            raise SourceError(
                f"{path.name} cannot be read as Parquet: {str(error).strip().splitlines()[0]}.",
                "Write or copy the file again; it is cut, altered, or changed while it was read.",
                source=path.name,
            ) from error


def rows_at_once(columns: int) -> int:
    """How many rows of a large table are read at once."""
    return max(1, min(PART, PART_CELLS // max(columns, 1)))


def large(paths: Sequence[Path], source: str, *, cells: int | None = None) -> LargeTable | None:
    """The table of these Parquet files, where it has at least so many ``cells`` (by default ``CELLS``), and
    these are plain values; else None."""
    if not all(path.suffix.lower() in (".parquet", ".pq") and path.is_file() for path in paths):
        return None
    try:
        lazy = [pl.scan_parquet(path, glob=False) for path in paths]
        schemas = [each.collect_schema() for each in lazy]
        rows = [int(each.select(pl.len()).collect().item()) for each in lazy]
    except (pl.exceptions.PolarsError, OSError):
        return None  # the ordinary way says what is wrong
    first = schemas[0]
    if sum(rows) * len(first) < (CELLS if cells is None else cells) or any(
        dict(each) != dict(first) for each in schemas
    ):
        return None
    if not all(kind.is_numeric() or isinstance(kind, _PLAIN) for kind in first.values()):
        return None
    check_names(first.names(), source)
    head = lazy[0].head(HEAD).collect()
    if any(media_folders.kind_of(v) for name in head.select(pl.col(pl.String)) for v in name.drop_nulls()):
        return None  # media are decoded into arrays that keep within bounds themselves
    return LargeTable(paths, source, rows, first)
