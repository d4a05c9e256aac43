"""Files that are written whole or not at all."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lamina.errors import OutputError


@contextmanager
def written_whole(path: str | Path) -> Iterator[Path]:
    """A path beside ``path`` to write to; moved into place when the block ends well, else removed.

    Raises ``OutputError`` where nothing can be written.
    """
    path = Path(path)
    check_place(path)
    waiting = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        yield waiting
        os.replace(waiting, path)
    except OSError as error:
        raise OutputError(
            f"{path} cannot be written: {error.strerror or error}.",
            "Check the permissions and the free space of the folder, or name another place.",
            path=str(path),
        ) from error
    finally:
        waiting.unlink(missing_ok=True)


def check_place(path: str | Path) -> None:
    """Raises ``OutputError`` where ``path`` cannot be written to: before hours of work, not after."""
    path = Path(path)
    if path.is_dir():
        raise OutputError(f"{path} is a folder.", "Name a file to write.", path=str(path))
    if not path.parent.is_dir():
        raise OutputError(
            f"There is no folder {path.parent}, so {path.name} cannot be written there.",
            "Make the folder first, or name another place.",
            path=str(path),
        )
    if not os.access(path.parent, os.W_OK):
        raise OutputError(
            f"The folder {path.parent} cannot be written to.",
            "Change its permissions, or name another place.",
            path=str(path),
        )


def sha256_of(path: str | Path) -> str:
    """The hash of a whole file, in hex."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
