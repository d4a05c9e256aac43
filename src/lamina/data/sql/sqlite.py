"""SQLite: a file whose cells each have a type of their own."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, ClassVar, Final
from urllib.parse import quote, unquote

import polars as pl

from lamina.data.sql.address import quoted
from lamina.data.sql.database import ROWS, Database, quoted_one
from lamina.errors import SourceError

WAIT: Final = 30.0  # seconds for another process's transaction to end


class Sqlite(Database):
    """``sqlite:///shop.db`` in this folder, ``sqlite:////data/shop.db`` from the root."""

    types: ClassVar = {"flag": "INTEGER", "whole": "INTEGER", "number": "REAL"}

    @property
    def path(self) -> Path:
        return Path(unquote(self.address.url.partition("://")[2].removeprefix("/"))).expanduser()

    @property
    def errors(self) -> tuple[type[Exception], ...]:
        return (sqlite3.Error,)

    def _reading(self) -> sqlite3.Connection:
        """Raises SourceError where there is no such file: none is made by looking."""
        if not self.path.is_file():
            raise SourceError(f"There is no file {self.path}.", "Check the path.", path=str(self.path))
        place = f"file:{quote(str(self.path.resolve()))}?mode=ro"
        return sqlite3.connect(place, uri=True, timeout=WAIT, isolation_level=None)

    def tables(self) -> list[str]:
        if not self.path.is_file():
            return []
        asked = "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%'"
        with closing(self._reading()) as connection:
            return [name for (name,) in connection.execute(f"{asked} ORDER BY name")]

    def columns(self, query: str) -> dict[str, tuple[pl.DataType, str]]:
        """By what the cells hold, all of them: numbers, bytes, else text."""
        with closing(self._reading()) as connection:
            names = [each[0] for each in connection.execute(f"SELECT * FROM ({query}) LIMIT 0").description]
            asked = ", ".join(
                f"max(typeof({quoted_one(name)}) = '{kind}')"
                for name in names
                for kind in ("integer", "real", "text", "blob")
            )
            held = connection.execute(f"SELECT {asked} FROM ({query})").fetchone()
        seen = [held[4 * k : 4 * k + 4] for k in range(len(names))]
        return {name: _type(name, *map(bool, each)) for name, each in zip(names, seen, strict=True)}

    def rows(self, query: str) -> Iterator[list[tuple[Any, ...]]]:
        with closing(self._reading()) as connection:
            cursor = connection.execute(query)
            while rows := cursor.fetchmany(ROWS):
                yield rows

    def fill(self, made: str, table: str, names: str, parts: Iterable[pl.DataFrame]) -> int:
        count = 0
        with closing(sqlite3.connect(self.path, timeout=WAIT, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                connection.execute(made)
                for part in parts:
                    marks = ", ".join("?" * part.width)
                    insert = f"INSERT INTO {quoted(table)} ({names}) VALUES ({marks})"
                    connection.executemany(insert, _plain(part).iter_rows())
                    count += part.height
                connection.execute("COMMIT")
            except BaseException:
                connection.execute("ROLLBACK")
                raise
        return count


def _type(name: str, whole: bool, real: bool, text: bool, blob: bool) -> tuple[pl.DataType, str]:
    own = quoted_one(name)
    if blob and not (whole or real or text):
        return pl.Binary(), own
    if text or blob or not (whole or real):
        return pl.String(), f"CAST({own} AS TEXT)"
    return (pl.Float64(), f"CAST({own} AS REAL)") if real else (pl.Int64(), own)


def _plain(frame: pl.DataFrame) -> pl.DataFrame:
    """Dates and times as ISO text, which SQLite has in their place."""
    return frame.with_columns(pl.col(pl.Date, pl.Datetime, pl.Time).cast(pl.String))
