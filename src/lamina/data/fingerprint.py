"""Which data something was made of, so that anybody can tell whether they hold the same."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
import polars as pl

from lamina.data.table import Table

MOST_BYTES: Final = 4 << 30  # of all files together, beyond which only their names and sizes are looked at


class Fingerprint(msgspec.Struct, frozen=True):
    """``digest`` is a SHA-256 in hexadecimal, ``of`` what it was taken of, in words; ``size`` in bytes."""

    digest: str
    of: str
    size: int


def fingerprint(source: Any, table: Table) -> Fingerprint:
    """Of one file its own SHA-256, as ``sha256sum`` prints it; of several, or a folder, the SHA-256 of the
    lines "digest, two blanks, name"; of a frame, of its columns.

    Of more than ``MOST_BYTES`` the lines are "size in bytes, two blanks, name"."""
    paths = _paths(source)
    if paths is None:
        return _of_frame(table.frame)
    root = paths[0] if len(paths) == 1 else None
    files = sorted(each for path in paths for each in _files(path))
    sizes = [each.stat().st_size for each in files]
    large = sum(sizes) > MOST_BYTES
    if root is not None and root.is_file() and not large:
        return Fingerprint(_digest(root), f"file {root.name}", sizes[0])
    whole = hashlib.sha256()
    for file, size in zip(files, sizes, strict=True):
        name = file.relative_to(root).as_posix() if root is not None else file.name
        whole.update(f"{size if large else _digest(file)}  {name}\n".encode("utf-8", "surrogateescape"))
    what = f"names and sizes of {len(files):,} files" if large else f"{len(files):,} files"
    return Fingerprint(whole.hexdigest(), what, sum(sizes))


def _paths(source: Any) -> list[Path] | None:
    """The files or folders that were named, None for a frame."""
    named = source if isinstance(source, list | tuple) else [source]
    if not named or not all(isinstance(each, str | Path) for each in named):
        return None
    paths = [Path(each).expanduser() for each in named]
    return paths if all(each.exists() for each in paths) else None


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
    else:
        yield from (each for each in path.rglob("*") if each.is_file())


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _of_frame(frame: pl.DataFrame) -> Fingerprint:
    whole, size = hashlib.sha256(), 0
    for column in frame.iter_columns():
        for part in (f"{column.name}\n{column.dtype}\n{len(column)}\n".encode(), *_bytes(column)):
            whole.update(part)
            size += len(part)
    return Fingerprint(whole.hexdigest(), f"{frame.width:,} columns of a frame", size)


def _bytes(column: pl.Series) -> Iterator[bytes]:
    """Which cells are missing, then what the others hold: numbers as they are, texts after their lengths."""
    yield column.is_null().to_numpy().tobytes()
    known = column.drop_nulls()
    if known.dtype == pl.String:
        yield known.str.len_bytes().to_numpy().tobytes()
        yield "".join(known).encode()
    elif known.dtype == pl.Binary:
        yield known.bin.size().to_numpy().tobytes()
        yield from known
    elif isinstance(known.dtype, pl.List):
        yield known.list.len().to_numpy().tobytes()
        yield from _bytes(known.explode())
    else:
        yield from _numbers(known)


def _numbers(known: pl.Series) -> Iterator[bytes]:
    """Numbers, dates, flags and pixels as they lie in memory; anything else as Python writes it."""
    values = (known.to_physical() if known.dtype.is_temporal() else known).to_numpy()
    if values.dtype.kind in "iufb":
        yield values.tobytes()
        return
    for cell in known:
        yield repr(cell).encode("utf-8", "replace")
