"""The files of a store: model files and the memory; each whole or not at all, and on the disk before the log
speaks of it."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from lamina.errors import StoreError
from lamina.files import written_whole
from lamina.store.folder import Folder, sync
from lamina.store.lock import now
from lamina.store.log import Event, Log, Version
from lamina.version import __version__

if TYPE_CHECKING:
    from lamina.predictions.baseline import Baseline
    from lamina.records import Evaluation
    from lamina.store.engines import Wanted
    from lamina.training.fitted import Fitted

    Parts = tuple[Fitted, Baseline, Evaluation]  # what a model file holds


def write_version(folder: Folder, number: int, parts: Parts) -> Version:
    """Writes a model as the version with this number, and says what the log is to know of it."""
    from lamina.store import model_file  # most of a store does without

    fitted, _, validation = parts
    path = model_file.save(folder.version(number), *parts, __version__)
    sync(path.parent)
    content = path.read_bytes()
    return Version(
        number=number,
        sha256=hashlib.sha256(content).hexdigest(),
        bytes=len(content),
        at=now(),
        metric=fitted.metric,
        scores=dict(validation.scores),
        schema=fitted.schema,
    )


def read_version(folder: Folder, version: Version, engine: Wanted = "torch") -> Parts:
    """The model of a version. Raises StoreError where its file is gone or is another one than was written."""
    from lamina.store import model_file

    path = folder.version(version.number)
    remedy = "Bring it back from a copy of the folder, or roll back to another version."
    if not path.is_file():
        raise StoreError(f"The file of version {version.number} is gone: {path}.", remedy, path=str(path))
    if hashlib.sha256(path.read_bytes()).hexdigest() != version.sha256:
        raise StoreError(
            f"{path} is not the file that the log knows as version {version.number}.", remedy, path=str(path)
        )
    return model_file.load(path, engine, store=folder.path)


def write_memory(folder: Folder, name: str, rows: pl.DataFrame) -> str:
    """Writes the rows kept under a new name, and gives the name back."""
    with written_whole(folder.memory(name)) as waiting:
        rows.write_parquet(waiting)
        sync(waiting)
    sync(folder.path / "memory")
    return name


def read_memory(folder: Folder, name: str) -> pl.DataFrame:
    """The rows kept. Raises StoreError where the file is gone or cannot be read."""
    path = folder.memory(name)
    try:
        return pl.read_parquet(path, glob=False)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise StoreError(
            f"The memory {path} cannot be read: {error}.",
            "Bring it back from a copy of the folder; answers do not need it, learning does.",
            path=str(path),
        ) from error


def sweep(folder: Folder, log: Log) -> None:
    """Deletes what an interrupted change left behind, and what is of no use any more.

    Model files that the log does not know, or knows as removed; every memory but the one in use. Only for
    whoever holds the lock."""
    head = log.head()
    there = {folder.version(each.number) for each in log.versions() if each.removed is None}
    kept = {folder.memory(head.memory)} if head is not None and head.memory is not None else set[Path]()
    for place, known in (("versions", there), ("memory", kept)):
        for path in (folder.path / place).iterdir():
            if path not in known:
                path.unlink(missing_ok=True)


def in_use(event: Event) -> int:
    """The champion's number. Raises StoreError where there is none, which no store is made with."""
    if event.version is None:
        raise StoreError("The store has no champion.", "Add a model: lamina add STORE MODEL.")
    return event.version
