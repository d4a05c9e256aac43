"""The folder of a store: what lies where.

store.json          format, the store's own id, where the log is: made last, so that a folder with it is whole
log.sqlite          the log, unless it is on a PostgreSQL server
versions/0003.lamina   one model file per version
memory/0007.parquet    rows to learn from again; one file, and for a moment its successor
lock, owner.json    who is changing the store at the moment
"""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import msgspec

from lamina.errors import OutputError, StoreError, UsageError, nearest
from lamina.files import written_whole

FORMAT: Final = 1
ABOUT: Final = "store.json"
OWN: Final = ("versions", "memory", "log.sqlite", "lock", "owner.json")  # what making a store leaves


class About(msgspec.Struct, frozen=True, kw_only=True):
    """What a store says of itself; ``log`` is a URL, or None for SQLite in the folder."""

    format: int
    id: str
    log: str | None = None


@dataclass(frozen=True)
class Folder:
    """A store's folder that is there, and what it says of itself."""

    path: Path
    about: About

    @classmethod
    def make(cls, path: Path, log: str | None) -> Self:
        """The folders of a new store; it is one once ``finish`` was called.

        Raises StoreError where something else lies there, OutputError where nothing can be written.
        """
        check_free(path)
        try:
            for name in ("versions", "memory"):
                (path / name).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"{path} cannot be made a store: {error.strerror or error}.",
                "Name another folder.",
                path=str(path),
            ) from error
        return cls(path, About(format=FORMAT, id=secrets.token_hex(8), log=log))

    def finish(self) -> None:
        """Writes ``store.json``."""
        with written_whole(self.path / ABOUT) as waiting:
            waiting.write_bytes(msgspec.json.format(msgspec.json.encode(self.about), indent=1))
            sync(waiting)
        sync(self.path)

    @classmethod
    def open(cls, path: Path) -> Self:
        """A store that is there. Raises StoreError where there is none, or one of a newer Lamina."""
        try:
            about = msgspec.json.decode((path / ABOUT).read_bytes(), type=About)
        except FileNotFoundError:
            raise _absent(path) from None
        except (OSError, msgspec.DecodeError) as error:
            raise StoreError(
                f"{path / ABOUT} cannot be read ({error}).",
                "Bring it back from a copy of the folder.",
                path=str(path),
            ) from error
        if about.format > FORMAT:
            raise StoreError(
                f"{path} has format {about.format}, and this Lamina reads up to {FORMAT}.",
                'Install a newer Lamina: pip install -U "lamina"',
                path=str(path),
            )
        return cls(path, about)

    def version(self, number: int) -> Path:
        return self.path / "versions" / f"{number:04d}.lamina"

    def memory(self, name: str) -> Path:
        return self.path / "memory" / name


def check_free(path: Path) -> None:
    """Raises StoreError where something else than a store lies at ``path``."""
    if is_store(path) or not path.exists():
        return
    strange = (
        sorted(each.name for each in path.iterdir() if not _own(each.name)) if path.is_dir() else ["a file"]
    )
    if strange:
        raise StoreError(
            f"{path} is no store, and something else lies there: {', '.join(strange[:3])}.",
            "Name a folder that is empty, or not there yet.",
            path=str(path),
        )


def is_store(path: str | Path) -> bool:
    """Whether a store lies there."""
    return (Path(path) / ABOUT).is_file()


def check_url(log: str | None) -> str | None:
    """The URL of a log. Raises UsageError for one that is none, or that holds a password: it is written
    down."""
    if log is None:
        return None
    scheme, colon, rest = log.partition("://")
    if not colon or scheme not in ("postgresql", "postgres"):
        raise UsageError(
            f"{log!r} is no address of a log.",
            "Write postgresql://user@host/database, or leave it away for SQLite in the folder.",
        )
    user = rest.partition("/")[0].rpartition("@")[0]
    if ":" in user or "password=" in rest:
        raise UsageError(
            "The address of the log holds a password, and would be written into store.json.",
            "Leave it out, and keep it in ~/.pgpass or in the environment variable PGPASSWORD.",
        )
    return log


def sync(path: Path) -> None:
    """Waits until a file, or a folder's list of files, is on the disk."""
    if path.is_dir() and os.name == "nt":
        return  # folders cannot be opened there
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _own(name: str) -> bool:
    return name.startswith((*OWN, f".{Path(ABOUT).stem}."))


def _absent(path: Path) -> StoreError:
    folder = path.parent
    others = sorted(each.name for each in folder.iterdir() if is_store(each)) if folder.is_dir() else []
    hint = f"{nearest(path.name, others)} " if others else ""
    return StoreError(
        f"{path} is no store.",
        f"{hint}Make one: lamina fit FILE --target COLUMN --store {path}, or lamina add {path} MODEL.",
        path=str(path),
    )
