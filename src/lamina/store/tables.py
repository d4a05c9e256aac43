"""The tables of a log: the same in SQLite and in PostgreSQL. Times are text in UTC, records are JSON."""

from __future__ import annotations

from typing import Final

from lamina.errors import StoreError
from lamina.store.database import Database

FORMAT: Final = "1"

TABLES: Final = (
    "CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
    # one row per model file; `removed` says when its file was deleted, and why
    """CREATE TABLE IF NOT EXISTS versions (
        number {int} PRIMARY KEY, sha256 TEXT NOT NULL, bytes {int} NOT NULL, at TEXT NOT NULL,
        metric TEXT NOT NULL, scores TEXT NOT NULL, schema_json TEXT NOT NULL, removed TEXT)""",
    # one row per change of what is in use, and per attempt: together the life of the network. `parent` is the
    # event whose state this one starts from; a state is a version and what the memory holds of the events
    # on the way to it, back to the last `fresh` one, a model that came with rows of its own.
    # `brought` numbers those that brought rows, as the memory does.
    """CREATE TABLE IF NOT EXISTS events (
        id {key}, at TEXT NOT NULL, who TEXT NOT NULL, outcome TEXT NOT NULL, version {int},
        candidate {int}, memory TEXT, brought {int}, parent {int},
        fresh {int} NOT NULL, source TEXT NOT NULL,
        data_hash TEXT NOT NULL, rows_in {int} NOT NULL, why TEXT NOT NULL, note TEXT NOT NULL,
        scores TEXT NOT NULL, report TEXT NOT NULL, seconds {real} NOT NULL)""",
    "CREATE TABLE IF NOT EXISTS aliases (name TEXT PRIMARY KEY, version {int}, event {int} NOT NULL)",
    # hashes of the rows an event learnt from or judged on, and of their ids: who must forget what
    "CREATE TABLE IF NOT EXISTS learnt (event {int} PRIMARY KEY, hashes {blob} NOT NULL)",
    # one row per call that was logged or that brought answers
    """CREATE TABLE IF NOT EXISTS calls (
        id {key}, at TEXT NOT NULL, who TEXT NOT NULL, what TEXT NOT NULL, version {int},
        source TEXT NOT NULL, data_hash TEXT NOT NULL, rows_in {int} NOT NULL, rows_new {int} NOT NULL)""",
    # one row per row and target that was predicted; `came` is what really happened, once it is known.
    # `worth` and `idle`: the money that the action, and doing nothing, make for each class, as JSON
    """CREATE TABLE IF NOT EXISTS predictions (
        id {key}, call {int} NOT NULL, row_id TEXT NOT NULL, target TEXT NOT NULL, at TEXT NOT NULL,
        version {int} NOT NULL, predicted TEXT, confidence {real}, low {real}, high {real},
        expected_error {real}, action TEXT, expected {real}, worth TEXT, idle TEXT,
        came TEXT, came_at TEXT)""",
    "CREATE INDEX IF NOT EXISTS predictions_by_row ON predictions (row_id, target)",
    "CREATE INDEX IF NOT EXISTS predictions_by_time ON predictions (at)",
)


def make(database: Database, store: str) -> None:
    """The tables of a new log, which belongs to the store with this id."""
    database.prepare()
    with database.transaction() as session:
        for each in TABLES:
            session.run(each.format(**database.types))
        for name, value in (("format", FORMAT), ("store", store)):
            session.run(
                "INSERT INTO about (name, value) VALUES (?, ?) ON CONFLICT (name) DO NOTHING", (name, value)
            )


def check(database: Database, store: str) -> None:
    """Raises StoreError for a log of a newer format, or of another store."""
    about = {row["name"]: row["value"] for row in database.query("SELECT name, value FROM about")}
    if about.get("format") != FORMAT:
        raise StoreError(
            f"The log in {database.where()} has format {about.get('format')}; this Lamina reads {FORMAT}.",
            'Install a newer Lamina: pip install -U "lamina"',
        )
    if about.get("store") != store:
        raise StoreError(
            f"The log in {database.where()} belongs to another store.",
            "Bring store.json and the log back together from one copy.",
        )
