"""Whether new rows may be learnt from at all: do they still mean what the champion's rows meant?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import msgspec
import numpy as np
import polars as pl

from lamina.data.conform import conform
from lamina.data.doctor import Case, examine
from lamina.data.table import Table
from lamina.errors import DataError
from lamina.features.features import broken, broken_findings
from lamina.learning.hashing import row_ids
from lamina.learning.meaning import meaning
from lamina.learning.memory import Memory
from lamina.learning.names import with_columns
from lamina.learning.new_columns import new_columns
from lamina.learning.records import LearnSettings
from lamina.records import Field, Finding
from lamina.training.fitted import Fitted

BY_CHANCE = 2.0  # times as many known rows as repeats within the new ones are no chance
# What the doctor says of a whole data set, and what does not matter in one month of it
NOT_HERE = (
    "one-answer",
    "few-rows",
    "rare-classes",
    "constant",
    "duplicates-across-split",
    "order",
    "no-inputs",
)


@dataclass(frozen=True)
class Checked:
    """The rows that may be learnt from, conformed, with their ids, and what was found on the way.

    ``known`` rows were learnt before and are left out; ``came`` is how many rows the table had; ``fields``
    are columns of the frame that the network has never seen and may learn to read.
    """

    frame: pl.DataFrame
    ids: list[str]
    findings: tuple[Finding, ...]
    came: int
    known: int = 0
    fields: tuple[Field, ...] = ()

    @property
    def refused(self) -> tuple[Finding, ...]:
        """The findings for which nothing is learnt."""
        return tuple(each for each in self.findings if each.severity == "fatal")


def check(fitted: Fitted, table: Table, memory: Memory, settings: LearnSettings) -> Checked:
    """Reads the table by the champion's schema and looks for what makes its rows unfit to learn from."""
    came = table.frame.height
    table, renamed = with_columns(fitted.schema, table, memory, settings)
    try:
        if memory.limits.mode == "features":  # rows of the past cannot be given a column
            settings = msgspec.structs.replace(settings, columns="ignore")
        fields, told = new_columns(fitted, table, settings)
        schema = fitted.schema.with_fields(fields)
        frame, found = conform(table, schema, need_target=True)
    except DataError as error:
        problem = Finding(
            severity="fatal",
            code="unreadable" if "columns" in error.facts or "row" in error.facts else "no-answers",
            column=error.facts.get("column"),
            message=error.problem,
            remedy=error.remedy,
        )
        told_of = error.facts.get("columns") == [each.column for each in renamed]  # each by itself, already
        problems = renamed if renamed and told_of else [*renamed, problem]
        return Checked(pl.DataFrame(), [], (*table.findings, *problems), came)
    findings = [*table.findings, *renamed, *told, *found]
    frame, unreadable = without_broken(fitted, frame)
    findings += unreadable
    checked = without_known(Checked(frame, row_ids(frame, schema), (), came), memory)
    lacking = {each.column for each in renamed}
    told_of = (f for f in meaning(fitted, checked.frame, memory) if f.column not in lacking)
    findings += [*checked.findings, *told_of, *examined(fitted, checked.frame)]
    return replace(checked, fields=fields, findings=tuple(forced(findings, settings.force)))


def without_known(checked: Checked, memory: Memory) -> Checked:
    """Rows that the memory holds already are left out, unless such repeats are usual in this table."""
    known = memory.knows(checked.ids) if len(memory) else np.zeros(len(checked.ids), bool)
    repeats = repeated(checked.frame)
    count = int(known.sum())
    if not count or (count < len(known) and count <= BY_CHANCE * repeats * len(known)):
        return checked
    left = pl.Series(~known)
    note = Finding(
        severity="note",
        code="known-rows",
        rows=tuple(int(row) for row in np.flatnonzero(known)[:100]),
        count=count,
        message=f"{count:,} of {len(known):,} rows were learnt before and are left out.",
        remedy="Nothing to do.",
    )
    ids = [each for each, old in zip(checked.ids, known, strict=True) if not old]
    return replace(checked, frame=checked.frame.filter(left), ids=ids, findings=(note,), known=count)


def repeated(frame: pl.DataFrame) -> float:
    """The share of rows that are copies of an earlier one among themselves."""
    flat = frame.select(c for c in frame.columns if not frame[c].dtype.is_nested())
    if not frame.height or not flat.width or flat.width < frame.width:
        return 0.0
    return 1 - flat.hash_rows(seed=0).n_unique() / frame.height


def without_broken(fitted: Fitted, frame: pl.DataFrame) -> tuple[pl.DataFrame, list[Finding]]:
    """Rows whose pictures or recordings cannot be read are set aside."""
    if not any(field.kind in ("image", "audio", "video") for field in fitted.schema.with_role("input")):
        return frame, []
    unreadable = broken(fitted.features.transform(frame), frame, fitted.features)
    if not unreadable:
        return frame, []
    keep = np.ones(frame.height, bool)
    keep[np.unique(np.concatenate(list(unreadable.values())))] = False
    return frame.filter(pl.Series(keep)), broken_findings(unreadable)


def examined(fitted: Fitted, frame: pl.DataFrame) -> list[Finding]:
    """What the doctor says of the new rows; it knows only these, so that nothing it finds is fatal here."""
    if frame.height < 2:
        return []
    found = examine(Case(frame, fitted.schema))
    return [
        msgspec.structs.replace(each, severity="warning" if each.severity == "fatal" else each.severity)
        for each in found
        if each.code not in NOT_HERE
    ]


def forced(findings: Iterable[Finding], force: tuple[str, ...]) -> list[Finding]:
    """Findings that the user wants to be warned of only."""
    return [
        msgspec.structs.replace(each, severity="warning")
        if each.severity == "fatal" and each.code in force
        else each
        for each in findings
    ]
