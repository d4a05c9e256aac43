"""The log: versions, events, aliases and settings as records, each change one transaction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

import msgspec

from lamina.errors import StoreError, UsageError
from lamina.store.database import Database, Row, Session
from lamina.store.lock import now

MOST: Final = 2**31  # a whole number that a database takes is smaller
CHAMPION: Final = "champion"
CANDIDATE: Final = "candidate"  # the last one that was not promoted

Outcome = Literal[
    "added", "promoted", "kept", "refused", "failed", "rolled back", "forgotten", "limited", "moved meanwhile"
]


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """One model file. ``scores`` are those on its validation rows; ``removed`` says when and why its file
    was deleted."""

    number: int
    sha256: str
    bytes: int
    at: str
    metric: str
    scores: dict[str, float | None] = {}
    schema: Any = None
    removed: str | None = None


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """What happened to the store: who, when, on which data, with which scores.

    ``version`` is the champion afterwards, ``candidate`` the version that was judged, ``memory`` the file
    with the rows kept, ``brought`` the number under which it holds this event's rows, ``parent`` the event
    that this one goes on from, ``fresh`` whether it rests on nothing learnt before: a model added with rows
    of its own.
    """

    outcome: Outcome
    who: str
    at: str = ""
    id: int = 0
    version: int | None = None
    candidate: int | None = None
    memory: str | None = None
    brought: int | None = None
    parent: int | None = None
    fresh: bool = False
    source: str = ""
    data_hash: str = ""
    rows: int = 0
    why: str = ""
    note: str = ""
    scores: dict[str, dict[str, float | None]] = {}
    report: Any = None
    seconds: float = 0.0


@dataclass(frozen=True)
class Log:
    """Reads and writes the log of one store."""

    database: Database

    # ------------------------------------------------------------------------------------- reading

    def head(self, name: str = CHAMPION) -> Event | None:
        """The event at which an alias stands: its version, its memory."""
        found = self.database.query(
            "SELECT events.* FROM events JOIN aliases ON aliases.event = events.id WHERE aliases.name = ?",
            (name,),
        )
        return _event(found[0]) if found else None

    def event(self, number: int) -> Event:
        return _event(self.database.query("SELECT * FROM events WHERE id = ?", (number,))[0])

    def events(self) -> list[Event]:
        """The life of the network, first event first."""
        return [_event(row) for row in self.database.query("SELECT * FROM events ORDER BY id")]

    def lineage(self, head: Event | None) -> list[Event]:
        """The events on which a state rests, the latest first."""
        by_id = {each.id: each for each in self.events()} if head is not None else {}
        found = []
        while head is not None:
            found.append(head)
            head = None if head.parent is None else by_id[head.parent]
        return found

    def basis(self, head: Event | None) -> list[Event]:
        """The events whose rows a state may have learnt, the latest first."""
        found = []
        for each in self.lineage(head):
            found.append(each)
            if each.fresh:
                break
        return found

    def versions(self) -> list[Version]:
        return [_version(row) for row in self.database.query("SELECT * FROM versions ORDER BY number")]

    def version(self, number: int) -> Version:
        """Raises UsageError for a version that never was."""
        select = "SELECT * FROM versions WHERE number = ?"
        found = self.database.query(select, (number,)) if 0 < number < MOST else []
        if not found:
            known = ", ".join(str(each.number) for each in self.versions()) or "none"
            raise UsageError(f"There is no version {number}.", f"There are: {known}.", version=number)
        return _version(found[0])

    def named(self, name: str) -> int:
        """The version of an alias. Raises UsageError for one that is not there."""
        found = self.database.query("SELECT version FROM aliases WHERE name = ?", (name,))
        if not found or found[0]["version"] is None:
            known = [row["name"] for row in self.database.query("SELECT name FROM aliases ORDER BY name")]
            raise UsageError(
                f"No version is called {name!r}.",
                f"Name a version by its number, or one of: {', '.join(known)}.",
            )
        return int(found[0]["version"])

    def learnt(self, event: int) -> bytes:
        """The hashes that an event learnt; none where it brought no rows."""
        found = self.database.query("SELECT hashes FROM learnt WHERE event = ?", (event,))
        return bytes(found[0]["hashes"]) if found else b""

    def setting(self, name: str) -> Any:
        """What was set under this name, or None."""
        found = self.database.query("SELECT value FROM about WHERE name = ?", (f"setting.{name}",))
        return msgspec.json.decode(found[0]["value"]) if found else None

    # ------------------------------------------------------------------------------------- writing

    def set(self, name: str, value: Any) -> None:
        with self.database.transaction() as session:
            session.run(
                "INSERT INTO about (name, value) VALUES (?, ?) "
                "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                (f"setting.{name}", _json(value)),
            )

    def record(
        self,
        event: Event,
        *,
        version: Version | None = None,
        learnt: bytes = b"",
        moves: bool = False,
        head: Event | None = None,
        also: Callable[[Session], None] = lambda session: None,
    ) -> Event:
        """Writes an event, its version and its hashes; ``moves`` lets the champion stand there.

        All of it in one transaction. The champion moves only if it still stands at ``head``: if somebody
        rolled back meanwhile, nothing but the attempt is recorded, as "moved meanwhile". ``also`` writes what
        belongs to it.
        """
        with self.database.transaction() as session:
            if version is not None:
                _insert_version(session, version)
            written = _insert_event(session, event)
            if moves and not _moved(session, written, head):
                return _too_late(session, written)
            if learnt:
                session.run("INSERT INTO learnt (event, hashes) VALUES (?, ?)", (written.id, learnt))
            if event.outcome == "kept" and event.candidate is not None:
                _point(session, CANDIDATE, event.candidate, written.id)
            also(session)
        return written

    def next_version(self) -> int:
        return int(self.database.query("SELECT COALESCE(MAX(number), 0) + 1 AS n FROM versions")[0]["n"])

    def next_brought(self) -> int:
        """The number under which the memory will hold the next rows; 0 is the first training."""
        return int(self.database.query("SELECT COALESCE(MAX(brought), -1) + 1 AS n FROM events")[0]["n"])


def remove_version(session: Session, number: int, why: str) -> None:
    """Notes that a model file is to be deleted; its row stays."""
    session.run("UPDATE versions SET removed = ? WHERE number = ?", (f"{now()} {why}", number))
    session.run("DELETE FROM aliases WHERE version = ? AND name <> ?", (number, CHAMPION))


MOVED: Final = "the champion was changed by somebody else while this candidate was learning"


def _moved(session: Session, event: Event, head: Event | None) -> bool:
    """Lets the champion stand at this event, if it still stands at ``head``."""
    if head is None:
        made = session.run(
            "INSERT INTO aliases (name, version, event) VALUES (?, ?, ?) "
            "ON CONFLICT (name) DO NOTHING RETURNING name",
            (CHAMPION, event.version, event.id),
        )
        return bool(made)
    return bool(
        session.run(
            "UPDATE aliases SET version = ?, event = ? WHERE name = ? AND event = ? RETURNING name",
            (event.version, event.id, CHAMPION, head.id),
        )
    )


def _too_late(session: Session, event: Event) -> Event:
    """An event that has changed nothing, because the champion was moved before."""
    told = msgspec.structs.replace(
        event, outcome="moved meanwhile", why=MOVED, version=None, memory=None, brought=None
    )
    session.run(
        "UPDATE events SET outcome = ?, why = ?, version = NULL, memory = NULL, brought = NULL WHERE id = ?",
        (told.outcome, told.why, told.id),
    )
    return told


def _point(session: Session, name: str, version: int, event: int) -> None:
    session.run(
        "INSERT INTO aliases (name, version, event) VALUES (?, ?, ?) "
        "ON CONFLICT (name) DO UPDATE SET version = excluded.version, event = excluded.event",
        (name, version, event),
    )


def _insert_version(session: Session, version: Version) -> None:
    session.run(
        "INSERT INTO versions (number, sha256, bytes, at, metric, scores, schema_json) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            version.number, version.sha256, version.bytes, version.at, version.metric,
            _json(version.scores), _json(version.schema),
        ),
    )  # fmt: skip


def _insert_event(session: Session, event: Event) -> Event:
    at = event.at or now()
    made = session.run(
        "INSERT INTO events (at, who, outcome, version, candidate, memory, brought, parent, fresh, "
        "source, data_hash, rows_in, why, note, scores, report, seconds) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
        (
            at, event.who, event.outcome, event.version, event.candidate, event.memory, event.brought,
            event.parent, int(event.fresh), event.source, event.data_hash, event.rows, event.why, event.note,
            _json(event.scores), _json(event.report), event.seconds,
        ),
    )  # fmt: skip
    return msgspec.structs.replace(event, id=int(made[0]["id"]), at=at)


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _event(row: Row) -> Event:
    return msgspec.convert(
        {
            **{name: row[name] for name in row if name not in ("rows_in", "scores", "report")},
            "rows": row["rows_in"],
            "fresh": bool(row["fresh"]),
            "scores": msgspec.json.decode(row["scores"]),
            "report": msgspec.json.decode(row["report"]),
        },
        Event,
    )


def _version(row: Row) -> Version:
    return msgspec.convert(
        {
            **{name: row[name] for name in row if name not in ("scores", "schema_json")},
            "scores": msgspec.json.decode(row["scores"]),
            "schema": msgspec.json.decode(row["schema_json"]),
        },
        Version,
    )


def available(log: Log, number: int) -> Version:
    """A version whose file is there. Raises StoreError for one that was removed."""
    version = log.version(number)
    if version.removed is not None:
        at, _, why = version.removed.partition(" ")
        raise StoreError(
            f"Version {number} was removed on {at[:10]}: {why}.",
            "Name another one; `lamina history` shows them.",
            version=number,
        )
    return version
