"""A name for every row that depends on nothing but what is in it: the same on every machine and version."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np
import polars as pl

from lamina.data.media_cells import MEDIA_KINDS
from lamina.features.media import content
from lamina.records import Schema

DIGEST = 12  # bytes: of 2^40 rows two share a name with a chance of 1 in 100,000
LARGEST_FILE = 64 * 2**20  # bytes; a larger one is known by its path


def row_ids(frame: pl.DataFrame, schema: Schema) -> list[str]:
    """The hash of every row of a conformed frame, 24 hex digits.

    Rows that are equal in every column share a hash, except that they are counted: the second such row of a
    frame has another one than the first, so that a file with honest repeats is not taken for known rows.
    """
    names = [field.name for field in schema if field.name in frame.columns and field.role != "ignored"]
    media = {field.name for field in schema if field.kind in MEDIA_KINDS}
    columns = [list(_cells(frame[name], name in media)) for name in sorted(names)]
    seen: Counter[bytes] = Counter()
    ids = []
    for cells in zip(*columns, strict=True) if columns else iter(()):
        digest = hashlib.blake2b(digest_size=DIGEST)
        for cell in cells:
            digest.update(len(cell).to_bytes(8, "little"))
            digest.update(cell)
        first = digest.digest()
        seen[first] += 1
        if seen[first] > 1:
            digest.update(seen[first].to_bytes(8, "little"))
        ids.append(digest.hexdigest())
    return ids


def _cells(cells: pl.Series, media: bool) -> Iterator[bytes]:
    """Every cell as bytes: a type mark and what it holds."""
    if isinstance(cells.dtype, pl.Array):
        values = cells.to_numpy()
        for row, missing in zip(values, cells.is_null(), strict=True):
            yield b"" if missing else b"a" + np.ascontiguousarray(row).tobytes()
        return
    for cell in cells.to_list():
        yield _one(cell, media)


def _one(cell: Any, media: bool) -> bytes:
    if cell is None:
        return b""
    if media and isinstance(cell, str):  # the same picture has the same name wherever the file lies
        file = content(cell, LARGEST_FILE)
        return b"p" + cell.encode() if file is None else b"b" + file
    if isinstance(cell, bytes):
        return b"b" + cell
    if isinstance(cell, str):
        return b"s" + cell.encode()
    return b"j" + msgspec.json.encode(cell)
