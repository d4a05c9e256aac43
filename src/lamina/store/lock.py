"""One process changes a store at a time.

The lock is the operating system's, on the file ``lock``: it goes with the process that holds it, however that
ends, so none is ever left behind. Beside it ``owner.json`` says who holds it; that file may be out of date
and decides nothing.
"""

from __future__ import annotations

import getpass
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from filelock import FileLock, Timeout

from lamina.errors import BusyError, StoreError


class Owner(msgspec.Struct, frozen=True, kw_only=True):
    """Who is changing a store: user and machine, process, since when, and what is being done."""

    who: str
    process: int
    since: str
    doing: str


def whoever() -> str:
    """This user on this machine: ``anna@host``."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        user = str(os.getuid()) if hasattr(os, "getuid") else "somebody"
    return f"{user}@{socket.gethostname()}"


@contextmanager
def changing(folder: Path, who: str, doing: str, *, wait: float = 0.0) -> Iterator[None]:
    """Holds the store's lock; raises BusyError, which names the owner, after ``wait`` seconds."""
    lock = FileLock(folder / "lock", timeout=wait, thread_local=False)
    try:
        lock.acquire()
    except Timeout:
        raise _busy(folder) from None
    except (OSError, NotImplementedError) as error:
        raise StoreError(
            f"{folder / 'lock'} cannot be locked ({error}).",
            "Keep the store on a file system with locks, and writable for whoever changes it.",
            path=str(folder),
        ) from error
    owner = folder / "owner.json"
    told = Owner(who=who, process=os.getpid(), since=now(), doing=doing)
    try:
        owner.write_bytes(msgspec.json.encode(told))
        yield
    finally:
        owner.unlink(missing_ok=True)
        lock.release()


def now() -> str:
    """The time in UTC, as the log writes it: sorts as text."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def _busy(folder: Path) -> BusyError:
    try:
        owner = msgspec.json.decode((folder / "owner.json").read_bytes(), type=Owner)
    except (OSError, msgspec.DecodeError):
        owner = None  # between taking the lock and saying so
    who = "somebody" if owner is None else f"{owner.who} (process {owner.process})"
    what = "" if owner is None else f": {owner.doing}, since {owner.since[:19].replace('T', ' ')} UTC"
    return BusyError(
        f"{folder} is being changed by {who}{what}.",
        "Wait for it, and go on reading meanwhile. If that process hangs, end it: its lock goes with it, the "
        "champion stays, and what it left half done is cleared by the next change.",
        path=str(folder),
        owner=owner,
    )
