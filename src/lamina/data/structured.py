"""Tables in formats with types: Parquet, Arrow, JSON, NDJSON, Excel."""

from __future__ import annotations

import importlib.util
import io
import json
from pathlib import Path
from typing import Any, Final

import polars as pl

from lamina.data.compression import COMPRESSED, recognise, unpack
from lamina.data.frames import check_names, from_columns, from_records
from lamina.data.table import Table
from lamina.errors import MissingExtraError, SourceError, nearest

# What polars raises for a file that it cannot read; altered ones can make it panic
UNREADABLE: Final = (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError)
# The keys under which a service hands out its list of records.
_WRAPPERS: Final = ("data", "records", "rows", "items", "results")


def read_parquet(source: Path | bytes, name: str) -> Table:
    """Reads a Parquet file. Raises ``SourceError`` where it is cut or altered."""
    try:
        # A glob would read other files for a name with brackets.
        frame = pl.read_parquet(source, glob=False)
    except UNREADABLE as error:
        raise _broken(name, "Parquet", error) from error
    return _table(frame, name, "Parquet")


def read_arrow(source: Path | bytes, name: str) -> Table:
    """Reads an Arrow or Feather file. Raises ``SourceError`` where it is cut or altered."""
    try:
        frame = pl.read_ipc(_plain(source))
    except UNREADABLE as error:
        raise _broken(name, "Arrow", error) from error
    return _table(frame, name, "Arrow")


def read_ndjson(source: Path | bytes, name: str) -> Table:
    """Reads JSON lines, one record each. Raises ``SourceError`` where a line is no record."""
    content = _plain(source)
    try:
        # The types of all lines count: a number may become a text late in the file.
        frame = pl.read_ndjson(content, infer_schema_length=None)
    except UNREADABLE:
        frame = from_records(_lines(content, name), name)
    return _table(frame, name, "JSON lines")


def read_json(source: Path | bytes, name: str) -> Table:
    """Reads JSON: a list of records, an object of columns, or either under ``data``.

    Raises ``SourceError`` where it is no JSON or another shape.
    """
    content = _plain(source)
    raw = content.read_bytes() if isinstance(content, Path) else content
    try:
        value = json.loads(raw)
    except ValueError as error:
        if raw.lstrip()[:1] == b"{" and b"\n{" in raw:
            return read_ndjson(raw, name)
        raise _broken(name, "JSON", error) from error
    return _table(_from_json(value, name), name, "JSON")


def read_excel(source: Path | bytes, name: str, sheet: str | None = None) -> Table:
    """Reads one sheet of a workbook: ``sheet``, else the first.

    Raises ``MissingExtraError`` without fastexcel, ``SourceError`` where it cannot be read.
    """
    if importlib.util.find_spec("fastexcel") is None:
        raise MissingExtraError("Reading Excel files", "excel")
    import fastexcel

    try:
        book = fastexcel.read_excel(source)
    except fastexcel.FastExcelError as error:
        raise _broken(name, "Excel", error) from error
    sheets = list(book.sheet_names)
    if sheet is not None and sheet not in sheets:
        raise SourceError(
            f"{name} has no sheet {sheet!r}.",
            nearest(sheet, sheets),
            source=name,
            sheets=sheets,
        )
    chosen = sheet if sheet is not None else sheets[0]
    loaded = book.load_sheet(chosen, header_row=None)
    frame = _with_header(loaded.to_polars(), name)
    notes = (f"sheet {chosen!r} of {len(sheets)}",) if len(sheets) > 1 else ()
    return _table(frame, name, "Excel", notes)


def _with_header(cells: pl.DataFrame, name: str) -> pl.DataFrame:
    """The first row that is filled becomes the names; the types are found below it."""
    filled = cells.filter(~pl.all_horizontal(pl.all().is_null())) if cells.width else cells
    if filled.height < 2:
        raise _no_rows(name)
    header = [str(cell).strip() if cell is not None else "" for cell in filled.row(0)]
    names = [cell or f"column_{place}" for place, cell in enumerate(header, 1)]
    check_names(names, name)
    columns = [
        _retyped(series.slice(1)).alias(label)
        for label, series in zip(names, filled.get_columns(), strict=True)
    ]
    blank = {n for n, c, h in zip(names, columns, header, strict=True) if not h and _is_blank(c)}
    return pl.DataFrame([column for column in columns if column.name not in blank])


def _is_blank(column: pl.Series) -> bool:
    """Whether no cell is filled."""
    return column.null_count() == len(column)


def _retyped(texts: pl.Series) -> pl.Series:
    """A column that came as text because of its header, as numbers where all cells are."""
    from lamina.data.text_columns import settle

    return settle(texts) if texts.dtype == pl.String else texts


def _plain(source: Path | bytes) -> Path | bytes:
    """The file, or its content where it is compressed."""
    if isinstance(source, bytes):
        return source
    with source.open("rb") as file:
        head = file.read(512)
    return unpack(source) if recognise(head) in COMPRESSED else source


def _lines(content: Path | bytes, name: str) -> list[Any]:
    """The records of JSON lines by Python, which can say where one is broken."""
    raw = content.read_bytes() if isinstance(content, Path) else content
    records = []
    for number, line in enumerate(io.BytesIO(raw), 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except ValueError as error:
            raise _broken(name, "JSON lines", f"line {number}: {error}") from error
        if not isinstance(record, dict):
            raise _broken(name, "JSON lines", f"line {number} is no record like {{...}}")
        records.append(record)
    return records


def _from_json(value: Any, name: str) -> pl.DataFrame:
    """A frame from parsed JSON."""
    if isinstance(value, dict):
        for key in _WRAPPERS:
            if isinstance(value.get(key), list) and value[key] and isinstance(value[key][0], dict):
                return from_records(value[key], name)
        if value and all(isinstance(column, list) for column in value.values()):
            return from_columns(value, name)
        if value and all(isinstance(column, dict) for column in value.values()):
            # How pandas writes a frame: {column: {row: value}}.
            rows = list(dict.fromkeys(row for column in value.values() for row in column))
            return from_columns(
                {key: [column.get(row) for row in rows] for key, column in value.items()}, name
            )
    if isinstance(value, list) and value and all(isinstance(row, dict) for row in value):
        return from_records(value, name)
    if isinstance(value, list) and not value:
        raise _no_rows(name)
    raise SourceError(
        f"{name} is JSON, but no table: it holds {type(value).__name__} values without records.",
        'Write it as [{"a": 1}, …], as {"a": [1, …]} or as {"data": [{"a": 1}, …]}.',
        source=name,
    )


def flatten(frame: pl.DataFrame) -> pl.DataFrame:
    """Structs become columns of their own, named ``a.b``; lists stay."""
    while any(isinstance(kind, pl.Struct) for kind in frame.schema.values()):
        columns: list[pl.Series] = []
        for series in frame.get_columns():
            if isinstance(series.dtype, pl.Struct):
                parts = series.struct.unnest().get_columns()
                columns += [part.alias(f"{series.name}.{part.name}") for part in parts]
            else:
                columns.append(series)
        check_names([column.name for column in columns], "the flattened table")
        frame = pl.DataFrame(columns)
    return frame


def _table(frame: pl.DataFrame, name: str, form: str, notes: tuple[str, ...] = ()) -> Table:
    """A table of the frame, flattened. Raises ``SourceError`` where it has no rows."""
    if frame.height == 0 or frame.width == 0:
        raise _no_rows(name)
    return Table(flatten(frame), name, (form, *notes))


def _no_rows(name: str) -> SourceError:
    """The error for a table without rows."""
    return SourceError(f"{name} has no rows.", "Give a file that has rows.", source=name)


def _broken(name: str, form: str, error: object) -> SourceError:
    """The error for a file that its format's reader refuses."""
    reason = str(error).strip().split("\n")[0]
    return SourceError(
        f"{name} cannot be read as {form}: {reason}.",
        "Write or copy the file again; it is cut, altered or in another format.",
        source=name,
    )
