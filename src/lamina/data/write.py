"""Answers as a file: the format by its ending, written whole or not at all."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

import polars as pl
from polars.io.plugins import register_io_source

from lamina.errors import MissingExtraError, UsageError
from lamina.files import written_whole

IN_PARTS = (
    ".parquet",
    ".arrow",
    ".feather",
    ".csv",
    ".tsv",
    ".ndjson",
    ".jsonl",
)  # formats that can be written as rows come
ENDINGS = (".csv", ".tsv", ".parquet", ".ndjson", ".jsonl", ".json", ".arrow", ".feather", ".xlsx")


def write(frame: pl.DataFrame, path: str | Path | None, *, json: bool = False) -> None:
    """Writes ``frame`` to ``path``; without one to standard output, as CSV or as JSON.

    Raises UsageError for an ending that is no known format, OutputError where nothing can be written.
    """
    if path is None:
        sys.stdout.write(_without_bytes(frame).write_json() + "\n" if json else flat(frame).write_csv())
        return
    ending = ending_of(path)
    with written_whole(path) as waiting:
        _write(frame, waiting, ending)


def write_parts(parts: Iterable[pl.DataFrame], path: str | Path) -> int:
    """Writes frames with the same columns one under the other, as they come, whole or not at all; the rows.

    The ending must be one of ``IN_PARTS``. Raises OutputError where nothing can be written.
    """
    ending = ending_of(path)
    with written_whole(path) as waiting:
        if ending in (".parquet", ".arrow", ".feather"):
            return _write_typed(parts, waiting, ending)
        rows = 0
        with waiting.open("wb") as file:
            for part in parts:
                if ending in (".csv", ".tsv"):
                    separator = "\t" if ending == ".tsv" else ","
                    flat(part).write_csv(file, separator=separator, include_header=rows == 0)
                else:
                    _without_bytes(part).write_ndjson(file)
                rows += part.height
    return rows


def _write_typed(parts: Iterable[pl.DataFrame], path: Path, ending: str) -> int:
    """Parquet or Arrow as the parts come: polars asks for the next one when it has written the last."""
    waiting, rows = iter(parts), 0
    first = next(waiting)

    def source(*_: object) -> Iterator[pl.DataFrame]:
        nonlocal rows
        for part in chain([first], waiting):
            rows += part.height
            yield part

    lazy = register_io_source(source, schema=first.schema)
    (lazy.sink_parquet if ending == ".parquet" else lazy.sink_ipc)(path, maintain_order=True)
    return rows


def ending_of(path: str | Path) -> str:
    """The ending that names the format. Raises UsageError for one that names none."""
    ending = Path(path).suffix.lower()
    if ending not in ENDINGS:
        raise UsageError(
            f"{Path(path).name!r} has no ending that names a format to write.",
            f"Use one of {', '.join(ENDINGS)}.",
            path=str(path),
        )
    return ending


def _write(frame: pl.DataFrame, path: Path, ending: str) -> None:
    if ending == ".parquet":
        frame.write_parquet(path)
    elif ending in (".csv", ".tsv"):
        flat(frame).write_csv(path, separator="\t" if ending == ".tsv" else ",")
    elif ending in (".ndjson", ".jsonl"):
        _without_bytes(frame).write_ndjson(path)
    elif ending == ".json":
        _without_bytes(frame).write_json(path)
    elif ending == ".xlsx":
        try:
            flat(frame).write_excel(path)
        except ImportError as error:
            raise MissingExtraError("Writing Excel files", "excel") from error
    else:
        frame.write_ipc(path)


def flat(frame: pl.DataFrame) -> pl.DataFrame:
    """What a text format can hold: lists with ";" between, an empty one as "[]"; bytes as base64."""
    lists = [pl.col(name) for name, dtype in frame.schema.items() if isinstance(dtype, pl.List)]
    words = [each.cast(pl.List(pl.String)).list.join(";") for each in lists]
    joined = [
        pl.when(each.list.len() == 0).then(pl.lit("[]")).otherwise(text)
        for each, text in zip(lists, words, strict=True)
    ]
    return _without_bytes(frame).with_columns(
        text.alias(each.meta.output_name()) for text, each in zip(joined, lists, strict=True)
    )


def _without_bytes(frame: pl.DataFrame) -> pl.DataFrame:
    """Encoded pictures as base64."""
    return frame.with_columns(pl.col(pl.Binary).bin.encode("base64"))
