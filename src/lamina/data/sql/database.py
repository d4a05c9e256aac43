"""What can be done with a database, whichever it is: read a table or a query in parts, write a table."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import polars as pl

from lamina.data.sql.address import Address, quoted
from lamina.data.write import flat
from lamina.errors import OutputError, SourceError, UsageError, nearest

ROWS: int = 50_000  # read or written at once


class Database(ABC):
    """One database. ``types``: what it calls the types of columns to write; others are text."""

    types: ClassVar[dict[str, str]]

    def __init__(self, address: Address) -> None:
        self.address = address

    @abstractmethod
    def tables(self) -> list[str]:
        """The names of the tables that there are."""

    @abstractmethod
    def columns(self, query: str) -> dict[str, tuple[pl.DataType, str]]:
        """The columns of a query: their types here, and what to select for each."""

    @abstractmethod
    def rows(self, query: str) -> Iterator[list[tuple[Any, ...]]]:
        """The rows of a query, ``ROWS`` at a time, all as they were when the first was read."""

    @abstractmethod
    def fill(self, made: str, table: str, names: str, parts: Iterable[pl.DataFrame]) -> int:
        """Makes a table by the statement ``made`` and fills it, all or nothing; how many rows."""

    @property
    @abstractmethod
    def errors(self) -> tuple[type[Exception], ...]:
        """What the driver raises."""

    def read(self, query: str | None = None) -> Iterator[pl.DataFrame]:
        """The table of the address, or what a query gives, in parts of the same columns.

        Raises SourceError where the database cannot be read, UsageError where no table is named."""
        query = query or f"SELECT * FROM {quoted(self._named())}"
        with self._told(SourceError, "read", "Check the address, the table and the query."):
            columns = self.columns(query.rstrip().rstrip(";"))
            chosen = ", ".join(f"{select} AS {quoted_one(name)}" for name, (_, select) in columns.items())
            schema = {name: kind for name, (kind, _) in columns.items()}
            for rows in self.rows(f"SELECT {chosen} FROM ({query.rstrip().rstrip(';')}) AS asked"):
                yield pl.DataFrame(rows, schema=schema, orient="row")

    def check_new(self, table: str) -> None:
        """Raises UsageError where there is such a table already, OutputError where nothing is reached."""
        with self._told(OutputError, "written to", "Check the address."):
            there = table in self.tables()
        if there:
            raise UsageError(
                f"{self.address.shown} has a table {table!r} already.", "Name another one, or drop it first."
            )

    def write(self, table: str, parts: Iterator[pl.DataFrame]) -> int:
        """Frames with the same columns as a new table, whole or not at all; how many rows."""
        first = flat(next(parts))
        columns = {name: self.types.get(_word(kind), "TEXT") for name, kind in first.schema.items()}
        made = ", ".join(f"{quoted_one(name)} {kind}" for name, kind in columns.items())
        names = ", ".join(map(quoted_one, columns))

        def all_parts() -> Iterator[pl.DataFrame]:
            yield first
            yield from map(flat, parts)

        with self._told(OutputError, "written to", "Nothing was written; check the address and the rights."):
            return self.fill(f"CREATE TABLE {quoted(table)} ({made})", table, names, all_parts())

    def _named(self) -> str:
        """The table of the address; where it names none, the only one."""
        if self.address.table is not None:
            return self.address.table
        tables = self.tables()
        if len(tables) != 1:
            raise UsageError(
                f"{self.address.shown} has {len(tables)} tables, and none is named.",
                f"Write {self.address.shown}#TABLE. {nearest('', tables)}",
            )
        return tables[0]

    @contextmanager
    def _told(self, kind: type[SourceError | OutputError], what: str, remedy: str) -> Iterator[None]:
        try:
            yield
        except self.errors as error:
            said = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            raise kind(f"{self.address.shown} cannot be {what}: {said}.", remedy) from error


def quoted_one(name: str) -> str:
    """A column's name as SQL has it: dots are part of it."""
    return '"' + name.replace('"', '""') + '"'


def _word(kind: pl.DataType) -> str:
    """A type in the words of ``types``."""
    if kind.is_integer():
        return "whole"
    if kind.is_float():
        return "number"
    return {pl.Boolean: "flag", pl.Date: "date", pl.Datetime: "time"}.get(type(kind), "text")


def open_database(address: Address) -> Database:
    """The database of an address."""
    if address.url.startswith("sqlite"):
        from lamina.data.sql.sqlite import Sqlite

        return Sqlite(address)
    from lamina.data.sql.postgres import Postgres

    return Postgres(address)
