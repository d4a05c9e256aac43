"""Where rows that are to be forgotten left traces: what learnt from them, and under which names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np

from lamina.data.table import Table
from lamina.learning.named import rows_named
from lamina.records import Schema
from lamina.store.hashes import Hashes, key_hash
from lamina.store.ids import ids_of
from lamina.store.log import Version
from lamina.store.opened import Opened


@dataclass(frozen=True)
class Traces:
    """Where the rows to forget are found: events that learnt them with what is left of their hashes, the
    rows' names, and the ids under which predictions may be logged."""

    events: dict[int, Hashes]
    names: frozenset[str]
    ids: tuple[str, ...]
    rows: int


def traces_of(opened: Opened, ids: Sequence[Any] | None, table: Table | None) -> Traces:
    """Looks through everything that any event has learnt, also what was rolled back."""
    salt, column = opened.folder.about.id, opened.log.setting("id")
    if table is not None and column is not None and column in table.frame.columns:
        words = ids_of(table, column)
    else:
        words = [] if ids is None else [str(each) for each in ids]
    keys = np.array([key_hash(each, salt) for each in words if ids is not None], "S8")
    rows = np.array([], "S12") if table is None else _rows(opened, table, salt)
    found, names = dict[int, Hashes](), set[str]()
    for event in opened.log.events():
        learnt = Hashes.unpacked(opened.log.learnt(event.id))
        gone = np.isin(learnt.keys, keys) | np.isin(learnt.rows, rows)
        if gone.any():
            found[event.id] = learnt.without(gone)
            names |= set(Hashes(learnt.rows[gone], learnt.keys[gone]).names())
    if table is not None:
        names |= set(Hashes(rows, rows).names())
    count = len(names) if table is None else len(table)
    return Traces(found, frozenset(names), tuple(words), count if found else 0)


def _rows(opened: Opened, table: Table, salt: str) -> np.ndarray:
    """The names of rows as every version read them."""
    texts = dict.fromkeys(msgspec.json.encode(each.schema) for each in opened.log.versions())
    schemas = [msgspec.json.decode(each, type=Schema) for each in texts]
    return np.concatenate([rows_named(table, each, None, salt).rows for each in schemas])


def tainted_by(opened: Opened, version: Version, traces: Traces) -> bool:
    """Whether a version learnt from any of the rows."""
    events = opened.log.events()
    made = next(each for each in events if each.candidate == version.number)
    return any(each.id in traces.events for each in opened.log.basis(made))
