"""Rows are forgotten: out of the memory, out of the log, and out of the network.

A network cannot be made to forget a row by touching its weights; it is trained again from the last version
that had not seen it, with the rows that came since, or from the beginning where no version is free of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec
import numpy as np
import polars as pl

from lamina.data.table import Table
from lamina.errors import BusyError, StoreError, UsageError
from lamina.learning.added import numbered
from lamina.learning.encoded_rows import with_cells
from lamina.learning.first import first_memory
from lamina.learning.graphs import with_graph
from lamina.learning.kept_rows import file_of, limits_of, numbers_of, renumbered, whole, without_left_out
from lamina.learning.memory import ID, UPDATE, Memory, bare
from lamina.learning.records import LearnSettings
from lamina.learning.traces import Traces, tainted_by, traces_of
from lamina.learning.trained import Trained
from lamina.learning.update import update
from lamina.predictions.judged import judged
from lamina.store.calls import forget_rows
from lamina.store.database import Session
from lamina.store.files import in_use, read_version, sweep, write_memory, write_version
from lamina.store.hashes import Hashes
from lamina.store.lock import changing
from lamina.store.log import Event, remove_version
from lamina.store.opened import Opened
from lamina.training.encode import encode
from lamina.training.fit import train_network
from lamina.training.precision import Machine

if TYPE_CHECKING:
    from lamina.store.files import Parts

FORGOT: Final = "rows that it had learnt from were to be forgotten"
"""Why a model file is no longer there."""


class Forgotten(msgspec.Struct, frozen=True, kw_only=True):
    """What was done to forget rows.

    ``outcome``: "retrained" (the network had learnt from them), "cleared" (only the memory or the log held
    them), "nothing" (no trace of them). ``rows`` were found among those learnt, ``remembered`` left the
    memory, ``predictions`` the log; ``removed`` are the versions deleted; ``base`` the version from which
    training started again, None for the beginning; ``version`` is the champion now.
    """

    outcome: Literal["retrained", "cleared", "nothing"]
    version: int
    rows: int = 0
    remembered: int = 0
    predictions: int = 0
    removed: tuple[int, ...] = ()
    base: int | None = None
    why: str = ""


def forget(
    opened: Opened, ids: Sequence[Any] | None, table: Table | None, *, who: str, note: str = ""
) -> Forgotten:
    """Forgets rows by their ids or by what is in them; see ``Store.forget``."""
    if (ids is None) == (table is None):
        raise UsageError("What is to be forgotten?", "Give ids or rows, and not both.")
    with changing(opened.folder.path, who, "forgetting rows"):
        sweep(opened.folder, opened.log)
        traces = traces_of(opened, ids, table)
        told = _forgotten(opened, traces, who, note)
        sweep(opened.folder, opened.log)
        opened.log.database.tidy()
    return told


def _forgotten(opened: Opened, traces: Traces, who: str, note: str) -> Forgotten:
    """Clears or retrains, and writes it down in one transaction."""
    log, number = opened.log, opened.version()
    head = log.head()
    assert head is not None
    tainted = tuple(v.number for v in log.versions() if v.removed is None and tainted_by(opened, v, traces))
    rows = pl.DataFrame() if head.memory is None else file_of(opened, head.memory)
    clean = Memory(rows, limits_of(opened)).forget(traces.names) if rows.width else Memory.empty()
    gone, predictions = rows.height - len(clean), opened.calls.count(traces.ids)
    if not (tainted or traces.events or gone or predictions):
        return Forgotten(outcome="nothing", version=number, why="no trace of these rows was found")
    again = None
    if number in tainted:
        again = _retrained(opened, head, traces, clean.after(numbers_of(log.basis(head))))
    event = _written(opened, head, traces, tainted, clean, again, who=who, note=note)
    return Forgotten(
        outcome="cleared" if again is None else "retrained",
        version=in_use(event),
        rows=traces.rows,
        remembered=gone,
        predictions=predictions,
        removed=tainted,
        base=None if again is None else again.base,
        why=event.why,
    )


@dataclass(frozen=True)
class Again:
    """A network trained again: from which event and version (None: from the beginning), what came of it (no
    parts: that version itself), what is kept, and the names of what it learnt."""

    parent: int | None
    base: int | None
    parts: Parts | None
    memory: Memory
    before: int
    learnt: bytes
    why: str


def _retrained(opened: Opened, head: Event, traces: Traces, clean: Memory) -> Again:
    """Trains again with what is left, from the last state that had not seen the rows."""
    lineage = opened.log.lineage(head)
    for place, each in enumerate(lineage):
        free = not any(before.id in traces.events for before in opened.log.basis(each))
        if free and opened.log.version(in_use(each)).removed is None:
            return _from_version(opened, each, lineage[:place], traces, clean)
    return _from_beginning(opened, head, lineage, traces, clean)


def _from_version(
    opened: Opened, base: Event, since: Sequence[Event], traces: Traces, clean: Memory
) -> Again:
    """The rows that came since are learnt at once; if that does not make it better, the version stays as it
    was."""
    number, known = in_use(base), numbers_of(opened.log.basis(base))
    champion = Trained(*read_version(opened.folder, opened.log.version(number)))
    later, memory = clean.in_use.filter(~pl.col(UPDATE).is_in(list(known))), clean.after(known)
    before = max(memory.updates, champion.update)
    why = f"back to version {number}: no row came since"
    made = None
    later = with_cells(later)
    if later.height:
        rows = Table(bare(later), "rows kept")
        memory = whole(memory, champion.fitted.schema)
        found = update(champion, rows, memory, LearnSettings(), machine=Machine())
        made = found.candidate if found.report.verdict.outcome == "promoted" else None
        memory = found.memory if found.report.verdict.outcome in ("promoted", "kept") else clean
        how = "trained again from" if made is not None else "back to"
        why = f"{how} version {number} with {later.height:,} rows: {found.report.verdict.why}"
    learnt = _left(opened, since, traces, later)
    return Again(base.id, number, made, memory, before, learnt, why)


def _from_beginning(
    opened: Opened, head: Event, lineage: Sequence[Event], traces: Traces, clean: Memory
) -> Again:
    """A new network of the same settings, from the rows that are kept."""
    fitted = read_version(opened.folder, opened.log.version(in_use(head)))[0]
    cells = with_cells(clean.in_use)
    if not cells.height:
        raise StoreError(
            "Every version has learnt from these rows, and the memory holds no others to train again from.",
            "Fit a model on data without them, and add it to a new store; then delete this one.",
        )
    table = Table(bare(cells), "rows kept")
    fields = {field.name: field for field in fitted.schema if field.name in table.frame.columns}
    encoded = encode(
        table,
        fitted.task,
        fitted.settings,
        {name: field.kind for name, field in fields.items() if field.role == "input"},
        {name: field.role for name, field in fields.items() if field.role != "target"},
    )
    again, unseen = train_network(encoded, fitted.task, fitted.settings, Machine())
    parts = judged(again, encoded, unseen, table.source)
    sample = unseen.sample(encoded)
    memory = clean if sample is None else first_memory(parts[0], sample, clean.limits)
    why = f"trained again from the beginning, with the {cells.height:,} rows kept"
    return Again(None, None, parts, memory, -1, _left(opened, lineage, traces, clean.rows), why)


def _left(opened: Opened, events: Sequence[Event], traces: Traces, rows: pl.DataFrame) -> bytes:
    """The hashes of rows that stay and are learnt again, as their events noted them."""
    names, packed = set(rows[ID]), list[bytes]()
    for each in events:
        learnt = traces.events.get(each.id) or Hashes.unpacked(opened.log.learnt(each.id))
        gone = np.array([name not in names for name in learnt.names()], bool)
        packed.append(learnt.without(gone).packed())
    return b"".join(packed)


def _written(
    opened: Opened,
    head: Event,
    traces: Traces,
    tainted: Sequence[int],
    clean: Memory,
    again: Again | None,
    *,
    who: str,
    note: str,
) -> Event:
    """Files first, then everything in one transaction."""
    log, folder = opened.log, opened.folder
    brought = log.next_brought()
    told = Event(
        fresh=again is not None and again.parent is None,
        outcome="forgotten", who=who, version=head.version, parent=head.id, brought=brought,
        rows=traces.rows, note=note, why="the champion had not learnt from them",
    )  # fmt: skip
    version, memory, learnt = None, clean, b""
    if again is not None:
        told = msgspec.structs.replace(told, parent=again.parent, version=again.base, why=again.why)
        memory, learnt = without_left_out(renumbered(again.memory, again.before, brought)), again.learnt
        if again.parts is not None:
            own = with_graph(opened, numbered(again.parts, brought), memory.rows)
            version = write_version(folder, log.next_version(), own)
            told = msgspec.structs.replace(told, version=version.number, candidate=version.number)
    name = write_memory(folder, f"{brought:04d}.parquet", memory.rows)

    def also(session: Session) -> None:
        for number in tainted:
            remove_version(session, number, FORGOT)
        for event, left in traces.events.items():
            session.run("UPDATE learnt SET hashes = ? WHERE event = ?", (left.packed(), event))
        forget_rows(session, traces.ids, log.database.types)

    told = msgspec.structs.replace(told, memory=name)
    written = log.record(told, version=version, learnt=learnt, moves=True, head=head, also=also)
    if written.outcome != "forgotten":
        raise BusyError("The champion was changed while rows were being forgotten.", "Start it again.")
    return written
