"""A raw table brought into the types of a schema: the same code for training and for serving.

    number → Float64 · flag → Boolean · category → String · date → Datetime("us"), UTC
    image, audio, video → a path, an encoded file or pixels; addresses like file:///a.png as paths
    series, vector → List(Float64) · set, labels to predict → List(String)
    latitude, longitude → Float64

Missing cells and cells that cannot be read become null; the second are counted in a finding. Rows
keep their order and number, except that rows without an answer are left out where one is needed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import polars as pl

from lamina.data.cells import read_column
from lamina.data.lost import Lost, finding_of, first_rows
from lamina.data.table import Table
from lamina.errors import ColumnError, TargetError, nearest
from lamina.records import Field, Finding, Schema


def conform(table: Table, schema: Schema, *, need_target: bool) -> tuple[pl.DataFrame, tuple[Finding, ...]]:
    """The columns that the schema uses, in its order and types, and what was found on the way.

    ``need_target``: training and evaluation need the answer, and leave out rows without one; to
    predict, the target is kept where the table has it, may be absent, and what it holds is not remarked on.

    Raises ``ColumnError`` for input columns that are not there and for columns that hold
    something else than they should; ``TargetError`` for an answer that is needed and not there.
    """
    found = Conforming(table, schema, need_target=need_target)
    columns = [column for _, column in found]
    frame = pl.DataFrame(columns) if columns else pl.DataFrame(height=len(table))
    if not need_target:
        return frame, tuple(found.findings)
    frame, unanswered = without_unanswered(frame, schema)
    return frame, (*found.findings, *unanswered)


class Conforming:
    """The columns of a table in the types of a schema, one after the other: so a large table never lies in
    memory whole. ``findings`` are complete once the last one was given."""

    def __init__(self, table: Table, schema: Schema, *, need_target: bool) -> None:
        _check_present(table, schema, need_target)
        self.table, self.need_target = table, need_target
        have = set(table.columns)
        self.fields = [f for f in schema if f.role != "ignored" and f.name in have]
        self.findings = list(_extra_columns(table, schema))

    def __iter__(self) -> Iterator[tuple[Field, pl.Series]]:
        """Raises ``ColumnError`` after the last column for all that hold something else."""
        seen = dict[str, Lost]()
        for field in self.fields:
            column, seen[field.name] = read_column(self.table.column(field.name), field)
            yield field, column
            del column
        self.findings += _judged(self.fields, seen, self.need_target)


def conform_part(frame: pl.DataFrame, schema: Schema) -> pl.DataFrame:
    """Some rows of a table that as a whole was found to conform: what cannot be read is null."""
    return pl.DataFrame([read_column(frame[field.name], field)[0] for field in _used(frame.columns, schema)])


class InParts:
    """A table that is conformed some rows after the others, to be answered, and judged at the end as one.

    ``seen`` is what each column lost so far; kept somewhere, it lets another process go on.
    """

    def __init__(self, table: Table, schema: Schema, seen: Mapping[str, Lost] | None = None) -> None:
        _check_present(table, schema, need_target=False)
        self.table, self.schema = table, schema
        self.seen = dict(seen or {})

    def part(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The next rows: what cannot be read is null, and counted."""
        columns = []
        for field in _used(frame.columns, self.schema):
            column, lost = read_column(frame[field.name], field)
            columns.append(column)
            before = self.seen.get(field.name)
            self.seen[field.name] = lost if before is None else before.then(lost)
        return pl.DataFrame(columns)

    def findings(self) -> tuple[Finding, ...]:
        """Of all rows. Raises ``ColumnError`` for columns that hold something else than they should."""
        fields = _used(self.table.columns, self.schema)
        judged = _judged([each for each in fields if each.name in self.seen], self.seen, need_target=False)
        return (*_extra_columns(self.table, self.schema), *judged)


def _used(columns: Sequence[str], schema: Schema) -> list[Field]:
    have = set(columns)
    return [field for field in schema if field.role != "ignored" and field.name in have]


def _judged(fields: Sequence[Field], seen: Mapping[str, Lost], need_target: bool) -> list[Finding]:
    """What to say of the columns. Raises ``ColumnError`` for those that hold something else."""
    said, problems = [], []
    for field in fields:
        finding = finding_of(field, seen[field.name])
        if finding is None:
            continue
        if finding.severity != "fatal" and (field.role != "target" or need_target):
            said.append(finding)
        elif finding.severity == "fatal" and (field.role == "input" or need_target):
            problems.append(finding)
    _raise_unreadable(problems)
    return said


# ------------------------------------------------------------------------------ columns and rows


def _check_present(table: Table, schema: Schema, need_target: bool) -> None:
    """All missing columns in one message; the target's absence has its own error."""
    have, present = table.columns, set(table.columns)
    for target in schema.with_role("target"):
        if need_target and target.name not in have:
            raise TargetError(
                f"The column to predict, {target.name!r}, is not in {table.source}.",
                f"{nearest(target.name, have)} Without answers there is nothing to compare with.",
                column=target.name,
            )
    needed = [field.name for field in schema.with_role("input")]
    missing = [name for name in needed if name not in present]
    if missing:
        listed = ", ".join(repr(name) for name in missing)
        raise ColumnError(
            f"{table.source} lacks {len(missing)} of the {len(needed)} columns that the model "
            f"reads: {listed}.",
            f"{nearest(missing[0], have)} Add the column (empty cells count as missing) or "
            "rename the one that holds it.",
            columns=missing,
        )


def _extra_columns(table: Table, schema: Schema) -> list[Finding]:
    """A note on columns that the schema does not know."""
    known = {field.name for field in schema}
    extra = [name for name in table.columns if name not in known]
    if not extra:
        return []
    listed = ", ".join(repr(name) for name in extra[:12])
    more = f" and {len(extra) - 12} more" if len(extra) > 12 else ""
    return [
        Finding(
            severity="note",
            code="extra-columns",
            message=f"Columns that the model has never seen were left out: {listed}{more}.",
            remedy="Nothing to do, unless they matter: then fit again with them.",
            count=len(extra),
        )
    ]


def without_unanswered(frame: pl.DataFrame, schema: Schema) -> tuple[pl.DataFrame, list[Finding]]:
    """Only the rows that have an answer, of several targets at least one, and how many had none."""
    kept, findings = answered_rows(frame, schema)
    return (frame if kept is None else frame.filter(kept)), findings


def answered_rows(frame: pl.DataFrame, schema: Schema) -> tuple[pl.Series | None, list[Finding]]:
    """Which rows have an answer, Boolean; None where all have."""
    targets = schema.with_role("target")
    if not targets:
        return None, []
    findings, unanswered = [], pl.Series([True]).new_from_index(0, frame.height)
    for target in targets:
        empty = frame[target.name].is_null()
        unanswered &= empty
        if empty.any():
            findings.append(_missing_answers(frame, target.name, empty, alone=len(targets) == 1))
    if unanswered.all():
        listed = " and ".join(repr(target.name) for target in targets)
        has = "target {} has" if len(targets) == 1 else "targets {} have"
        raise TargetError(
            f"The {has.format(listed)} no value in any of the {frame.height:,} rows.",
            "Fill it for the rows to learn from, or name another column.",
            column=targets[0].name,
        )
    return (~unanswered if unanswered.any() else None), findings


def _missing_answers(frame: pl.DataFrame, name: str, empty: pl.Series, alone: bool) -> Finding:
    """How many rows have no answer of this target."""
    count = int(empty.sum())
    what = "and were left out" if alone else "and count for the other targets only"
    return Finding(
        severity="note",
        code="target-missing",
        column=name,
        rows=first_rows(empty),
        count=count,
        message=f"{count:,} of {frame.height:,} rows have no {name!r} {what}.",
        remedy="Fill in the answer to use these rows.",
    )


def _raise_unreadable(problems: list[Finding]) -> None:
    """All refused columns of one table, in one error."""
    if not problems:
        return
    raise ColumnError(
        " ".join(problem.message for problem in problems),
        problems[0].remedy,
        column=problems[0].column,
        row=problems[0].rows[0],
        columns=[problem.column for problem in problems],
    )
