"""A model is put into a store, and what it learnt from into the memory."""

from __future__ import annotations

from dataclasses import replace as replaced
from typing import TYPE_CHECKING

import polars as pl
from msgspec.structs import replace

from lamina.data.conform import conform
from lamina.data.table import Table
from lamina.learning.first import first_memory
from lamina.learning.graphs import SETTING, rows_read, with_graph
from lamina.learning.hashing import row_ids
from lamina.learning.kept_rows import bounded, limits_of, renumbered
from lamina.learning.named import hashes
from lamina.store.files import in_use, read_memory, sweep, write_memory, write_version
from lamina.store.hashes import Hashes, table_hash
from lamina.store.lock import changing
from lamina.store.log import Event
from lamina.store.opened import Opened
from lamina.training.sample import Sample

if TYPE_CHECKING:
    from lamina.network.graph import Graph
    from lamina.store.files import Parts


def add(
    opened: Opened,
    parts: Parts,
    sample: Sample | None,
    table: Table | None,
    *,
    who: str,
    note: str = "",
    champion: bool = True,
) -> int:
    """Puts a model into the store, and what it learnt from into the memory; see ``Store.add``."""
    folder, log = opened.folder, opened.log
    with changing(folder.path, who, "adding a model"):
        sweep(folder, log)
        head = log.head()
        number = log.next_version()
        told = Event(
            outcome="added", who=who, candidate=number, note=note,
            parent=None if head is None else head.id,
            version=number if head is None or champion else in_use(head),
            source="" if table is None else table.source,
            data_hash="" if table is None else table_hash(table, parts[0].schema),
            rows=0 if table is None else len(table),
            scores={"validation": dict(parts[2].scores)},
        )  # fmt: skip
        brought = log.next_brought()
        own = numbered(parts, brought)
        if told.version == number:
            own = with_graph(opened, own, None if sample is None else sample.frame)
        version = write_version(folder, number, own)
        if told.version != number:
            learnt = b"" if table is None else hashes(opened, table, parts[0].schema)
            log.record(replace(told, brought=brought), version=version, learnt=learnt)
            return number
        told, learnt = _first_rows(opened, replace(told, brought=brought), head, parts, sample, table)
        log.record(told, version=version, learnt=learnt, moves=True, head=head)
        if parts[0].onnx is not None:  # whoever answers with it is to have one of every later champion, too
            log.set(SETTING, True)
        sweep(folder, log)
    return number


def numbered(parts: Parts, brought: int) -> Parts:
    """A network that says itself after which update it was made, by the log's number."""
    fitted, baseline, evaluation = parts
    return replaced(fitted, rows={**fitted.rows, "update": brought}), baseline, evaluation


def _first_rows(
    opened: Opened, told: Event, head: Event | None, parts: Parts, sample: Sample | None, table: Table | None
) -> tuple[Event, bytes]:
    """The memory of a model that was just added, and the hashes of the rows it learnt.

    A model that brings rows starts a life of its own; one that brings none goes on with the memory there
    is."""
    if sample is None and table is not None:
        sample = Sample.known(table, parts[0].schema)
    if sample is None:
        return replace(told, memory=None if head is None else head.memory), b""
    memory = bounded(first_memory(parts[0], sample, limits_of(opened)), parts[0])
    brought = told.brought or 0
    rows = _beside(opened, head, renumbered(memory, -1, brought).rows)
    name = write_memory(opened.folder, f"{brought:04d}.parquet", rows)
    if table is None:
        learnt = Hashes.of(row_ids(sample.frame, parts[0].schema), None, opened.folder.about.id).packed()
    else:
        learnt = hashes(opened, table, parts[0].schema)
    return replace(told, memory=name, fresh=True), learnt


def _beside(opened: Opened, head: Event | None, rows: pl.DataFrame) -> pl.DataFrame:
    """The rows, and under other numbers those of the model before, for whoever rolls back to it; not where
    the two read the same columns differently."""
    if head is None or head.memory is None:
        return rows
    try:
        return pl.concat([read_memory(opened.folder, head.memory), rows], how="diagonal_relaxed")
    except pl.exceptions.PolarsError:
        return rows


def add_exported(opened: Opened, table: Table | None, *, who: str) -> Graph:
    """The champion with its graph as a version of its own, if it has none yet, and the setting for those to
    come; see ``Store.export``."""
    from lamina.predictions.exported import as_onnx  # torch comes with it

    _, parts = opened.parts()
    fitted, head = parts[0], opened.log.head()
    if fitted.onnx is None:
        rows = None if head is None or head.memory is None else read_memory(opened.folder, head.memory)
        source = "rows that were learnt from"
        if table is not None:
            rows, source = conform(table, fitted.schema, need_target=False)[0], table.source
        onnx = as_onnx(fitted, rows_read(fitted, rows), source)
        own = replaced(fitted, onnx=onnx), *parts[1:]
        add(opened, own, None, None, who=who, note="the same network, as ONNX too")
    else:
        onnx = fitted.onnx
    opened.log.set(SETTING, True)
    return onnx.graph
