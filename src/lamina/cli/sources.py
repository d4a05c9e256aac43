"""What a batch answers: tables in files, in parts where that saves memory, and tables of databases."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lamina.errors import UsageError

if TYPE_CHECKING:
    from lamina.data.outputs import Output
    from lamina.data.table import Table

CELLS: Final = 4_000_000  # rows × columns from which on Parquet is read in parts


@contextmanager
def opened(data: Sequence[str], query: str | None, place: Output | None) -> Iterator[Table]:
    """The table that is meant. The rows of a database are copied beside the output first; after an
    interruption that copy is found again, and it goes when the block ends well.

    Raises UsageError for a query where there is no database, or more than one address."""
    from lamina.data.large import large
    from lamina.data.read import read
    from lamina.data.sql.address import is_address
    from lamina.data.staged import worth_staging

    if not any(map(is_address, data)):
        if query is not None:
            raise UsageError("A query needs a database to ask.", "Name it: sqlite:///FILE, postgresql://….")
        paths = [Path(each).expanduser() for each in data]
        found = large(paths, ", ".join(map(str, paths[:8])), cells=CELLS)
        if found is not None:
            yield found
        elif place is not None and place.in_parts and len(paths) == 1 and worth_staging(paths[0]):
            with _rewritten(paths[0], place) as rewritten:
                yield rewritten
        else:
            yield read(paths[0] if len(paths) == 1 else paths)
    elif len(data) > 1:
        raise UsageError("Rows of a database are answered alone.", "Name one address, without other files.")
    else:
        with _copied(data[0], query, place) as table:
            yield table


@contextmanager
def _rewritten(path: Path, place: Output) -> Iterator[Table]:
    """The rows of a text file as Parquet beside the output, where that can be done in bounded memory."""
    from lamina.data.read import read
    from lamina.data.staged import staged

    mark = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:12]
    folder = place.beside(f"rows-{mark}")
    found = staged(path, folder)
    if found is None:
        shutil.rmtree(folder, ignore_errors=True)
        yield read(path)
        return
    yield found
    shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _copied(text: str, query: str | None, place: Output | None) -> Iterator[Table]:
    from lamina.data.sql.address import address_of
    from lamina.data.sql.staged import staged

    if place is None:
        with tempfile.TemporaryDirectory(prefix="lamina-rows-") as folder:
            yield staged(address_of(text), query, Path(folder))
        return
    mark = hashlib.sha256(f"{text}\0{query}".encode()).hexdigest()[:12]
    folder_beside = place.beside(f"rows-{mark}")
    yield staged(address_of(text), query, folder_beside)
    shutil.rmtree(folder_beside, ignore_errors=True)


def identity(table: Table) -> str:
    """What tells whether the rows are those of an earlier run: of files that are read in parts their names,
    sizes and times; else every cell."""
    from lamina.data.large import LargeTable
    from lamina.store.hashes import table_hash

    if not isinstance(table, LargeTable):
        return table_hash(table)
    told = [(str(p.resolve()), p.stat().st_size, p.stat().st_mtime_ns) for p in table.paths]
    return hashlib.sha256(repr(told).encode()).hexdigest()


def known_by(model: Path) -> str:
    """What tells a model from another: the hash of its file, or of the champion's."""
    from lamina.files import sha256_of
    from lamina.store.folder import is_store

    if not is_store(model):
        return sha256_of(model) if model.is_file() else ""
    from lamina.stores import Store

    opened = Store(model).opened
    return opened.log.version(opened.version()).sha256
