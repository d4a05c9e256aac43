"""Answers for rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from lamina.data.table import Table
from lamina.serve import bodies
from lamina.serve.asking import Asking, Raw
from lamina.serve.limits import Limits
from lamina.serve.living import Answered
from lamina.serve.problems import Problem
from lamina.serve.responses import table
from lamina.serve.served import Asked, Served
from lamina.store.ids import ids_of, new_ids

HERE: Final = 64  # rows up to which a body is read in the event loop; larger ones in a thread


async def predict(asking: Asking) -> Response:
    """One answer for each row. In a store that logs, every row gets an id to which feedback refers."""
    raw = (await asking.brought()).rows
    served = asking.served
    asked = await asked_of(raw, served, asking.limits)
    asking.rows = asked.rows
    answers = await asking.service.models.answers(served, asked)
    ids = ids_for(asking, raw, asked.rows)
    if ids is not None:
        asking.living.remember(Answered(raw, answers, ids, served, asking.who, asking.limits))
    return table(
        asking,
        lambda: [row for each in answers for row in each.dicts()],
        lambda: pl.concat([each.frame() for each in answers]),
        ids=ids,
        warnings=asked.warnings,
    )


async def asked_of(raw: Raw, served: Served, limits: Limits) -> Asked:
    """The rows as the network reads them: one of plain cells at once, many in a thread."""
    if isinstance(raw, pl.DataFrame):
        return await run_in_threadpool(served.asked, raw)
    quick = served.row(raw[0]) if len(raw) == 1 else None
    if quick is not None:
        return quick
    if len(raw) <= HERE:
        return _read(raw, served, limits)
    return await run_in_threadpool(_read, raw, served, limits)


def _read(rows: Sequence[bodies.Row], served: Served, limits: Limits) -> Asked:
    return served.asked(bodies.frame_of_rows(rows, served.schema, limits))


def ids_for(asking: Asking, raw: Raw, rows: int) -> list[str] | None:
    """The ids of the rows where their answers are logged: those that came with them where the store knows
    their column, else new ones; None where nothing is logged."""
    living = asking.service.living.get(asking.served.name)
    if living is None or not living.logs:
        return None
    column = living.store.opened.log.setting("id")
    if column is None:
        return new_ids(rows)
    if isinstance(raw, pl.DataFrame):
        return ids_of(Table(raw, "the request"), column)
    missing = [k for k, row in enumerate(raw) if row.get(column) in (None, "")]
    if missing:
        raise Problem(422, f"Row {missing[0]} has no {column!r}, its id.", "Send it.", field=column)
    return [str(row[column]) for row in raw]
