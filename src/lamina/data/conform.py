"""A raw table brought into the types of a schema: the same code for training and for serving.

    number → Float64 · flag → Boolean · category → String · date → Datetime("us"), UTC
    image, audio, video → a path, an encoded file or pixels; addresses like file:///a.png as paths
    series, vector → List(Float64) · set, labels to predict → List(String)
    latitude, longitude → Float64

Missing cells and cells that cannot be read become null; the second are counted in a finding. Rows
keep their order and number, except that rows without an answer are left out where one is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final, Literal

import msgspec
import numpy as np
import polars as pl

from lamina.catalog import KINDS
from lamina.data.dates import DateForm, parse_date
from lamina.data.flags import FlagForm, parse_flag
from lamina.data.labels import LabelsForm, parse_labels
from lamina.data.lists import ListForm, is_list, parse_numbers, parse_words
from lamina.data.media_cells import MEDIA_KINDS, as_paths, on_the_web
from lamina.data.numbers import NumberForm, parse_number
from lamina.data.parse import MISSING, MISSING_TEXT, by_level, is_missing, to_text
from lamina.data.places import LIMITS
from lamina.data.table import Table
from lamina.errors import ColumnError, TargetError, nearest
from lamina.records import Field, Finding, Schema

SHOWN_ROWS: Final = 100  # a finding names at most so many rows
TOO_MANY: Final = 0.5  # a column with a larger share of unreadable cells is refused


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
        rows=_first_rows(empty),
        count=count,
        message=f"{count:,} of {frame.height:,} rows have no {name!r} {what}.",
        remedy="Fill in the answer to use these rows.",
    )


# ------------------------------------------------------------------------------------ one column


class Lost(msgspec.Struct, frozen=True, kw_only=True):
    """What could not be read in a column: ``count`` of its ``filled`` cells, of ``cells`` in all; the first
    ``rows`` and the first as ``shown``. ``refused``: whether the column is, always, or where most are lost.
    ``web``: the cells are addresses in a network."""

    count: int = 0
    filled: int
    cells: int
    rows: tuple[int, ...] = ()
    shown: str = ""
    refused: Literal["always", "many", "never"] = "never"
    nested: bool = False
    web: bool = False

    def then(self, other: Lost) -> Lost:
        """This and what was lost in the rows that follow."""
        rows = (*self.rows, *(self.cells + row for row in other.rows))[:SHOWN_ROWS]
        told = self if self.count else other
        return Lost(
            count=self.count + other.count, filled=self.filled + other.filled, cells=self.cells + other.cells,
            rows=rows, shown=told.shown, refused=min(self.refused, other.refused) if told.count else "never",
            nested=told.nested, web=told.web,
        )  # fmt: skip


def read_column(raw: pl.Series, field: Field) -> tuple[pl.Series, Lost]:
    """A column in the type of its kind, and what could not be read."""
    cells = _cells(field)
    if cells == "raw":
        return _media(raw, field) if field.kind in MEDIA_KINDS else (raw, _nothing_lost(raw))
    reader, markers = _READERS[cells]
    wanted = is_list(raw.dtype) if cells in _LISTS else not raw.dtype.is_nested()
    if cells != "labels" and ((raw.dtype.is_nested() and not wanted) or raw.dtype in (pl.Binary, pl.Object)):
        return raw, _lost(raw, raw.is_not_null(), raw.is_null(), "always")
    column = reader(raw, field.form)
    if cells != "labels" and column.null_count() == raw.null_count():  # nothing was lost
        return column, _nothing_lost(column)
    missing = is_missing(raw, markers)
    # infinite, or off the Earth: numbers still, if none to compute with
    numbers = cells in ("number", "latitude", "longitude") and raw.dtype.is_numeric()
    refused: Literal["many", "never"] = "never" if cells == "labels" or numbers else "many"
    return column, _lost(raw, column.is_null() & ~missing, missing, refused)


def _lost(
    raw: pl.Series, lost: pl.Series, missing: pl.Series, refused: Literal["always", "many", "never"]
) -> Lost:
    rows = _first_rows(lost)
    return Lost(
        count=int(lost.sum()), filled=len(raw) - int(missing.sum()), cells=len(raw), rows=rows,
        shown=_shown(raw, rows[0]) if rows else "", refused=refused, nested=raw.dtype.is_nested(),
    )  # fmt: skip


def _nothing_lost(column: pl.Series) -> Lost:
    return Lost(filled=len(column) - column.null_count(), cells=len(column))


def _media(raw: pl.Series, field: Field) -> tuple[pl.Series, Lost]:
    """Paths, encoded files or pixels; addresses in a network are refused: nothing is fetched."""
    web = on_the_web(raw)
    if web.any():
        return raw, msgspec.structs.replace(_lost(raw, web, raw.is_null(), "always"), web=True)
    if raw.dtype in (pl.String, pl.Binary, pl.Null) or raw.dtype.is_nested():
        return as_paths(raw), _nothing_lost(raw)
    return as_paths(raw), _lost(raw, raw.is_not_null(), raw.is_null(), "always")  # numbers, say


def _number(raw: pl.Series, form: dict[str, Any]) -> pl.Series:
    """Float64. An infinite number is none that can be computed with: null."""
    numbers = parse_number(raw, msgspec.convert(form, NumberForm))
    infinite = numbers.is_infinite()
    if not infinite.any():
        return numbers
    nothing = pl.Series([None], dtype=pl.Float64)
    return nothing.zip_with(infinite.fill_null(False), numbers).alias(raw.name)


def _latitude(raw: pl.Series, form: dict[str, Any]) -> pl.Series:
    """Float64, degrees north."""
    return _degrees(raw, form, LIMITS[0])


def _longitude(raw: pl.Series, form: dict[str, Any]) -> pl.Series:
    """Float64, degrees east."""
    return _degrees(raw, form, LIMITS[1])


def _degrees(raw: pl.Series, form: dict[str, Any], most: float) -> pl.Series:
    degrees = _number(raw, form)
    nothing = pl.Series([None], dtype=pl.Float64)
    return degrees.zip_with((degrees.abs() <= most).fill_null(True), nothing)


def _numbers(raw: pl.Series, form: dict[str, Any]) -> pl.Series:
    """List(Float64), null inside for what is missing."""
    return parse_numbers(raw, msgspec.convert(form, ListForm))


def _words(raw: pl.Series, form: dict[str, Any]) -> pl.Series:
    """List(String), every word once."""
    return parse_words(raw, msgspec.convert(form, ListForm))


def _flag(raw: pl.Series, form: dict[str, Any]) -> pl.Series:
    """Boolean."""
    return parse_flag(raw, msgspec.convert(form, FlagForm))


def _date(raw: pl.Series, form: dict[str, Any]) -> pl.Series:
    """Datetime("us"), UTC without a zone."""
    return parse_date(raw, msgspec.convert(form, DateForm))


def _category(raw: pl.Series, form: dict[str, Any]) -> pl.Series:
    """String: stripped, missing words as null; levels that are whole numbers lose their ".0"."""
    if raw.dtype == pl.String:
        return by_level(raw, partial(_tidied, whole=form.get("values") == "integer"))
    return _told(to_text(raw)).alias(raw.name)


def _tidied(texts: pl.Series, *, whole: bool) -> pl.Series:
    texts = texts.str.strip_chars()
    return _told(texts.str.replace(r"^([+-]?\d+)\.0+$", "${1}") if whole else texts)


def _told(texts: pl.Series) -> pl.Series:
    """Words that stand for no value as null."""
    missing = is_missing(texts, MISSING_TEXT)
    if not (missing & texts.is_not_null()).any():
        return texts
    nothing = pl.Series([None], dtype=pl.String)
    return nothing.zip_with(missing, texts).alias(texts.name)


def _labels(raw: pl.Series, form: dict[str, Any]) -> pl.Series:
    """List(String)."""
    return parse_labels(raw, msgspec.convert(form, LabelsForm))


_READERS: Final[dict[str, tuple[Callable[[pl.Series, dict[str, Any]], pl.Series], frozenset[str]]]] = {
    "number": (_number, MISSING),
    "flag": (_flag, MISSING),
    "date": (_date, MISSING),
    "category": (_category, MISSING_TEXT),
    "labels": (_labels, MISSING_TEXT),
    "numbers": (_numbers, MISSING),
    "words": (_words, MISSING_TEXT),
    "latitude": (_latitude, MISSING),
    "longitude": (_longitude, MISSING),
}
_LISTS: Final = frozenset({"numbers", "words"})


def _cells(field: Field) -> str:
    """How the cells of a field are brought into one type: as its form says, else as its kind's always are."""
    kind = KINDS.get(field.kind)
    return field.form.get("cells") or (kind.cells if kind is not None else "category")


# -------------------------------------------------------------------------------------- findings


def _first_rows(mask: pl.Series) -> tuple[int, ...]:
    return tuple(np.flatnonzero(mask.to_numpy())[:SHOWN_ROWS].tolist())


def _shown(raw: pl.Series, row: int) -> str:
    text = repr(raw[row])
    return text if len(text) <= 60 else text[:57] + "…"


def finding_of(field: Field, lost: Lost) -> Finding | None:
    """What to say of what was lost: the column holds something else, or cells count as missing."""
    if not lost.count:
        return None
    fatal = lost.refused == "always" or (lost.refused == "many" and lost.count > TOO_MANY * lost.filled)
    if lost.web:
        message, remedy = _of_the_web(field, lost)
    elif fatal:
        message = (
            f"Column {field.name!r} should hold {_wanted(field)}, but {lost.count:,} of its "
            f"{lost.cells:,} cells do not, first in row {lost.rows[0]}: {lost.shown}."
        )
        remedy = _remedy("column", "fit again with", field, lost)
    else:
        cells = "1 cell" if lost.count == 1 else f"{lost.count:,} cells"
        message = (
            f"Column {field.name!r}: {cells} cannot be read as {_wanted(field)} and count as "
            f"missing, first in row {lost.rows[0]}: {lost.shown}."
        )
        remedy = _remedy("cells", "read the column as", field, lost)
    return Finding(
        severity="fatal" if fatal else "warning",
        code="unreadable",
        column=field.name,
        rows=lost.rows,
        count=lost.count,
        message=message,
        remedy=remedy,
    )


def _of_the_web(field: Field, lost: Lost) -> tuple[str, str]:
    return (
        f"Column {field.name!r} names {lost.count:,} files in a network, first in row {lost.rows[0]}: "
        f"{lost.shown}. Lamina fetches nothing from a network.",
        "Bring the files: download them and name their paths, or leave the column out with "
        f"roles={{{field.name!r}: 'ignored'}}.",
    )


def _remedy(what: str, how: str, field: Field, lost: Lost) -> str:
    if lost.nested:
        return f"Correct the {what}, or leave the column out with roles={{{field.name!r}: 'ignored'}}."
    return f"Correct the {what}, or {how} kinds={{{field.name!r}: 'category'}}."


def _wanted(field: Field) -> str:
    """What the column should hold, in words."""
    if field.kind == "place":
        axis, most = ("longitudes", 180) if field.form.get("cells") == "longitude" else ("latitudes", 90)
        return f"{axis} (degrees from -{most} to {most})"
    if field.kind == "vector" and "length" in field.form:
        return f"lists of {field.form['length']:,} numbers"
    if field.kind == "number" or field.form.get("cells") == "number":
        return f"numbers in {field.unit}" if field.unit else "numbers"
    if field.kind == "date":
        return f"dates ({field.form.get('order', 'typed')})"
    if field.kind == "flag":
        return f"{field.form.get('true', 'true')} or {field.form.get('false', 'false')}"
    if field.form.get("cells") == "labels":
        return "lists of labels"
    return KINDS[field.kind].plural if field.kind in KINDS else field.kind


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
