"""The rows of a database as Parquet files: read once, in one snapshot, for work that may be interrupted."""

from __future__ import annotations

from pathlib import Path

import msgspec
import polars as pl

from lamina.data.large import LargeTable
from lamina.data.sql.address import Address
from lamina.data.sql.database import open_database
from lamina.errors import SourceError
from lamina.files import written_whole
from lamina.progress import Bar


def staged(address: Address, query: str | None, folder: Path) -> LargeTable:
    """The table of an address, or what a query gives, from files in ``folder``: those of an earlier run that
    read it to the end, else read now.

    Raises SourceError where the database cannot be read or gives no rows."""
    whole = folder / "rows.json"
    if not whole.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        counts = _read(address, query, folder)
        with written_whole(whole) as waiting:
            waiting.write_bytes(msgspec.json.encode(counts))
    counts = msgspec.json.decode(whole.read_bytes(), type=list[int])
    if not counts:
        raise SourceError(f"{address.shown} gives no rows.", "Name a table or a query that has rows.")
    paths = [_part(folder, number) for number in range(len(counts))]
    source = f"{address.shown}#{address.table or 'query'}"
    return LargeTable(paths, source, counts, pl.scan_parquet(paths[0]).collect_schema())


def _read(address: Address, query: str | None, folder: Path) -> list[int]:
    counts = []
    with Bar("reading the database", 1) as bar:
        for number, part in enumerate(open_database(address).read(query)):
            part.write_parquet(_part(folder, number), compression="lz4")
            counts.append(part.height)
            bar.say(f"{sum(counts):,} rows")
    return counts


def _part(folder: Path, number: int) -> Path:
    return folder / f"rows-{number:06d}.parquet"
