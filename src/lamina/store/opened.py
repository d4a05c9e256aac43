"""A store opened: its folder, its log, and the answers it gave."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

import msgspec

from lamina.errors import StoreError, UsageError
from lamina.records import Schema
from lamina.store import tables
from lamina.store.calls import Calls
from lamina.store.database import Database, Postgres, Sqlite
from lamina.store.files import in_use, read_version
from lamina.store.folder import ABOUT, Folder, check_url, is_store
from lamina.store.lock import changing
from lamina.store.log import Log, available

if TYPE_CHECKING:
    from lamina.store.engines import Wanted
    from lamina.store.files import Parts

TRIES = 3  # a version that was just replaced and removed is looked up again


@dataclass(frozen=True)
class Opened:
    """The three parts of a store."""

    folder: Folder
    log: Log
    calls: Calls

    @classmethod
    def at(cls, path: Path, log: str | None = None) -> Self:
        """The store in a folder. Raises StoreError where there is none, UsageError for another log than its
        own."""
        folder = Folder.open(path)
        if log is not None and log != folder.about.log:
            raise UsageError(
                f"{path} has its log in {folder.about.log or 'the folder'}, not in {log}.",
                "Leave the log away: the store knows where it is.",
            )
        database = _database(folder)
        tables.check(database, folder.about.id)
        return cls(folder, Log(database), Calls(database))

    @classmethod
    def made(cls, path: Path, log: str | None, who: str) -> Self:
        """The store in a folder; a new one where there is none."""
        if not is_store(path):
            check_url(log)
            folder = Folder.make(path, log)
            with changing(path, who, "making the store", wait=10.0):
                if not (path / ABOUT).is_file():
                    _clear(path)
                    tables.make(_database(folder), folder.about.id)
                    folder.finish()
        return cls.at(path, log)

    def version(self, wanted: int | str | None = None) -> int:
        """The number of a version: the champion, that of an alias, or a number whose file is there."""
        if wanted is None:
            head = self.log.head()
            if head is None:
                raise StoreError(
                    f"{self.folder.path} holds no model yet.",
                    f"Add one: lamina add {self.folder.path} MODEL.",
                )
            return in_use(head)
        number = self.log.named(wanted) if isinstance(wanted, str) and not wanted.isdigit() else int(wanted)
        return available(self.log, number).number

    def parts(self, wanted: int | str | None = None, engine: Wanted = "torch") -> tuple[int, Parts]:
        """A version's number, and what its file holds, with what is to answer for it."""
        for attempt in range(TRIES):
            number = self.version(wanted)
            try:
                return number, read_version(self.folder, self.log.version(number), engine)
            except StoreError:
                if attempt + 1 == TRIES or self.version(wanted) == number:
                    raise
        raise AssertionError("the loop ends above")

    def schema(self) -> Schema:
        """How the champion reads a table."""
        return msgspec.convert(self.log.version(self.version()).schema, Schema)


def _database(folder: Folder) -> Database:
    url = folder.about.log
    if url is None:
        return Sqlite(folder.path / "log.sqlite")
    return Postgres(url, f"lamina_{folder.about.id}")


def _clear(path: Path) -> None:
    """Deletes a log that belongs to a store whose making was interrupted."""
    for each in path.glob("log.sqlite*"):
        each.unlink()
