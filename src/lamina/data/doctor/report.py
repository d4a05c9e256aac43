"""``lamina.doctor``: the whole examination of a table, before anything is trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import polars as pl

from lamina.catalog import KINDS
from lamina.data.conform import conform
from lamina.data.doctor.case import Case
from lamina.data.doctor.checkup import SEVERITIES, THOROUGH, examine, set_aside
from lamina.data.infer import infer
from lamina.data.read import read
from lamina.data.split import split
from lamina.data.table import Table
from lamina.records import Finding, Schema
from lamina.tasks import Predict

SHARE: Final = 0.15  # of the rows that a fit holds back
ROWS: Final = {
    "finding": pl.String, "severity": pl.String, "column": pl.String, "row": pl.Int64, "twin": pl.Int64,
    "given": pl.String, "likely": pl.String, "score": pl.Float64,
}  # fmt: skip


@dataclass(frozen=True)
class Report:
    """What the doctor found: ``findings`` worst first, and the rows behind them.

    ``schema`` is how the table was understood, with the leaking columns set aside; ``details`` are the
    rows as the checks wrote them down.
    """

    source: str
    length: int
    schema: Schema
    findings: tuple[Finding, ...]
    details: tuple[pl.DataFrame, ...] = ()

    @property
    def fatal(self) -> bool:
        """Whether something makes learning impossible."""
        return any(each.severity == "fatal" for each in self.findings)

    @cached_property
    def rows(self) -> pl.DataFrame:
        """Every row that a finding names: ``finding, severity, column, row, twin, given, likely, score``.

        ``row`` counts from 0 in the table as read; ``twin`` is the row it is a copy of; ``given`` and
        ``likely`` are answers, ``score`` how sure the doctor is, 0 to 1.
        """
        severity = {each.code: each.severity for each in reversed(self.findings)}
        listed = {(code, column) for part in self.details
                  for code, column in part.select("finding", "column").unique().rows()}  # fmt: skip
        plain = [
            pl.DataFrame({"row": each.rows}, schema={"row": pl.Int64}).with_columns(
                finding=pl.lit(each.code), column=pl.lit(each.column, dtype=pl.String)
            )
            for each in self.findings
            if each.rows and (each.code, each.column) not in listed
        ]
        parts = [_complete(part, severity) for part in (*self.details, *plain)]
        return pl.concat(parts).unique(maintain_order=True) if parts else pl.DataFrame(schema=ROWS)

    def __str__(self) -> str:
        if not self.findings:
            return f"{self.source}: nothing found in {self.length:,} rows."
        lines = [f"{self.source}: {self.length:,} rows"]
        for each in self.findings:
            lines += [f"{each.severity}: {each.message}", f"  → {each.remedy}"]
            lines += [f"  Then: {each.effect}"] if each.effect else []
        return "\n".join(lines)


def _complete(part: pl.DataFrame, severity: Mapping[str, str]) -> pl.DataFrame:
    """Details with all columns of the table of rows."""
    missing = [pl.lit(None, dtype=kind).alias(n) for n, kind in ROWS.items() if n not in part.columns]
    words = pl.col("finding").replace_strict(dict(severity), default="note", return_dtype=pl.String)
    return (
        part.with_columns(*missing)
        .with_columns(severity=words)
        .select(pl.col(name).cast(kind) for name, kind in ROWS.items())
    )


def doctor(
    data: Any,
    target: str | Sequence[str] | Predict | None = None,
    *,
    kinds: Mapping[str, str] | None = None,
    roles: Mapping[str, str] | None = None,
    quick: bool = False,
) -> Report:
    """Examines a table before anything is trained.

    ``data`` is whatever ``lamina.fit`` reads, ``target`` the column to predict (without one, only what needs
    no answer is looked at). ``kinds`` and ``roles`` correct the schema by column name. ``quick`` keeps to the
    checks that also run before every fit.

    >>> import lamina
    >>> rows = {"size": list(range(60)), "sold": ["no", "yes"] * 30, "sold_text": [" No", "YES "] * 30}
    >>> [(each.code, each.column) for each in lamina.doctor(rows, "sold").findings]
    [('leak', 'sold_text')]
    """
    table = read(data, part="train")
    readable = (*KINDS, "text")  # texts can be compared, whatever the network reads
    task = (
        target
        if isinstance(target, Predict | None)
        else Predict(target if isinstance(target, str) else tuple(target))
    )
    schema = infer(table, task=task, kinds=kinds, roles=roles, readable=readable)
    frame, found = conform(table, schema, need_target=bool(schema.with_role("target")))
    numbers = numbers_of(table, schema, frame.height)
    case = Case(frame, schema, held_out=_held_out(frame, schema), numbers=numbers)
    findings = examine(case)
    schema, findings = set_aside(schema, findings, roles or {})
    if not quick and not any(each.severity == "fatal" for each in findings):
        clean = case.without(schema)
        findings = (*findings, *examine(clean, THOROUGH))
    every = sorted((*table.findings, *found, *findings), key=lambda each: SEVERITIES.index(each.severity))
    return Report(table.source, len(table), schema, tuple(every), tuple(case.details))


def _held_out(frame: pl.DataFrame, schema: Schema) -> np.ndarray:
    """The rows that a fit with its defaults would hold back."""
    goals = schema.with_role("target")
    if not goals or frame.height < 2:
        return np.empty(0, np.int64)
    return split(frame, schema, answer=goals[0].answer, share=SHARE, seed=0).validation


def numbers_of(table: Table, schema: Schema, rows: int) -> np.ndarray | None:
    """Each row's number in the table as read, where rows without an answer were left out."""
    goals = schema.with_role("target")
    if not goals or rows == len(table):
        return None
    alone = Table(table.frame.select([each.name for each in goals]), table.source)
    answers, _ = conform(alone, Schema(goals), need_target=False)
    filled = answers.select(pl.any_horizontal(pl.all().is_not_null())).to_series()
    numbers = np.flatnonzero(filled.to_numpy())
    return numbers if len(numbers) == rows else None
