"""An update of a store: its champion and its memory → what is learnt → files first, then one transaction.

The order is what makes a crash harmless: the version's file, the memory under a new name, then the log, which
records the update and moves the champion to both. What the log does not speak of is nobody's, and the next
change deletes it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
import numpy as np
from msgspec.structs import replace

from lamina.data.table import Table
from lamina.errors import UsageError, nearest
from lamina.learning.added import numbered
from lamina.learning.graphs import with_graph
from lamina.learning.kept_rows import memory_of, renumbered, whole, without_left_out
from lamina.learning.memory import Memory
from lamina.learning.named import hashes
from lamina.learning.records import LearnSettings, UpdateReport
from lamina.learning.trained import Trained
from lamina.learning.update import Update, update
from lamina.records import Schema
from lamina.store.database import Session
from lamina.store.files import in_use, sweep, write_memory, write_version
from lamina.store.hashes import table_hash
from lamina.store.lock import changing
from lamina.store.log import Event, remove_version
from lamina.store.model_file import without_values
from lamina.store.opened import Opened
from lamina.training.precision import Machine

LEARNT: Final = ("added", "promoted", "kept")  # outcomes after which the rows of a file are known

Learner = Callable[[Trained, Table, Memory, LearnSettings, Machine], Update]


def by_update(
    champion: Trained, table: Table, memory: Memory, settings: LearnSettings, machine: Machine
) -> Update:
    """An update as a whole, with its gate."""
    return update(champion, table, memory, settings, machine=machine)


class Learnt(msgspec.Struct, frozen=True, kw_only=True):
    """What came of new rows.

    ``outcome``: "promoted" (the candidate is the champion now), "kept" (it was not proved better), "refused"
    (the rows were not fit to learn from), "unchanged" (these very rows were learnt before), "moved meanwhile"
    (somebody rolled back while it learnt: nothing was changed). ``version`` is the champion now,
    ``candidate`` the version that was judged, ``report`` all that was found.
    """

    outcome: str
    version: int
    why: str
    advice: str = ""
    candidate: int | None = None
    event: int | None = None
    source: str = ""
    data_hash: str = ""
    seconds: float = 0.0
    report: UpdateReport | None = None


def learn(
    opened: Opened,
    table: Table,
    choices: Mapping[str, Any],
    *,
    who: str,
    note: str = "",
    on: Machine | None = None,
    wait: float = 0.0,
    by: Learner = by_update,
) -> Learnt:
    """Learns from a table, under the store's lock, ``by`` an update or otherwise; see ``Store.learn``."""
    settings = learn_settings(choices)
    folder, log = opened.folder, opened.log
    with changing(folder.path, who, f"learning {table.source}", wait=wait):
        number, parts = opened.parts()
        champion = Trained(*parts)
        sweep(folder, log)
        head = log.head()
        assert head is not None
        digest = table_hash(table, champion.fitted.schema)
        if digest in {each.data_hash for each in log.basis(head) if each.outcome in LEARNT}:
            why = "these very rows were learnt before"
            return Learnt(outcome="unchanged", version=number, why=why, source=table.source, data_hash=digest)
        told = Event(
            outcome="failed", who=who, version=number, parent=head.id, source=table.source,
            data_hash=digest, rows=len(table), note=note,
        )  # fmt: skip
        memory, started = whole(memory_of(opened, head), champion.fitted.schema), time.monotonic()
        try:
            found = by(champion, table, memory, settings, on or Machine())
        except Exception as error:
            why = getattr(error, "problem", None) or f"{type(error).__name__}: {error}"
            log.record(replace(told, why=why, seconds=time.monotonic() - started))
            raise
        told = replace(told, seconds=time.monotonic() - started)
        before = max(memory.updates, champion.update)
        event = commit(opened, head, told, found, before, table)
        sweep(folder, log)
        return Learnt(
            outcome=event.outcome,
            version=opened.version(),
            why=event.why,
            advice=found.report.verdict.advice,
            candidate=event.candidate,
            event=event.id or None,
            source=event.source,
            data_hash=digest,
            seconds=event.seconds,
            report=found.report,
        )


def learn_settings(choices: Mapping[str, Any]) -> LearnSettings:
    """Checks names and types. Raises UsageError."""
    known = LearnSettings.__struct_fields__
    for name in choices:
        if name not in known:
            raise UsageError(f"There is no setting {name!r} of learning.", nearest(name, known))
    try:
        return msgspec.convert(dict(choices), LearnSettings)
    except msgspec.ValidationError as error:
        raise UsageError(
            f"These settings cannot be used: {error}.", "See help(lamina.Store.learn)."
        ) from error


def commit(opened: Opened, head: Event, told: Event, found: Update, before: int, table: Table) -> Event:
    """Writes what an update gave: version, memory, log; the last moves the champion. ``before`` is the
    largest number of rows that were known before."""
    verdict, log = found.report.verdict, opened.log
    told = replace(
        told,
        outcome=verdict.outcome,
        why=verdict.why,
        scores=_finite(found.report.scores),
        report=without_cells(found.report),
    )
    if verdict.outcome == "unchanged":
        return told
    if verdict.outcome not in LEARNT:
        return log.record(told)
    brought = log.next_brought()
    version = None
    if found.candidate is not None:
        own = numbered(found.candidate, brought)
        if verdict.outcome == "promoted":
            own = with_graph(opened, own, found.memory.rows)
        version = write_version(opened.folder, log.next_version(), own)
        told = replace(told, candidate=version.number)
        if verdict.outcome == "promoted":
            told = replace(told, version=version.number)
    memory = without_left_out(renumbered(found.memory, before, brought))
    name = write_memory(opened.folder, f"{brought:04d}.parquet", memory.rows)
    read_by = _schema(opened, head) if found.candidate is None else found.candidate.fitted.schema
    learnt = hashes(opened, table, read_by)  # with columns that are new, as the memory reads them
    return log.record(
        replace(told, brought=brought, memory=name),
        version=version,
        learnt=learnt,
        moves=True,
        head=head,
        also=superseded(opened, told),
    )


def superseded(opened: Opened, told: Event) -> Callable[[Session], None]:
    """Removes the candidate before, if this one takes its place and it was never in use."""
    events = opened.log.events()
    named = [each.candidate for each in events if each.outcome == "kept"][-1:]
    used = {each.version for each in events}
    old = [each for each in named if told.outcome == "kept" and each is not None and each not in used]

    def remove(session: Session) -> None:
        for number in old:
            remove_version(session, number, "a later candidate took its place")

    return remove


def without_cells(report: UpdateReport) -> UpdateReport:
    """A report as the log may keep it: no row number, no cell."""
    return replace(report, checked=tuple(map(without_values, report.checked)))


def _schema(opened: Opened, event: Event) -> Schema:
    """How the champion of a state reads a table."""
    return msgspec.convert(opened.log.version(in_use(event)).schema, Schema)


def _finite(scores: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, float | None]]:
    """JSON has no other numbers."""
    return {
        on: {name: value if np.isfinite(value) else None for name, value in each.items()}
        for on, each in scores.items()
    }
