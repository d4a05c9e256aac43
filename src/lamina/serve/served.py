"""One model in service: rows in, answers out, several requests in one call of the network."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Final, NamedTuple

import numpy as np
import polars as pl

from lamina.data.conform import conform
from lamina.data.table import Table
from lamina.features.base import Arrays
from lamina.features.features import broken, broken_findings
from lamina.features.targets.told import Told
from lamina.model import Model
from lamina.network.engine import Answered
from lamina.predictions.answers import covered_by, judge_of, told
from lamina.predictions.one_row import OneRow, UnusualError
from lamina.predictions.predict import readable
from lamina.records import Finding, Schema
from lamina.serve.batcher import Batcher
from lamina.training.fitted import Fitted

MOST_WARNINGS: Final = 20
KNOWN: Final = np.ones(1, bool)


class Asked(NamedTuple):
    """Rows of one request, or a part of them, as the network reads them.

    ``known`` says in which rows anything could be read, bool ``(rows,)``; ``values`` are those of the column
    in whose groups bounds hold, where there is one; ``warnings`` tell what could not be read.
    """

    arrays: Arrays
    known: np.ndarray
    values: pl.Series | None = None
    warnings: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        return len(self.known)

    def part(self, start: int, rows: int) -> Asked:
        """So many rows of it."""
        arrays = {name: each[start : start + rows] for name, each in self.arrays.items()}
        values = None if self.values is None else self.values[start : start + rows]
        return Asked(arrays, self.known[start : start + rows], values)


class Call:
    """What one call of the network answered: ``known`` rows ``(rows,)``, of one or several requests."""

    def __init__(
        self, fitted: Fitted, answered: Answered, known: np.ndarray, values: pl.Series | None
    ) -> None:
        self.answered, self.known, self.rows = answered, known, len(known)
        self._fitted, self._values = fitted, values

    @cached_property
    def columns(self) -> Sequence[Told]:
        """What users are told; decisions do without."""
        return told(self._fitted, self.answered, self.known, values=self._values)

    @cached_property
    def frame(self) -> pl.DataFrame:
        return pl.DataFrame([each.series() for each in self.columns])

    @cached_property
    def dicts(self) -> list[dict[str, Any]]:
        """One dict for each row; without the way through a frame, which costs more than few rows do."""
        if self.rows == 1:
            return [{each.name: each.cell() for each in self.columns}]
        names = [each.name for each in self.columns]
        cells = zip(*(each.cells() for each in self.columns), strict=True)
        return [dict(zip(names, row, strict=True)) for row in cells]


class Answers(NamedTuple):
    """The rows of a call that answer one request."""

    call: Call
    start: int
    rows: int

    def frame(self) -> pl.DataFrame:
        return self.call.frame.slice(self.start, self.rows)

    def dicts(self) -> list[dict[str, Any]]:
        return self.call.dicts[self.start : self.start + self.rows]

    def raw(self) -> tuple[Answered, np.ndarray]:
        """What the network itself says, before calibration, and in which rows anything could be read."""
        own = slice(self.start, self.start + self.rows)
        parts = (None if each is None else each[own] for each in self.call.answered)
        return Answered(*parts), self.call.known[own]  # type: ignore[arg-type]


class Served:
    """A model under its name, with the version that stands behind it.

    ``most_waiting`` rows may wait to be answered.
    """

    def __init__(self, name: str, model: Model, version: str, *, most_waiting: int = 100_000) -> None:
        self.name = name
        self.model = model
        self.version = version
        self.batcher = Batcher[Asked, Answers](self.answer, lambda each: each.rows, most_waiting=most_waiting)
        self._one_row = OneRow(model.fitted)
        self._judge = judge_of(model.fitted)

    @property
    def schema(self) -> Schema:
        return self.model.schema

    def row(self, cells: Mapping[str, Any]) -> Asked | None:
        """One row of plain cells, in microseconds; None where it needs the ordinary way."""
        try:
            return Asked(self._one_row.arrays(cells), KNOWN)
        except UnusualError:
            return None

    def conformed(self, frame: pl.DataFrame) -> tuple[pl.DataFrame, tuple[str, ...]]:
        """The rows of a frame in the types of the schema, and what could not be read.

        Raises DataError where columns are missing or hold something else."""
        found, findings = conform(Table(frame, "the request"), self.schema, need_target=False)
        said = tuple(_said(each) for each in findings if each.severity != "note")
        return found, said[:MOST_WARNINGS]

    def asked(self, frame: pl.DataFrame) -> Asked:
        """The rows of a frame. Raises DataError where columns are missing or hold something else."""
        fitted = self.model.fitted
        conformed, said = self.conformed(frame)
        arrays = fitted.features.transform(conformed)
        unread = broken_findings(broken(arrays, conformed, fitted.features))
        warnings = (*said, *(_said(each) for each in unread if each.severity != "note"))
        known = readable(arrays, fitted.features, conformed.height)
        return Asked(arrays, known, covered_by(fitted, conformed), warnings[:MOST_WARNINGS])

    async def answers(self, asked: Asked) -> list[Answers]:
        """The answers for these rows in their order, together with whatever else has come in."""
        at_once = self.batcher.at_once
        if asked.rows <= at_once:
            return [await self.batcher.ask(asked)]
        parts = [asked.part(start, at_once) for start in range(0, asked.rows, at_once)]
        return await self.batcher.ask_all(parts)

    def answer(self, asked: Sequence[Asked]) -> list[Answers]:
        """The answers for several requests, from one call of the network."""
        if len(asked) == 1:
            arrays, known, values = asked[0].arrays, asked[0].known, asked[0].values
        else:
            arrays = {name: np.concatenate([each.arrays[name] for each in asked]) for name in asked[0].arrays}
            known = np.concatenate([each.known for each in asked])
            parts = [each.values for each in asked if each.values is not None]
            values = pl.concat(parts) if parts else None
        fitted = self.model.fitted
        call = Call(fitted, fitted.engine.answered(arrays, self._judge), known, values)
        starts = itertools.accumulate((each.rows for each in asked), initial=0)
        return [Answers(call, start, each.rows) for start, each in zip(starts, asked, strict=False)]

    def about(self) -> dict[str, Any]:
        """What the model is, for people and machines."""
        judged = self.model.validation
        return {
            "name": self.name,
            "version": self.version,
            "target": list(self.model.fitted.target.targets),
            "answer": self.model.fitted.target.answer,
            "metric": judged.metric,
            "scores": judged.scores,
            "engine": self.model.fitted.engine.kind,
            "weights": self.model.fitted.engine.weights,
        }


def _said(finding: Finding) -> str:
    return f"{finding.message} {finding.remedy}".strip()
