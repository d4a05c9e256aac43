"""A PostgreSQL server of our own for tests."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

TOO_LONG = 60.0  # seconds for a server to start


def programs() -> Path | None:
    """Where initdb and postgres are, on the path or where Debian puts them."""
    on_path = shutil.which("initdb")
    if on_path is not None:
        return Path(on_path).parent
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


@contextmanager
def server(where: Path) -> Iterator[str]:
    """The address of a private server on a socket of its own; it runs as the user postgres where tests run as
    root, for which it refuses to start."""
    user = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.getuid() == 0 else {}
    folder = Path(tempfile.mkdtemp(prefix="lamina-pg-", dir="/tmp"))  # short: sockets have short names
    if user:
        shutil.chown(folder, "postgres", "postgres")
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": "/tmp"}
    initdb = [where / "initdb", "-D", folder / "data", "-A", "trust", "-U", "postgres", "--no-sync"]
    subprocess.run(initdb, check=True, **quiet, **user)
    server = subprocess.Popen(
        [where / "postgres", "-D", folder / "data", "-k", folder, "-c", "listen_addresses="], **quiet, **user
    )
    url = f"postgresql://postgres@/postgres?host={folder}"
    try:
        wait_for(url)
        yield url
    finally:
        server.send_signal(signal.SIGINT)  # fast: clients are sent away
        server.wait(TOO_LONG)
        shutil.rmtree(folder, ignore_errors=True)


def wait_for(url: str) -> None:
    import psycopg

    until = time.monotonic() + TOO_LONG
    while True:
        try:
            psycopg.connect(url).close()
        except psycopg.OperationalError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)
        else:
            return
