"""What data a report was made of, so that anybody can tell whether they hold the same."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import polars as pl

from lamina.data.table import Table

BLOCK: Final = 1 << 20
MOST_FILES: Final = 200_000


class Fingerprint(NamedTuple):
    """``digest`` is a SHA-256 in hexadecimal, ``of`` what it was taken of, in words; ``size`` in bytes."""

    digest: str
    of: str
    size: int


def fingerprint(source: Any, table: Table) -> Fingerprint:
    """Of one file its own SHA-256, as ``sha256sum`` prints it; of several, or a folder, the SHA-256 of the
    lines "digest, two blanks, name"; of a frame, of its columns."""
    paths = _paths(source)
    if paths is None:
        return _of_frame(table.frame)
    root = paths[0] if len(paths) == 1 else None
    files = sorted(each for path in paths for each in _files(path))
    if root is not None and root.is_file():
        return Fingerprint(_digest(root), f"file {root.name}", root.stat().st_size)
    whole = hashlib.sha256()
    for file in files[:MOST_FILES]:
        name = file.relative_to(root).as_posix() if root is not None else file.name
        whole.update(f"{_digest(file)}  {name}\n".encode("utf-8", "surrogateescape"))
    more = f", the first {MOST_FILES:,}" if len(files) > MOST_FILES else ""
    size = sum(each.stat().st_size for each in files[:MOST_FILES])
    return Fingerprint(whole.hexdigest(), f"{len(files):,} files{more}", size)


def _paths(source: Any) -> list[Path] | None:
    """The files or folders that were named, None for a frame."""
    named = source if isinstance(source, list | tuple) else [source]
    if not named or not all(isinstance(each, str | Path) for each in named):
        return None
    paths = [Path(each) for each in named]
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
    """Of every column its name, its type, and its cells as JSON; media cells by their own bytes."""
    whole, size = hashlib.sha256(), 0
    for column in frame.iter_columns():
        whole.update(f"{column.name}\n{column.dtype}\n".encode())
        for cell in column:
            part = cell if isinstance(cell, bytes) else repr(_plain(cell)).encode("utf-8", "replace")
            whole.update(len(part).to_bytes(8, "little") + part)
            size += len(part)
    return Fingerprint(whole.hexdigest(), f"{frame.width} columns of a frame", size)


def _plain(cell: Any) -> Any:
    return cell.to_list() if isinstance(cell, pl.Series) else cell
