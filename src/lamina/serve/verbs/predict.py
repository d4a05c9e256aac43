"""Answers for rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import polars as pl
from starlette.responses import Response

from lamina.data.table import Table
from lamina.serve import bodies
from lamina.serve.asking import Asking, Raw
from lamina.serve.candidate import Candidate, Silent
from lamina.serve.limits import Limits
from lamina.serve.living import Answered
from lamina.serve.problems import Problem
from lamina.serve.responses import table
from lamina.serve.served import Answers, Asked, Served
from lamina.serve.service import Service
from lamina.store.ids import ids_of, new_ids

HERE: Final = 64  # rows up to which a body is read in the event loop; larger ones in a thread


class Given(NamedTuple):
    """Answers for rows, by one model."""

    served: Served
    answers: Sequence[Answers]
    warnings: tuple[str, ...]

    def dicts(self) -> list[dict[str, Any]]:
        return [row for each in self.answers for row in each.dicts()]

    def frame(self) -> pl.DataFrame:
        return pl.concat([each.frame() for each in self.answers])


async def predict(asking: Asking) -> Response:
    """One answer for each row. In a store that logs, every row gets an id to which feedback refers."""
    raw = (await asking.brought()).rows
    asking.rows = len(raw)
    ids = ids_for(asking, raw, len(raw))
    candidate = asking.service.candidates.get(asking.served.name)
    if candidate is not None:
        return await by_both(asking, raw, ids, candidate)
    given = await answered(asking, asking.served, raw, ids)
    return table(asking, given.dicts, given.frame, ids=ids, warnings=given.warnings)


async def answered(asking: Asking, served: Served, raw: Raw, ids: list[str] | None) -> Given:
    """The answers of one model, logged where the store logs."""
    asked = await asked_of(raw, served, asking.service)
    given = Given(served, await served.answers(asked), asked.warnings)
    if ids is not None:
        asking.living.remember(Answered(raw, given.answers, ids, served, asking.who, asking.limits))
    return given


async def by_both(asking: Asking, raw: Raw, ids: list[str] | None, candidate: Candidate) -> Response:
    """Some rows are answered by the candidate, the others by the champion and silently by the candidate."""
    taken = candidate.takes(raw)
    parts = []
    for served, own in ((asking.served, False), (candidate.served, True)):
        places = [k for k, each in enumerate(taken) if each is own]
        if places:
            rows = raw if len(places) == len(raw) else _at(raw, places)
            given = await answered(asking, served, rows, None if ids is None else [ids[k] for k in places])
            parts.append((places, given))
            if not own:
                candidate.see(Silent(rows, given.answers, len(places), served))
    versions = [candidate.served.version if each else asking.served.version for each in taken]
    order = np.argsort([place for places, _ in parts for place in places])

    def frame() -> pl.DataFrame:
        both = pl.concat([given.frame() for _, given in parts], how="diagonal_relaxed")
        return both[order].with_columns(pl.Series("version", versions))

    def dicts() -> list[dict[str, Any]]:
        both = [row for _, given in parts for row in given.dicts()]
        return [both[place] | {"version": version} for place, version in zip(order, versions, strict=True)]

    warnings = tuple(dict.fromkeys(each for _, given in parts for each in given.warnings))
    return table(asking, dicts, frame, ids=ids, warnings=warnings)


def _at(raw: Raw, places: list[int]) -> Raw:
    return raw[places] if isinstance(raw, pl.DataFrame) else [raw[place] for place in places]


async def asked_of(raw: Raw, served: Served, service: Service) -> Asked:
    """The rows as the network reads them: one of plain cells at once, many in a thread."""
    if isinstance(raw, pl.DataFrame):
        return await service.read(served.asked, raw)
    quick = served.row(raw[0]) if len(raw) == 1 else None
    if quick is not None:
        return quick
    if len(raw) <= HERE:
        return _read(raw, served, service.limits)
    return await service.read(_read, raw, served, service.limits)


def _read(rows: Sequence[bodies.Row], served: Served, limits: Limits) -> Asked:
    return served.asked(bodies.frame_of_rows(rows, served.schema, limits))


def ids_for(asking: Asking, raw: Raw, rows: int) -> list[str] | None:
    """The ids of the rows where their answers are logged: those that came with them where the store knows
    their column, else new ones; None where nothing is logged."""
    living = asking.service.living.get(asking.served.name)
    if living is None or living.logs is None:
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
