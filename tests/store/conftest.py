"""A PostgreSQL server of our own, and stores whose log lies in either database."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import lamina
from lamina.stores import Store

TOO_LONG = 60.0  # seconds for a server to start


def programs() -> Path | None:
    """Where initdb and postgres are, on the path or where Debian puts them."""
    on_path = shutil.which("initdb")
    if on_path is not None:
        return Path(on_path).parent
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A private server on a socket of its own; as the user postgres where tests run as root, for which it
    refuses to start."""
    where = programs()
    if where is None:
        pytest.skip("no PostgreSQL server is installed (Debian: apt-get install postgresql)")
    pytest.importorskip("psycopg")
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


@pytest.fixture(params=["sqlite", "postgres"])
def new_store(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., Store]:
    """Makes stores in folders of their own, with their logs in one of the two databases."""
    log = request.getfixturevalue("postgres_url") if request.param == "postgres" else None

    def make(name: str = "store", **further: object) -> Store:
        return lamina.Store(tmp_path / name, log=log, **further)

    return make
