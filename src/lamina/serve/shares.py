"""A share of all rows, always the same ones: by a hash of a row's key."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
import polars as pl

WHOLE: Final = 2**64


def place_of(key: str, purpose: str) -> float:
    """Where a key stands between 0 and 1: evenly spread, the same in every process, for every ``purpose``
    independent of the others."""
    digest = hashlib.blake2b(key.encode(), digest_size=8, person=purpose.encode()[:16]).digest()
    return int.from_bytes(digest, "big") / WHOLE


def keys_of(rows: pl.DataFrame | Sequence[Mapping[str, Any]], column: str | None) -> list[str]:
    """A key for each row: its cell in the column, where that is named and there, else all of its cells."""
    dicts = rows.to_dicts() if isinstance(rows, pl.DataFrame) else rows
    return [_key(row, column) for row in dicts]


def _key(row: Mapping[str, Any], column: str | None) -> str:
    own = None if column is None else row.get(column)
    if own is not None:
        return str(own)
    return msgspec.json.encode(row, enc_hook=str, order="sorted").decode()
