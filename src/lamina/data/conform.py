"""A raw table brought into the types of a schema: the same code for training and for serving.

    number → Float64 · flag → Boolean · category → String · date → Datetime("us"), UTC
    image, audio, video → a path, an encoded file or pixels; addresses like file:///a.png as paths
    series, vector → List(Float64) · set, labels to predict → List(String)
    latitude, longitude → Float64

Missing cells and cells that cannot be read become null; the second are counted in a finding. Rows
keep their order and number, except that rows without an answer are left out where one is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

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
from lamina.data.parse import MISSING, MISSING_TEXT, is_missing, to_text
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
        problems = []
        for field in self.fields:
            column, finding = _conform_column(self.table.column(field.name), field)
            fatal = finding is not None and finding.severity == "fatal"
            if fatal and (field.role == "input" or self.need_target):
                problems.append(finding)
            elif finding is not None and not fatal and (field.role != "target" or self.need_target):
                self.findings.append(finding)
            yield field, column
            del column
        _raise_unreadable([each for each in problems if each is not None])


def conform_part(frame: pl.DataFrame, schema: Schema) -> pl.DataFrame:
    """Some rows of a table that as a whole was found to conform: what cannot be read is null."""
    have = set(frame.columns)
    used = [field for field in schema if field.role != "ignored" and field.name in have]
    return pl.DataFrame([_conform_column(frame[field.name], field)[0] for field in used])


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


def _conform_column(raw: pl.Series, field: Field) -> tuple[pl.Series, Finding | None]:
    """A column in the type of its kind, and a finding for cells that could not be read."""
    cells = _cells(field)
    if cells == "raw":
        return _media(raw, field) if field.kind in MEDIA_KINDS else (raw, None)
    reader, markers = _READERS[cells]
    if cells == "labels":
        column = reader(raw, field.form)
        lost = column.is_null() & ~is_missing(raw, markers)
        return column, _unreadable(raw, field, lost) if lost.any() else None
    wanted = is_list(raw.dtype) if cells in _LISTS else not raw.dtype.is_nested()
    if (raw.dtype.is_nested() and not wanted) or raw.dtype in (pl.Binary, pl.Object):
        return raw, _refusal(raw, field, raw.is_not_null())
    column = reader(raw, field.form)
    if column.null_count() == raw.null_count():  # nothing was lost, so nothing to explain
        return column, None
    lost = column.is_null() & ~is_missing(raw, markers)
    count = int(lost.sum())
    if count == 0:
        return column, None
    filled = len(raw) - int(is_missing(raw, markers).sum())
    # infinite, or off the Earth: numbers still, if none to compute with
    numbers = cells in ("number", "latitude", "longitude") and raw.dtype.is_numeric()
    if count > TOO_MANY * filled and not numbers:
        return column, _refusal(raw, field, lost)
    return column, _unreadable(raw, field, lost)


def _media(raw: pl.Series, field: Field) -> tuple[pl.Series, Finding | None]:
    """Paths, encoded files or pixels; addresses in a network are refused: nothing is fetched."""
    web = on_the_web(raw)
    if not web.any():
        return as_paths(raw), _wrong_type(raw, field)
    rows, count = _first_rows(web), int(web.sum())
    return raw, Finding(
        severity="fatal",
        code="unreadable",
        column=field.name,
        rows=rows,
        count=count,
        message=f"Column {field.name!r} names {count:,} files in a network, first in row {rows[0]}: "
        f"{_shown(raw, rows[0])}. Lamina fetches nothing from a network.",
        remedy="Bring the files: download them and name their paths, or leave the column out with "
        f"roles={{{field.name!r}: 'ignored'}}.",
    )


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
    texts = to_text(raw)
    if raw.dtype == pl.String:
        texts = texts.str.strip_chars()
    if raw.dtype == pl.String and form.get("values") == "integer":
        texts = texts.str.replace(r"^([+-]?\d+)\.0+$", "${1}")
    missing = is_missing(texts, MISSING_TEXT)
    if not (missing & texts.is_not_null()).any():
        return texts.alias(raw.name)
    nothing = pl.Series([None], dtype=pl.String)
    return nothing.zip_with(missing, texts).alias(raw.name)


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


def _unreadable(raw: pl.Series, field: Field, lost: pl.Series) -> Finding:
    """Some cells are not of the column's kind and count as missing."""
    rows, count = _first_rows(lost), int(lost.sum())
    cells = "1 cell" if count == 1 else f"{count:,} cells"
    return Finding(
        severity="warning",
        code="unreadable",
        column=field.name,
        rows=rows,
        count=count,
        message=f"Column {field.name!r}: {cells} cannot be read as {_wanted(field)} and count as "
        f"missing, first in row {rows[0]}: {_shown(raw, rows[0])}.",
        remedy=_remedy("cells", "read the column as", raw, field),
    )


def _refusal(raw: pl.Series, field: Field, lost: pl.Series) -> Finding | None:
    """Most of the column is not of its kind: it holds something else now."""
    count = int(lost.sum())
    if count == 0:
        return None
    rows = _first_rows(lost)
    return Finding(
        severity="fatal",
        code="unreadable",
        column=field.name,
        rows=rows,
        count=count,
        message=f"Column {field.name!r} should hold {_wanted(field)}, but {count:,} of its "
        f"{len(raw):,} cells do not, first in row {rows[0]}: {_shown(raw, rows[0])}.",
        remedy=_remedy("column", "fit again with", raw, field),
    )


def _remedy(what: str, how: str, raw: pl.Series, field: Field) -> str:
    if raw.dtype.is_nested():
        return f"Correct the {what}, or leave the column out with roles={{{field.name!r}: 'ignored'}}."
    return f"Correct the {what}, or {how} kinds={{{field.name!r}: 'category'}}."


def _wrong_type(raw: pl.Series, field: Field) -> Finding | None:
    """A column of media that holds numbers, say."""
    if raw.dtype in (pl.String, pl.Binary, pl.Null) or raw.dtype.is_nested():
        return None
    return _refusal(raw, field, raw.is_not_null())


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
