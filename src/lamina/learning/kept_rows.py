"""The memory of a store: one Parquet file, read for the state that is in use, written within its limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec
import polars as pl

from lamina.data.conform import conform
from lamina.data.table import Table
from lamina.errors import UsageError, nearest
from lamina.learning.encoded_rows import encoded_rows
from lamina.learning.memory import ASIDE, BOOKKEEPING, UPDATE, WHEN, Memory, MemoryLimits
from lamina.learning.replay import kept
from lamina.records import Schema
from lamina.store.files import read_memory, sweep, write_memory
from lamina.store.lock import changing
from lamina.store.log import Event
from lamina.store.opened import Opened

if TYPE_CHECKING:
    from lamina.training.fitted import Fitted


class Remembered(msgspec.Struct, frozen=True, kw_only=True):
    """What the memory holds: rows to learn from and to judge on, rows put ``aside`` when a changed relation
    was followed (a rollback brings them back), bytes on the disk, the times of the oldest and the newest row,
    the columns kept, and the limits set."""

    learn: int
    judge: int
    aside: int = 0
    bytes: int
    oldest: datetime | None
    newest: datetime | None
    columns: tuple[str, ...]
    limits: MemoryLimits


def memory_of(opened: Opened, head: Event) -> Memory:
    """The rows kept, of the events on which a state rests: what was rolled back is left out, and what that
    had put aside is in use again."""
    limits = limits_of(opened)
    if head.memory is None:
        return Memory.empty(limits)
    numbers = numbers_of(opened.log.basis(head))
    return Memory(file_of(opened, head.memory), limits).after(numbers)


def file_of(opened: Opened, name: str) -> pl.DataFrame:
    """All rows of a memory's file, whatever state they belong to; older files know of none put aside."""
    rows = read_memory(opened.folder, name)
    return rows if ASIDE in rows.columns else rows.with_columns(pl.lit(None, pl.Int64).alias(ASIDE))


def whole(memory: Memory, schema: Schema) -> Memory:
    """The memory with every column that the network reads: those that are not kept hold missing cells, except
    where no cell is."""
    if memory.limits.mode == "features":
        return memory
    names = [field.name for field in schema if field.role != "ignored"]
    none = Table(pl.DataFrame({name: [] for name in names}, schema=dict.fromkeys(names, pl.Null)), "no rows")
    typed, _ = conform(none, schema, need_target=False)
    lacking = [name for name in typed.columns if name not in memory.rows.columns]
    return Memory(pl.concat([memory.rows, typed.select(lacking)], how="diagonal_relaxed"), memory.limits)


def without_left_out(memory: Memory) -> Memory:
    """The memory as it is written: without the columns that are not to be kept."""
    gone = [name for name in memory.limits.without if name in memory.rows.columns]
    return Memory(memory.rows.drop(gone), memory.limits)


def limits_of(opened: Opened) -> MemoryLimits:
    """The limits set for the memory."""
    said = opened.log.setting("memory")
    return MemoryLimits() if said is None else msgspec.convert(said, MemoryLimits)


def numbers_of(lineage: Sequence[Event]) -> set[int]:
    """Under which numbers the memory holds rows of these events."""
    return {each.brought for each in lineage if each.brought is not None}


def renumbered(memory: Memory, before: int, brought: int) -> Memory:
    """The memory with its new rows, those numbered above ``before``, and those put aside by the same update,
    under the number that the log gives it: numbers are never used twice, also after a rollback."""
    numbers = [
        pl.when(pl.col(name) > before).then(pl.lit(brought, pl.Int64)).otherwise(name).alias(name)
        for name in (UPDATE, ASIDE)
    ]
    return Memory(memory.rows.with_columns(numbers), memory.limits)


def bounded(memory: Memory, fitted: Fitted) -> Memory:
    """The memory within its limits."""
    limits = memory.limits
    if limits.mode == "none":
        return Memory.empty(limits)
    fresh = without_left_out(memory).without_old(datetime.now(UTC).replace(tzinfo=None))
    return encoded_rows(kept(fresh, fitted.target.targets[0]), fitted)


def remembered(opened: Opened) -> Remembered:
    """What the memory of the champion holds."""
    head = opened.log.head()
    memory = Memory.empty(limits_of(opened)) if head is None else memory_of(opened, head)
    size = 0 if head is None or head.memory is None else opened.folder.memory(head.memory).stat().st_size
    oldest, newest = memory.rows[WHEN].min(), memory.rows[WHEN].max()
    return Remembered(
        learn=memory.to_learn().height,
        judge=memory.to_judge().height,
        aside=len(memory) - memory.in_use.height,
        bytes=size,
        oldest=oldest if isinstance(oldest, datetime) else None,
        newest=newest if isinstance(newest, datetime) else None,
        columns=tuple(name for name in memory.rows.columns if name not in BOOKKEEPING),
        limits=memory.limits,
    )


def limit(opened: Opened, changes: Mapping[str, Any], *, who: str) -> MemoryLimits:
    """Sets limits of the memory and applies them to what it holds; see ``Store.set``."""
    limits = _changed(limits_of(opened), changes)
    if not changes:
        return limits
    with changing(opened.folder.path, who, "changing the memory's limits"):
        head = opened.log.head()
        if head is None or head.memory is None:
            opened.log.set("memory", limits)
            return limits
        memory = memory_of(opened, head)
        memory = bounded(Memory(memory.rows, limits), opened.parts()[1][0])
        opened.log.set("memory", limits)
        brought = opened.log.next_brought()
        name = write_memory(opened.folder, f"{brought:04d}.parquet", memory.rows)
        told = Event(
            outcome="limited", who=who, version=head.version, memory=name, brought=brought,
            parent=head.id, why=", ".join(f"{n}={v!r}" for n, v in changes.items()),
        )  # fmt: skip
        opened.log.record(told, moves=True, head=head)
        sweep(opened.folder, opened.log)
    return limits


def _changed(limits: MemoryLimits, changes: Mapping[str, Any]) -> MemoryLimits:
    for name in changes:
        if name not in MemoryLimits.__struct_fields__:
            raise UsageError(
                f"There is no limit {name!r} of a memory.", nearest(name, MemoryLimits.__struct_fields__)
            )
    try:
        return msgspec.convert({**msgspec.structs.asdict(limits), **changes}, MemoryLimits)
    except msgspec.ValidationError as error:
        raise UsageError(f"The memory cannot be so: {error}.", "See help(lamina.Store.set).") from error
