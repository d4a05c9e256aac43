"""Predictions and decisions that were logged, and what really happened, joined by the rows' ids."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import polars as pl

from lamina.store.database import Database, Session
from lamina.store.lock import now

# What the log keeps of one predicted row and target; null where the kind of answer has no such thing
COLUMNS: Final[dict[str, pl.DataType]] = {
    "row_id": pl.String(),
    "target": pl.String(),
    "predicted": pl.String(),
    "confidence": pl.Float64(),
    "low": pl.Float64(),
    "high": pl.Float64(),
    "expected_error": pl.Float64(),
    "action": pl.String(),
    "expected": pl.Float64(),
    "worth": pl.String(),
    "idle": pl.String(),
}
# Cells of the rows that were asked about, as JSON, where the user wants them kept
INPUTS: Final = (
    "CREATE TABLE IF NOT EXISTS inputs (call {int} NOT NULL, row_id TEXT NOT NULL, cells TEXT NOT NULL)"
)
AT_ONCE: Final = 500  # ids asked for in one statement


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One batch: who asked or told, on which data, with which version."""

    what: str
    who: str
    version: int | None
    source: str
    data_hash: str
    rows: int


class Joined(msgspec.Struct, frozen=True, kw_only=True):
    """What became of answers that arrived.

    ``rows`` came with an answer; ``joined`` predictions were waiting for one and have it now; ``corrected``
    had another one before; ``repeated`` rows say what was known; ``unknown`` rows have an id for which no
    prediction was logged; ``unreadable`` cells are no answers.
    """

    rows: int
    joined: int = 0
    corrected: int = 0
    repeated: int = 0
    unknown: int = 0
    unreadable: int = 0


@dataclass(frozen=True)
class Calls:
    """The part of the log that is about answers given."""

    database: Database

    def remember(self, call: Call, rows: pl.DataFrame, inputs: Mapping[str, str] | None = None) -> None:
        """Logs a batch of predictions; ``rows`` has the columns of ``COLUMNS``, ``inputs`` are cells as JSON
        by the id of their row."""
        at = now()
        names = ", ".join(COLUMNS)
        marks = ", ".join("?" * (3 + len(COLUMNS)))
        with self.database.transaction() as session:
            number = _insert(session, call, at, rows.height)
            session.many(
                f"INSERT INTO predictions (call, at, version, {names}) VALUES ({marks})",
                [(number, at, call.version, *row) for row in rows.select(*COLUMNS).iter_rows()],
            )
            if inputs:
                session.run(INPUTS.format(**self.database.types))
                told = [(number, own, cells) for own, cells in inputs.items()]
                session.many("INSERT INTO inputs (call, row_id, cells) VALUES (?, ?, ?)", told)

    def inputs(self) -> pl.DataFrame:
        """The cells that were kept: ``call``, ``row_id``, and ``cells`` as JSON."""
        with self.database.transaction() as session:
            session.run(INPUTS.format(**self.database.types))
            rows = session.run("SELECT call, row_id, cells FROM inputs ORDER BY call")
        return pl.DataFrame(rows, schema={"call": pl.Int64, "row_id": pl.String, "cells": pl.String})

    def answer(self, call: Call, ids: Sequence[str], target: str, came: Sequence[str]) -> Joined:
        """Joins what really happened to the predictions made: an answer belongs to all predictions of its row
        that still wait for one; where none does and it says something else, it corrects the last."""
        at = now()
        told = dict(zip(ids, came, strict=True))
        with self.database.transaction() as session:
            waiting, last = _made(session, [*told], target)
            fresh = [(told[row], at, number) for row, numbers in waiting.items() for number in numbers]
            changed = [
                (told[row], at, number)
                for row, (number, before) in last.items()
                if row not in waiting and before != told[row]
            ]
            session.many("UPDATE predictions SET came = ?, came_at = ? WHERE id = ?", fresh + changed)
            _insert(session, call, at, len(fresh) + len(changed))
        unknown = len(told) - len(waiting) - sum(row not in waiting for row in last)
        repeated = len(told) - len(waiting) - len(changed) - unknown
        return Joined(
            rows=len(told), joined=len(fresh), corrected=len(changed), repeated=repeated, unknown=unknown
        )

    def count(self, ids: Sequence[str]) -> int:
        """How many predictions are logged for these ids."""
        found = 0
        for part in _parts(ids):
            marks = ", ".join("?" * len(part))
            counted = self.database.query(
                f"SELECT COUNT(*) AS n FROM predictions WHERE row_id IN ({marks})", part
            )
            found += int(counted[0]["n"])
        return found

    def frame(self, target: str | None = None, since: str | None = None) -> pl.DataFrame:
        """The predictions made, with what came; of one target, since a time."""
        wanted, values = ["1 = 1"], list[Any]()
        for name, value, compared in (("target", target, "="), ("at", since, ">=")):
            if value is not None:
                wanted.append(f"{name} {compared} ?")
                values.append(value)
        kinds = {
            **COLUMNS,
            "at": pl.String(),
            "version": pl.Int64(),
            "came": pl.String(),
            "came_at": pl.String(),
        }
        rows = self.database.query(
            f"SELECT {', '.join(kinds)} FROM predictions WHERE {' AND '.join(wanted)} ORDER BY id", values
        )
        frame = pl.DataFrame(rows, schema=kinds)
        times = [pl.col(name).str.to_datetime(time_unit="us", time_zone="UTC") for name in ("at", "came_at")]
        return frame.with_columns(times)


def forget_rows(session: Session, ids: Sequence[str], types: Mapping[str, str]) -> int:
    """Deletes what was predicted and kept for these ids; how many predictions that were. ``types`` are those
    of the database."""
    gone = 0
    session.run(INPUTS.format(**types))
    for part in _parts(ids):
        marks = ", ".join("?" * len(part))
        session.run(f"DELETE FROM inputs WHERE row_id IN ({marks})", part)
        gone += len(session.run(f"DELETE FROM predictions WHERE row_id IN ({marks}) RETURNING id", part))
    return gone


def _insert(session: Session, call: Call, at: str, new: int) -> int:
    made = session.run(
        "INSERT INTO calls (at, who, what, version, source, data_hash, rows_in, rows_new) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
        (at, call.who, call.what, call.version, call.source, call.data_hash, call.rows, new),
    )
    return int(made[0]["id"])


def _made(
    session: Session, ids: Sequence[str], target: str
) -> tuple[dict[str, list[int]], dict[str, tuple[int, str | None]]]:
    """By id: the numbers of predictions that wait for an answer; the number and answer of the last one."""
    waiting, last = dict[str, list[int]](), dict[str, tuple[int, str | None]]()
    for part in _parts(ids):
        marks = ", ".join("?" * len(part))
        for row in session.run(
            f"SELECT id, row_id, came FROM predictions WHERE target = ? AND row_id IN ({marks}) ORDER BY id",
            (target, *part),
        ):
            if row["came"] is None:
                waiting.setdefault(row["row_id"], []).append(row["id"])
            last[row["row_id"]] = (row["id"], row["came"])
    return waiting, last


def _parts(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), AT_ONCE):
        yield ids[start : start + AT_ONCE]
