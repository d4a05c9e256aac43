"""What really happened, read from a file and joined to the predictions made."""

from __future__ import annotations

import msgspec
import polars as pl

from lamina.data.conform import conform
from lamina.data.table import Table
from lamina.errors import TargetError, nearest
from lamina.records import Schema
from lamina.store.calls import Call, Joined
from lamina.store.hashes import table_hash
from lamina.store.ids import ids_of
from lamina.store.opened import Opened


def take_feedback(opened: Opened, table: Table, column: str, who: str) -> Joined:
    """Joins the answers of every target that the table has; ``column`` holds the ids.

    The same answers twice change nothing. Of an id that comes twice in one table the last answer counts.
    Raises TargetError where no target is in the table."""
    ids = ids_of(table, column)
    call = Call(
        what="feedback", who=who, version=None, source=table.source, data_hash=table_hash(table),
        rows=len(ids),
    )  # fmt: skip
    told, schema = Joined(rows=0), opened.schema()
    for target in _present(table, schema):
        frame, found = conform(table, _alone(schema, target), need_target=False)
        unreadable = sum(each.count for each in found if each.code == "unreadable")
        came = pl.DataFrame({"id": ids, "came": words(frame[target])}).drop_nulls("came")
        came = came.unique("id", keep="last", maintain_order=True)
        joined = opened.calls.answer(call, came["id"].to_list(), target, came["came"].to_list())
        joined = msgspec.structs.replace(joined, unreadable=unreadable)
        told = Joined(**{n: getattr(told, n) + getattr(joined, n) for n in Joined.__struct_fields__})
    return told


def _present(table: Table, schema: Schema) -> list[str]:
    targets = [field.name for field in schema.with_role("target")]
    present = [name for name in targets if name in table.frame.columns]
    if not present:
        raise TargetError(
            f"{table.source} does not say what happened: it has no column {' or '.join(map(repr, targets))}.",
            nearest(targets[0], table.frame.columns),
            column=targets[0],
        )
    return present


def _alone(schema: Schema, target: str) -> Schema:
    """The target read as an input is: a column that is unreadable throughout is refused."""
    return Schema((msgspec.structs.replace(schema[target], role="input"),))


def words(answers: pl.Series) -> pl.Series:
    """Answers as text, the same for what was predicted and what came: lists of labels sorted, as JSON."""
    if isinstance(answers.dtype, pl.List):
        lists = answers.cast(pl.List(pl.String)).list.sort().to_list()
        cells = [None if each is None else msgspec.json.encode(each).decode() for each in lists]
        return pl.Series(answers.name, cells, dtype=pl.String)
    return answers.cast(pl.String)
