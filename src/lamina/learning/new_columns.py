"""Columns that the network has never seen: which of them it may learn to read."""

from __future__ import annotations

from typing import Final

import msgspec
import polars as pl

from lamina.data.conform import conform
from lamina.data.doctor import Case, examine
from lamina.data.infer import infer
from lamina.data.rules import told_nothing
from lamina.data.table import Table
from lamina.learning.records import LearnSettings
from lamina.records import Field, Finding, Schema
from lamina.training.fitted import Fitted

# Kinds for which a network grows; pictures, recordings and texts beside a table need a network made for them
KINDS: Final = ("number", "category", "flag", "date", "set")
LEAST: Final = 50  # filled cells from which something can be learnt


def new_columns(
    fitted: Fitted, table: Table, settings: LearnSettings
) -> tuple[tuple[Field, ...], list[Finding]]:
    """The fields to grow by, and why others are left out.

    A column that was there from the beginning and said nothing (no cell filled, or all alike) is new once it
    does: it is read from then on, and missing in the rows before.
    """
    silent = {field.name for field in fitted.schema if told_nothing(field)}
    names = [name for name in table.frame.columns if name not in fitted.schema or name in silent]
    if not names or settings.columns == "ignore":
        return (), []
    fields, findings = [], []
    for field in infer(Table(table.frame.select(names), table.source)):
        why = _unfit(field, table.frame[field.name])
        if why is None:
            form = {name: each for name, each in field.form.items() if name != "block"}
            fields.append(msgspec.structs.replace(field, role="input", form=form))
        elif field.name not in silent:
            findings.append(_left_out(field.name, why))
    fields, told = _without_leaks(fitted, table, fields)
    return tuple(fields), [*findings, *told]


def _unfit(field: Field, cells: pl.Series) -> str | None:
    """Why a column is not learnt, None where it is."""
    if field.role == "ignored":
        return field.why
    if field.kind not in KINDS:
        return f"a network does not grow by columns of the kind {field.kind}; fit again with it"
    if len(cells) - cells.null_count() < LEAST:
        return f"fewer than {LEAST} of its cells are filled"
    return None


def _without_leaks(fitted: Fitted, table: Table, fields: list[Field]) -> tuple[list[Field], list[Finding]]:
    """A new column that gives the answer away is no column to learn from."""
    if not fields:
        return [], []
    schema = Schema((*fields, *fitted.schema.with_role("target")))
    frame, _ = conform(table, schema, need_target=True)
    leaks = {each.column for each in examine(Case(frame, schema)) if each.code == "leak"}
    told = [_left_out(str(name), "it gives the answer away") for name in sorted(map(str, leaks))]
    return [field for field in fields if field.name not in leaks], told


def _left_out(name: str, why: str) -> Finding:
    return Finding(
        severity="note",
        code="new-column-left-out",
        column=name,
        message=f"The new column {name!r} is not learnt: {why}.",
        remedy="Nothing to do, unless it matters: then fit again with it.",
    )
