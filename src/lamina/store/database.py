"""The two databases that a log can lie in, behind one small door: SQLite in the folder, or PostgreSQL.

Statements are written once, with ``?`` for values; ``{blob}``, ``{real}``, ``{int}`` and ``{key}`` stand for
types in which the two differ.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, ClassVar

from lamina.errors import MissingExtraError, StoreError

Row = dict[str, Any]
WAIT = 30.0  # seconds for another process's transaction to end
ROOM = 2**20  # bytes without which SQLite cannot even read: it writes down who does


class Session:
    """One transaction's door to the database."""

    def __init__(self, cursor: Any, mark: str) -> None:
        self._cursor, self._mark = cursor, mark

    def run(self, statement: str, values: Sequence[Any] = ()) -> list[Row]:
        """Runs a statement; its rows, where it gives any."""
        self._cursor.execute(statement.replace("?", self._mark), tuple(values))
        return list(self._cursor.fetchall()) if self._cursor.description else []

    def many(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        """Runs a statement once for every row of values."""
        self._cursor.executemany(statement.replace("?", self._mark), rows)


class Held:
    """A connection that is closed when nobody holds it any more, by the process that made it."""

    def __init__(self, connection: Any) -> None:
        self.connection, self.process = connection, os.getpid()

    def __del__(self) -> None:
        if self.process == os.getpid():
            with suppress(Exception):  # it may be broken, or the interpreter at its end
                self.connection.close()


class Database(ABC):
    """Connections, one per thread and process, and what differs between the two kinds."""

    types: ClassVar[dict[str, str]]
    mark: ClassVar[str]
    begin: ClassVar[str]

    def __init__(self) -> None:
        self._local = threading.local()

    @abstractmethod
    def _connect(self) -> Any:
        """A new connection that begins no transaction by itself and gives rows as dicts."""

    @abstractmethod
    def _errors(self) -> tuple[type[Exception], ...]:
        """What the driver raises."""

    @abstractmethod
    def _lost(self, connection: Any) -> bool:
        """Whether a connection is of no use any more."""

    def _remedy(self) -> str | None:
        """What to do where it is plain why nothing can be read or written."""
        return None

    @abstractmethod
    def where(self) -> str:
        """What to call it in a message."""

    @abstractmethod
    def prepare(self) -> None:
        """Makes what tables can be made in."""

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Everything in the block happens, or nothing. Raises StoreError where the database fails."""
        try:
            connection = self._begun()
            try:
                yield Session(connection.cursor(), self.mark)
                connection.execute("COMMIT")
            except BaseException:
                with suppress(*self._errors()):
                    connection.execute("ROLLBACK")
                raise
        except self._errors() as error:
            raise StoreError(
                f"The log in {self.where()} failed: {str(error).strip()}",
                self._remedy() or "Check that it can be reached and written to; nothing was changed.",
            ) from error

    def query(self, statement: str, values: Sequence[Any] = ()) -> list[Row]:
        """The rows of one reading statement."""
        with self.transaction() as session:
            return session.run(statement, values)

    def _begun(self) -> Any:
        """A connection with a transaction begun; one that was lost since the last time is made again."""
        connection = self._own()
        try:
            connection.execute(self.begin)
        except self._errors():
            if not self._lost(connection):
                raise
            self._local.held = None
            connection = self._own()
            connection.execute(self.begin)
        return connection

    def _own(self) -> Any:
        """This thread's connection; a forked process never uses its parent's."""
        held = getattr(self._local, "held", None)
        if held is None or held.process != os.getpid():
            held = self._local.held = Held(self._connect())
        return held.connection

    @abstractmethod
    def tidy(self) -> None:
        """Leaves no deleted row behind in files of its own."""


class Sqlite(Database):
    """A file in the store's folder: many readers and one writer at a time (write-ahead log)."""

    types: ClassVar = {"blob": "BLOB", "real": "REAL", "key": "INTEGER PRIMARY KEY", "int": "INTEGER"}
    mark, begin = "?", "BEGIN IMMEDIATE"

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path

    def prepare(self) -> None:
        pass  # the file is made by the first connection

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=WAIT, isolation_level=None, check_same_thread=False)
        connection.row_factory = lambda cursor, row: {
            column[0]: value for column, value in zip(cursor.description, row, strict=True)
        }
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")  # a promotion outlives a power cut
        connection.execute("PRAGMA secure_delete=ON")  # what is forgotten is overwritten
        return connection

    def query(self, statement: str, values: Sequence[Any] = ()) -> list[Row]:
        """Reads without waiting for a writer."""
        try:
            return list(self._own().execute(statement, tuple(values)).fetchall())
        except sqlite3.Error as error:
            raise StoreError(
                f"The log in {self.path} cannot be read: {error}.",
                self._remedy() or "Bring the folder back from a copy.",
            ) from error

    def _remedy(self) -> str | None:
        with suppress(OSError):
            if shutil.disk_usage(self.path.parent).free < ROOM:
                return "Its disk is full: make room, then do it again. The store is as it was."
        return None

    def tidy(self) -> None:
        self.query("PRAGMA wal_checkpoint(TRUNCATE)")

    def _errors(self) -> tuple[type[Exception], ...]:
        return (sqlite3.Error,)

    def _lost(self, connection: Any) -> bool:
        return False

    def where(self) -> str:
        return str(self.path)


class Postgres(Database):
    """Tables in a schema of their own on a PostgreSQL server."""

    types: ClassVar = {
        "blob": "BYTEA",
        "real": "DOUBLE PRECISION",
        "key": "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
        "int": "BIGINT",
    }
    mark, begin = "%s", "BEGIN"

    def __init__(self, url: str, namespace: str) -> None:
        super().__init__()
        self.url, self.namespace = url, namespace
        try:
            import psycopg
        except ImportError as error:
            raise MissingExtraError("A log on a PostgreSQL server", "postgres") from error
        self._driver = psycopg

    def prepare(self) -> None:
        with self.transaction() as session:
            session.run(f'CREATE SCHEMA IF NOT EXISTS "{self.namespace}"')

    def _connect(self) -> Any:
        from psycopg.rows import dict_row

        connection = self._driver.connect(
            self.url, autocommit=True, row_factory=dict_row, connect_timeout=int(WAIT)
        )
        connection.execute(f'SET search_path TO "{self.namespace}"')
        return connection

    def _errors(self) -> tuple[type[Exception], ...]:
        return (self._driver.Error,)

    def _lost(self, connection: Any) -> bool:
        return bool(connection.closed)

    def tidy(self) -> None:
        pass  # the server's vacuum does it

    def where(self) -> str:
        return f"{self.url} (schema {self.namespace})"
