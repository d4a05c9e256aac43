"""Which kind and role each column has, and why: the schema.

The kind comes from the rules (``rules``), from the user (``overrides``) or, for the column to
predict, from what can be an answer (``targets``). All of them look at an even sample of the rows and
confirm on the whole column only what one odd value could overturn, so that a table of a million rows
takes no longer than its few doubtful columns.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any, Final, get_args

import numpy as np
import polars as pl

from lamina.catalog import KINDS
from lamina.data.columns import Column
from lamina.data.overrides import read_as
from lamina.data.places import join_places
from lamina.data.rules import SET_ROLE, read
from lamina.data.series import join_series
from lamina.data.table import Table
from lamina.data.targets import target_field
from lamina.errors import TargetError, UsageError, nearest
from lamina.records import Field, Role, Schema
from lamina.tasks import Asked, Task

SAMPLE_ROWS: Final = 20_000
_ASIDE: Final = ("id",)  # kinds that a column can have besides those of the catalog: no input


def infer(
    table: Table,
    *,
    target: str | None = None,
    task: Task | None = None,
    kinds: Mapping[str, str] | None = None,
    roles: Mapping[str, str] | None = None,
    readable: Container[str] = KINDS,
) -> Schema:
    """The schema of a table: for every column its kind, role and the reason.

    ``target`` (else those of the task, else the table's own label) is the answer; a table without one
    gets a schema of inputs. ``kinds`` and ``roles`` overrule, by column name. Columns of a kind
    that is not in ``readable`` are ignored, and say so.

    Raises ``UsageError`` for overrides that cannot be, ``TargetError`` for a target that is not
    there, is empty, or is of a kind that cannot be an answer.
    """
    kinds, roles = dict(kinds or {}), dict(roles or {})
    names = table.columns
    _check_overrides(names, kinds, roles, readable)
    targets = _target_names(table, target, task, roles)
    sample = _sample(table)
    fields = []
    for name in names:
        column = Column(name, table.column(name), sample[name], wide=len(names) > 3)
        if name in targets:
            fields.append(target_field(column, task.of(name) if task else Asked(), kinds.get(name)))
        else:
            fields.append(_field(column, kinds.get(name), roles.get(name), readable))
    for kind, join in (("place", join_places), ("series", join_series)):
        fields = join(fields, sample, kinds) if kind in readable else fields
    return Schema(tuple(fields))


def _sample(table: Table) -> pl.DataFrame:
    """At most SAMPLE_ROWS rows, spread evenly, in order."""
    if len(table) <= SAMPLE_ROWS and not table.large:
        return table.frame
    most = min(len(table), SAMPLE_ROWS)
    return table.taken(np.linspace(0, len(table) - 1, most).astype(np.int64))


def _check_overrides(
    names: list[str], kinds: dict[str, str], roles: dict[str, str], readable: Container[str]
) -> None:
    """All impossible overrides of one call, in one message."""
    problems, remedies = [], []
    words = (*dict.fromkeys((*KINDS, *_ASIDE)),)
    for what, given, known in (("kind", kinds, words), ("role", roles, get_args(Role))):
        for name, value in given.items():
            if name not in names:
                problems.append(f"The {what} of {name!r} was set, but there is no such column.")
                remedies.append(nearest(name, names))
            elif value not in known:
                problems.append(f"{value!r} is no {what} (set for column {name!r}).")
                remedies.append(KINDS.hint(str(value)) if what == "kind" else nearest(str(value), known))
            elif what == "kind" and value not in readable and value != "id":
                problems.append(f"Columns of kind {value!r} cannot be read (set for column {name!r}).")
                able = ", ".join(kind for kind in words if kind in readable)
                remedies.append(f"What can be read: {able}.")
    if problems:
        raise UsageError(" ".join(problems), " ".join(remedies), kinds=kinds, roles=roles)


def _target_names(
    table: Table, target: str | None, task: Task | None, roles: dict[str, str]
) -> tuple[str, ...]:
    """The columns to predict, however they were named; none where nobody named one."""
    asked = [target] if target is not None else [*task.targets] if task is not None else []
    extra = [name for name, role in roles.items() if role == "target" and name not in asked]
    if asked and extra:
        listed = " and ".join(repr(name) for name in [*asked, *extra])
        raise UsageError(
            f"Several targets were named, some as target and some by role: {listed}.",
            "Name all columns to predict together: target=(…, …).",
            targets=[*asked, *extra],
        )
    own = [] if table.label is None else [table.label]
    names = tuple(asked or extra or own)
    for name in names:
        _check_target(table, name, roles)
    return names


def _check_target(table: Table, name: str, roles: dict[str, str]) -> None:
    if name not in table.columns:
        raise TargetError(
            f"There is no column {name!r} to predict in {table.source}.",
            nearest(name, table.columns),
            column=name,
        )
    if roles.get(name, "target") != "target":
        raise UsageError(
            f"Column {name!r} is the target and was given the role {roles[name]!r}.",
            "Drop the role, or name another target.",
            column=name,
        )


def _field(column: Column, kind: str | None, role: str | None, readable: Container[str]) -> Field:
    """One column that is not the target."""
    reading = read(column) if kind is None else read_as(column, kind)
    chosen: Any = role or ("ignored" if reading.useless or reading.kind not in readable else "input")
    why = reading.why
    if role is not None:
        _check_role(column.name, role, reading.kind, readable)
        why = f"{why}{SET_ROLE}"
    elif reading.kind not in readable and not reading.useless:
        why = f"{why}; this version reads no {reading.kind} yet"
    return Field(
        name=column.name,
        kind=reading.kind,
        role=chosen,
        why=why,
        unit=reading.unit,
        form=reading.form,
    )


def _check_role(name: str, role: str, kind: str, readable: Container[str]) -> None:
    """Whether a column of this kind can take the role the user gave it."""
    able = {"time": {"date", "number"}, "weight": {"number", "flag"}}.get(role)
    if able is not None and kind not in able:
        raise UsageError(
            f"Column {name!r} is of kind {kind} and cannot have the role {role!r}.",
            f"A column with this role must be one of: {', '.join(sorted(able))}. "
            f"If it is, say so with kinds={{{name!r}: {min(able)!r}}}.",
            column=name,
        )
    if role == "input" and kind not in readable:
        raise UsageError(
            f"Column {name!r} was taken for {kind}, which cannot be an input in this version.",
            f"Take its values as categories with kinds={{{name!r}: 'category'}}, or leave it out.",
            column=name,
        )
