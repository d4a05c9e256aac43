"""Names of data by what is in it: of a whole table, and of rows and ids as the log keeps them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import polars as pl

from lamina.data.media_cells import MEDIA_KINDS
from lamina.data.table import Table
from lamina.records import Schema

ROW: Final = 12  # bytes of a row's hash
KEY: Final = 8  # bytes of the hash of a row's id
NO_KEY: Final = b"\0" * KEY


def table_hash(table: Table, schema: Schema | None = None) -> str:
    """SHA-256 of a table as read, in hex: the same for the same columns, types and cells in the same order,
    from whatever file they came. Pictures and recordings, which ``schema`` tells, count by what is in their
    files: other ones under the same names are other data."""
    media = {field.name for field in schema or () if field.kind in MEDIA_KINDS}
    digest = hashlib.sha256()
    for column in map(table.column, table.columns):
        digest.update(f"\0{column.name}\0".encode())
        if column.name in media and column.dtype == pl.String:
            column = pl.Series(column.name, [_file_hash(each) for each in column], dtype=pl.String)
        _add(digest, column)
    return digest.hexdigest()


def _file_hash(path: str | None) -> str | None:
    """The hash of a file; of one that cannot be read its name."""
    if path is None:
        return None
    try:
        with open(path.removeprefix("file://"), "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return path


def _add(digest: Any, column: pl.Series) -> None:
    """Type, length, missing cells and cells of one column."""
    dtype = column.dtype
    digest.update(f"{dtype.base_type().__name__}\0{len(column)}\0".encode())
    digest.update(np.packbits(column.is_null().to_numpy()).tobytes())
    if isinstance(dtype, pl.List | pl.Array):
        lengths = column.list.len() if isinstance(dtype, pl.List) else column.arr.len()
        digest.update(lengths.fill_null(0).to_numpy().tobytes())
        _add(digest, column.drop_nulls().explode())
    elif isinstance(dtype, pl.Struct):
        for field in column.struct.fields:
            digest.update(f"\0{field}\0".encode())
            _add(digest, column.struct.field(field))
    elif dtype in (pl.String, pl.Binary, pl.Object) or not dtype.is_numeric() or "128" in str(dtype):
        _add_cells(digest, column)
    else:
        digest.update(np.ascontiguousarray(column.fill_null(0).to_numpy()).tobytes())


def _add_cells(digest: Any, column: pl.Series) -> None:
    """Cells as bytes, each after its length."""
    if column.dtype.is_temporal() or column.dtype == pl.Boolean:
        column = column.to_physical().cast(pl.Int64)
        digest.update(column.fill_null(0).to_numpy().tobytes())
        return
    cells = column.drop_nulls().to_list()
    raw = [each if isinstance(each, bytes) else str(each).encode() for each in cells]
    digest.update(np.array([len(each) for each in raw], np.int64).tobytes())
    digest.update(b"".join(raw))


class Hashes(NamedTuple):
    """Rows that an event learnt: the hash of each, and the hash of its id; bytes arrays ``(rows,)``."""

    rows: np.ndarray
    keys: np.ndarray

    @classmethod
    def of(cls, rows: Sequence[str], ids: Iterable[Any] | None, salt: str) -> Hashes:
        """Hashes of rows as hex, and what the user calls them; ``salt`` is the store's own, so that ids of a
        small range cannot be found out from another store's log."""
        content = np.frombuffer(bytes.fromhex("".join(rows)), f"S{ROW}")
        keys = [NO_KEY] * len(rows) if ids is None else [key_hash(each, salt) for each in ids]
        return cls(content, np.array(keys, f"S{KEY}"))

    @classmethod
    def unpacked(cls, packed: bytes) -> Hashes:
        """What ``packed`` gave."""
        both = np.frombuffer(packed, np.dtype([("row", f"S{ROW}"), ("key", f"S{KEY}")]))
        return cls(both["row"].copy(), both["key"].copy())

    def packed(self) -> bytes:
        """Twenty bytes a row."""
        both = np.zeros(len(self.rows), np.dtype([("row", f"S{ROW}"), ("key", f"S{KEY}")]))
        both["row"], both["key"] = self.rows, self.keys
        return both.tobytes()

    def joined(self, other: Hashes) -> Hashes:
        return Hashes(np.concatenate([self.rows, other.rows]), np.concatenate([self.keys, other.keys]))

    def without(self, found: np.ndarray) -> Hashes:
        return Hashes(self.rows[~found], self.keys[~found])

    def names(self) -> list[str]:
        """The rows' hashes as hex, as the memory holds them."""
        return [each.ljust(ROW, b"\0").hex() for each in self.rows.tolist()]


def key_hash(key: Any, salt: str) -> bytes:
    """The hash of an id; a missing id has none."""
    if key is None:
        return NO_KEY
    return hashlib.blake2b(str(key).encode(), digest_size=KEY, key=salt.encode()).digest()
