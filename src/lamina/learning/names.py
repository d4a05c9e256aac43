"""Columns that are missing, renamed or new, before the rows are read."""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import Final

import numpy as np
import polars as pl

from lamina.data.table import Table
from lamina.learning.memory import Memory
from lamina.learning.records import LearnSettings
from lamina.records import Finding, Schema

ALIKE: Final = 0.6  # of two names, from which on one may be the other


def with_columns(
    schema: Schema, table: Table, memory: Memory, settings: LearnSettings
) -> tuple[Table, list[Finding]]:
    """The table, and a finding for every input that it lacks; with ``force`` these count as missing cells."""
    have = table.frame.columns
    lacking = [field.name for field in schema.with_role("input") if field.name not in have]
    extra = [name for name in have if name not in schema]
    findings = [_lacking(name, extra, table, memory) for name in lacking]
    forced = [each.column for each in findings if each.code in settings.force and each.column is not None]
    if not forced:
        return table, findings
    empty = [pl.lit(None).alias(name) for name in forced]
    return Table(
        table.frame.with_columns(empty), table.source, table.notes, table.label, table.findings
    ), findings


def _lacking(name: str, extra: list[str], table: Table, memory: Memory) -> Finding:
    likely = max(extra, key=lambda each: _likeness(name, each, table, memory), default=None)
    if likely is None or _likeness(name, likely, table, memory) < ALIKE:
        return Finding(
            severity="fatal",
            code="missing-column",
            column=name,
            message=f"Column {name!r}, which the network reads, is not in {table.source}.",
            remedy="Bring it, or learn without it by force: its cells then count as missing.",
        )
    return Finding(
        severity="fatal",
        code="renamed-column",
        column=name,
        message=f"Column {name!r} is not in {table.source}; {likely!r}, which the network does not know, "
        "looks like it by its name and values.",
        remedy=f"If it is the same, rename {likely!r} to {name!r}.",
    )


def _likeness(name: str, other: str, table: Table, memory: Memory) -> float:
    """Of name and values, 0 to 1: the mean of both where the memory tells of the values, else of the name."""
    names = SequenceMatcher(None, name.lower(), other.lower()).ratio()
    if name not in memory.rows.columns or not len(memory):
        return names
    return max(names, (names + _shared(memory.in_use[name], table.frame[other])) / 2 + 0.1)


def _shared(old: pl.Series, new: pl.Series) -> float:
    """How far two columns hold the same values: the overlap of their ranges, or of their words."""
    if old.dtype.is_nested() or new.dtype.is_nested() or pl.Binary in (old.dtype, new.dtype):
        return 0.0
    if old.dtype.is_numeric():
        numbers = new.cast(pl.Float64, strict=False).drop_nulls()
        if len(numbers) < len(new) / 2 or not len(old.drop_nulls()):
            return 0.0
        a = [old.quantile(q) or 0.0 for q in (0.1, 0.5, 0.9)]
        b = [numbers.quantile(q) or 0.0 for q in (0.1, 0.5, 0.9)]
        width = max(a[2] - a[0], b[2] - b[0], 1e-12)
        return max(0.0, 1 - max(abs(x - y) for x, y in zip(a, b, strict=True)) / width)
    known = set(old.cast(pl.String).drop_nulls().unique())
    values = new.cast(pl.String).drop_nulls()
    return float(np.mean(values.is_in(list(known)).to_numpy())) if len(values) else 0.0
