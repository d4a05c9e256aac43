"""Answers in the form that was asked for."""

from __future__ import annotations

import io
import secrets
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
import polars as pl
from starlette.responses import Response

from lamina.data.write import flat
from lamina.serve.asking import Asking
from lamina.serve.bodies import JSON

_WRITERS: Final[dict[str, Callable[[pl.DataFrame], bytes]]] = {
    "text/csv": lambda frame: flat(frame).write_csv().encode(),
    "application/vnd.apache.parquet": lambda frame: _bytes_of(frame.write_parquet),
    "application/vnd.apache.arrow.file": lambda frame: _bytes_of(frame.write_ipc),
}


def json(content: bytes, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A response that is JSON already."""
    return Response(content, status, headers, media_type=JSON)


def told(record: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A record as JSON."""
    return json(msgspec.json.encode(record), status, headers)


def table(
    asking: Asking,
    rows: Callable[[], list[dict[str, Any]]],
    frame: Callable[[], pl.DataFrame],
    *,
    ids: Sequence[str] | None = None,
    version: str | None = None,
    warnings: Sequence[str] = (),
) -> Response:
    """One answer for each row: as the table that ``Accept`` names, else as JSON with what goes with it."""
    version = version or asking.served.version
    mark = secrets.token_hex(8)
    headers = {"X-Request-Id": mark, "X-Model-Version": version}
    wanted = asking.headers.get(b"accept", "").partition(",")[0].partition(";")[0].strip().lower()
    if wanted in _WRITERS:
        made = frame()
        if ids is not None and "id" not in made.columns:
            made = made.insert_column(0, pl.Series("id", ids, dtype=pl.String))
        return Response(_WRITERS[wanted](made), headers=headers, media_type=wanted)
    answers = rows()
    if ids is not None:
        answers = [{"id": own, **row} for own, row in zip(ids, answers, strict=True)]
    document = {
        "id": mark,
        "model": asking.served.name,
        "version": version,
        "answers": answers,
        "warnings": warnings,
    }
    return told(document, headers=headers)


def _bytes_of(write: Callable[[Any], Any]) -> bytes:
    buffer = io.BytesIO()
    write(buffer)
    return buffer.getvalue()
