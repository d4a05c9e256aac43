"""The rows that a request brings, as JSON, lines of JSON, CSV, Parquet, Arrow or a form.

Media come as bytes: in a form as files, in JSON in base64, in Parquet and Arrow as binary columns. A path is
never followed: what lies on the server's disk is nobody's business.
"""

from __future__ import annotations

import base64
import binascii
import io
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
import polars as pl

from lamina.data.compression import COMPRESSED, recognise
from lamina.data.frames import from_records
from lamina.data.media_cells import MEDIA_KINDS
from lamina.data.read import read_bytes
from lamina.data.structured import UNREADABLE
from lamina.records import Field, Schema
from lamina.serve.limits import Limits, check_media, check_rows
from lamina.serve.problems import Problem

Row = Mapping[str, Any]

# Content types of whole tables → the ending by which the reader knows them
TABLES: Final = {
    "text/csv": ".csv",
    "text/tab-separated-values": ".tsv",
    "application/x-ndjson": ".ndjson",
    "application/jsonl": ".ndjson",
    "application/vnd.apache.parquet": ".parquet",
    "application/x-parquet": ".parquet",
    "application/vnd.apache.arrow.file": ".arrow",
    "application/vnd.apache.arrow.stream": ".arrows",
}
JSON: Final = "application/json"
FORM: Final = "multipart/form-data"
PACKED: Final = frozenset({*COMPRESSED, "zip"})
_WRAPPER: Final = "rows"
_DATA: Final = "data:"


def rows_of_json(content: bytes, limits: Limits) -> tuple[list[Row], dict[str, Any]]:
    """``{"rows": [{…}, …]}``, a list of rows, or one row alone, and what stands beside ``rows``.

    Raises Problem for anything else."""
    found = decoded(content, 'Send {"rows": [{"column": value, …}]}.')
    rows, beside = found, dict[str, Any]()
    if isinstance(found, dict):
        wrapped = isinstance(found.get(_WRAPPER), list)
        rows, beside = (found.pop(_WRAPPER), found) if wrapped else ([found], beside)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise Problem(
            422,
            "The body holds something else than rows.",
            'Send {"rows": [{"column": value, …}]}, with an object for every row.',
            field=_WRAPPER,
        )
    check_rows(len(rows), limits)
    return rows, beside


def decoded(content: bytes, remedy: str, kind: Any = Any) -> Any:
    """JSON from outside, of any kind or one. Raises Problem 400 for anything else."""
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Problem(400, f"The body is no such JSON: {error}.", remedy) from error
    except RecursionError as error:
        raise Problem(400, "The body is nested too deeply.", remedy) from error


def frame_of_table(content: bytes, kind: str, limits: Limits) -> pl.DataFrame:
    """The table in a body of one of ``TABLES``. Raises Problem or DataError where it cannot be read.

    What is packed could unfold to anything: packed bodies are refused, and Parquet's rows are counted before
    they are read.
    """
    form = recognise(content[:1024])
    if form in PACKED or form == "excel":
        raise Problem(415, f"The body is packed ({form}).", "Send it as it is.")
    if form == "parquet":
        check_rows(_rows_of_parquet(content), limits)
    if TABLES[kind] == ".arrows":
        frame = _arrow_stream(content)
    else:
        frame = read_bytes(content, f"the body{TABLES[kind]}").frame
    check_rows(frame.height, limits)
    return frame


def _arrow_stream(content: bytes) -> pl.DataFrame:
    try:
        return pl.read_ipc_stream(content)
    except UNREADABLE as error:
        raise Problem(400, f"The body is no Arrow stream: {error}.", "Write it again.") from error


def _rows_of_parquet(content: bytes) -> int:
    try:
        return int(pl.scan_parquet(io.BytesIO(content)).select(pl.len()).collect().item())
    except UNREADABLE as error:
        raise Problem(400, f"The body is no Parquet file: {error}.", "Write the file again.") from error


def frame_of_rows(rows: Sequence[Row], schema: Schema, limits: Limits) -> pl.DataFrame:
    """Rows of JSON as a frame with the columns of the schema; files in base64 as bytes."""
    media = {field.name: field for field in schema if field.kind in MEDIA_KINDS}
    if media:
        rows = [_with_bytes(row, media) for row in rows]
    frame = from_records(rows, "the body")
    return checked(frame, schema, limits)


def checked(frame: pl.DataFrame, schema: Schema, limits: Limits) -> pl.DataFrame:
    """The frame, if its media are bytes within the limits. Raises Problem where they are not."""
    for field in schema:
        if field.kind not in MEDIA_KINDS or field.role != "input" or field.name not in frame.columns:
            continue
        cells = frame[field.name].drop_nulls()
        if len(cells) and cells.dtype != pl.Binary:
            raise Problem(
                422,
                f"The column {field.name!r} holds {field.kind}, and it came as {cells.dtype}.",
                "Send the files themselves: in a form, in base64, or as binary cells; no paths.",
                field=field.name,
            )
        for cell in cells:
            check_media(cell, field.kind, field.name, limits)
    return frame


def _with_bytes(row: Row, media: Mapping[str, Field]) -> Row:
    return {name: _decoded(value, name) if name in media else value for name, value in row.items()}


def _decoded(value: Any, name: str) -> bytes | None:
    """A file in base64, with or without the beginning of a data: address."""
    if isinstance(value, bytes):
        return value
    if value is None or value == "":
        return None
    text = value.partition(",")[2] if isinstance(value, str) and value.startswith(_DATA) else value
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError, TypeError) as error:
        raise Problem(
            422,
            f"{name!r} is to hold a file in base64, and does not ({error}).",
            "Encode the file, or send a form with the file in it.",
            field=name,
        ) from error


def rows_of_form(cells: Sequence[tuple[str, str | bytes]], limits: Limits) -> list[dict[str, Any]]:
    """The parts of a form: the k-th part of a name belongs to row k."""
    rows: list[dict[str, Any]] = []
    seen: dict[str, int] = {}
    for name, value in cells:
        row = seen.get(name, 0)
        seen[name] = row + 1
        if row == len(rows):
            rows.append({})
        rows[row][name] = value
    check_rows(len(rows), limits)
    short = [name for name, count in seen.items() if count != len(rows)]
    if short:
        raise Problem(
            422,
            f"The form holds {len(rows)} rows, and {short[0]!r} only {seen[short[0]]} times.",
            "Send every column once for each row.",
            field=short[0],
        )
    return rows
