"""What all tests share: the --slow flag, one thread, small data, and models fitted once."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

# Before torch is imported, here and in the processes that tests start: the same sums on every machine
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest

from postgres_server import programs, server
from small_data import BEGINNER, churn_table, write_churn, write_digits, write_idx

if TYPE_CHECKING:
    from lamina.model import Model
    from lamina.stores import Store

QUICK = {"quality": "fast", "epochs": 3}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="run the tests marked slow, too")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--slow"):
        return
    for item in items:
        if "slow" in item.keywords:
            item.add_marker(pytest.mark.skip(reason="slow: run with --slow"))


@pytest.fixture(scope="session")
def churn_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``churn.csv``, ``test.csv`` and ``new.csv``. Read only."""
    return write_churn(tmp_path_factory.mktemp("churn"))


@pytest.fixture(scope="session")
def digits_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """300 digits as ``<digit>/<number>.png``. Read only."""
    return write_digits(tmp_path_factory.mktemp("pictures") / "digits")


@pytest.fixture(scope="session")
def idx_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """200 and 50 digits in the files of MNIST. Read only."""
    return write_idx(tmp_path_factory.mktemp("idx"))


@pytest.fixture(scope="session")
def churn_model(churn_folder: Path) -> Model:
    """Who leaves, from ``churn.csv``."""
    import lamina

    return lamina.fit(churn_folder / "churn.csv", "churned", **QUICK)


@pytest.fixture(scope="session")
def charge_model(churn_folder: Path) -> Model:
    """What a customer pays, from ``churn.csv``."""
    import lamina

    return lamina.fit(churn_folder / "churn.csv", "charge", **QUICK)


@pytest.fixture(scope="session")
def digits_model(digits_folder: Path) -> Model:
    """Which digit a picture shows."""
    import lamina

    return lamina.fit(digits_folder, **QUICK)


@pytest.fixture(scope="session")
def model_files(tmp_path_factory: pytest.TempPathFactory, churn_model: Model, digits_model: Model) -> Path:
    """A folder with ``churn.lamina`` and ``digits.lamina``. Read only."""
    folder = tmp_path_factory.mktemp("models")
    churn_model.save(folder / "churn.lamina")
    digits_model.save(folder / "digits.lamina")
    return folder


@pytest.fixture(scope="session")
def beginner() -> Model:
    """Who leaves, hardly learnt yet: good for going on with ``churn_table``."""
    import lamina

    return lamina.fit(churn_table(800, seed=0), "churned", **BEGINNER)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL server of our own."""
    where = programs()
    if where is None:
        pytest.skip("no PostgreSQL server is installed (Debian: apt-get install postgresql)")
    pytest.importorskip("psycopg")
    with server(where) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest) -> str:
    """Where logs lie."""
    return str(request.param)


@pytest.fixture
def new_store(database: str, request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., Store]:
    """Makes stores in folders of their own, with their logs in one of the two databases."""
    import lamina

    log = request.getfixturevalue("postgres_url") if database == "postgres" else None

    def make(name: str = "store", **further: object) -> Store:
        return lamina.Store(tmp_path / name, log=log, **further)

    return make


@dataclass(frozen=True)
class Ran:
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str


@pytest.fixture
def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Ran]:
    """Runs ``lamina ARGUMENTS`` in this process, in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object) -> Ran:
        from lamina.cli.main import main

        monkeypatch.setattr("sys.argv", ["lamina", *map(str, arguments)])
        capsys.readouterr()
        code = 0
        try:
            main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
        printed = capsys.readouterr()
        return Ran(code, printed.out, printed.err)

    return run
