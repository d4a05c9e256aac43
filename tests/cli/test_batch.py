"""Answers for whole files and databases: interrupted and gone on, the same bytes, no row lost or repeated."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

import lamina
from lamina.data.sql.address import address_of
from lamina.data.sql.database import open_database
from lamina.data.write import write
from lamina.errors import LaminaWarning, UsageError
from small_data import churn_table

pytestmark = pytest.mark.filterwarnings("default::lamina.LaminaWarning")
ROWS, AT_ONCE = 1000, 101

# The command with small parts, which kills its own process, like a power cut, after so many of them
PROCESS = """
import os, signal, sys
from lamina.cli import sources
from lamina.data import large, staged
from lamina.predictions import batch
sources.CELLS, staged.LARGE, large.PART, left = 0, 0, {rows}, {left}
keep = batch.Batch._keep

def kept(self, number, told, seen):
    global left
    keep(self, number, told, seen)
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)

batch.Batch._keep = kept
from lamina.cli.main import main
main()
"""

Ran = subprocess.CompletedProcess[str]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Customers in ``new.parquet``, some charges of which cannot be read."""
    charges = ["?!" if n % 97 == 0 else str(n % 90 + 10) for n in range(ROWS)]
    frame = churn_table(ROWS, seed=4).drop("churned").with_columns(charge=pl.Series(charges))
    frame.write_parquet(tmp_path / "new.parquet")
    return tmp_path


@pytest.fixture
def predicted(tmp_path: Path, model_files: Path) -> Callable[..., Ran]:
    """Runs the command in a process of its own, which is killed after ``left`` parts."""

    def run(output: str, *more: str, source: str = "new.parquet", left: int = -1) -> Ran:
        code = PROCESS.format(rows=AT_ONCE, left=left)
        told = ["predict", str(model_files / "churn.lamina"), source, "-o", output, *more]
        command = [sys.executable, "-c", code, *told]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    return run


def in_folder(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


@pytest.mark.parametrize("ending", [".parquet", ".csv"])
def test_killed_at_60_percent_and_gone_on_with_to_the_same_bytes(
    folder: Path, predicted: Callable[..., Ran], ending: str
):
    whole = predicted(f"whole{ending}")
    assert whole.returncode == 0, whole.stderr
    assert in_folder(folder) == ["new.parquet", f"whole{ending}"]
    assert predicted(f"resumed{ending}", left=6).returncode == -signal.SIGKILL
    assert not (folder / f"resumed{ending}").exists()
    parts = folder / f".resumed{ending}.job"
    times = {each.name: each.stat().st_mtime_ns for each in parts.glob("*.parquet")}
    assert len(times) == 6
    assert predicted(f"resumed{ending}", left=2).returncode == -signal.SIGKILL  # and once more
    assert times.items() <= {each.name: each.stat().st_mtime_ns for each in parts.glob("*.parquet")}.items()
    last = predicted(f"resumed{ending}")
    assert last.returncode == 0, last.stderr
    assert "Went on after 808 rows" in last.stderr
    assert (folder / f"resumed{ending}").read_bytes() == (folder / f"whole{ending}").read_bytes()
    assert in_folder(folder) == ["new.parquet", f"resumed{ending}", f"whole{ending}"]
    for told in (whole.stderr, last.stderr):  # counted over all rows, those of the killed runs, too
        assert "11 cells cannot be read as numbers and count as missing, first in row 0" in told


@pytest.mark.parametrize("ending", [".csv", ".ndjson"])
def test_text_is_answered_in_parts_as_it_is_whole(
    folder: Path, predicted: Callable[..., Ran], run: Callable[..., Any], model_files: Path, ending: str
):
    rows = pl.read_parquet(folder / "new.parquet").with_columns(pl.col("joined").cast(pl.String))
    source = f"new{ending}"
    write(rows, folder / source)
    whole = run("predict", model_files / "churn.lamina", source, "-o", "whole.csv")
    assert whole.code == 0, whole.err
    assert predicted("parts.csv", source=source, left=6).returncode == -signal.SIGKILL
    last = predicted("parts.csv", source=source)
    assert last.returncode == 0, last.stderr
    assert "Went on after 606 rows" in last.stderr
    one, two = (pl.read_csv(folder / name, infer_schema=False) for name in ("whole.csv", "parts.csv"))
    numbers = [name for name in one.columns if name.startswith("probability") or name == "novelty"]
    assert two.drop(numbers).equals(one.drop(numbers))  # the cells as they were, too
    assert_frame_equal(
        two.select(pl.col(numbers).cast(float)), one.select(pl.col(numbers).cast(float)), abs_tol=1e-5
    )
    assert in_folder(folder) == sorted(["new.parquet", source, "parts.csv", "whole.csv"])
    # other rows under the same name begin anew
    assert predicted("parts.csv", source=source, left=2).returncode == -signal.SIGKILL
    write(rows.with_columns(charge=pl.lit("20")), folder / source)
    again = predicted("parts.csv", source=source)
    assert "Went on" not in again.stderr
    assert pl.read_csv(folder / "parts.csv")["charge"].unique().to_list() == [20]


def test_answers_in_parts_are_those_of_the_model(
    folder: Path, predicted: Callable[..., Ran], churn_model: lamina.Model
):
    assert predicted("answers.parquet").returncode == 0
    told = pl.read_parquet(folder / "answers.parquet")
    rows = pl.read_parquet(folder / "new.parquet")
    assert told["customer"].equals(rows["customer"])
    with pytest.warns(LaminaWarning, match="11 cells cannot be read as numbers"):
        wanted = churn_model.predict(rows)
    assert_frame_equal(told.select(wanted.columns), wanted, abs_tol=1e-6)


def test_other_work_begins_anew(folder: Path, predicted: Callable[..., Ran]):
    assert predicted("a.parquet", left=5).returncode == -signal.SIGKILL
    frame = pl.read_parquet(folder / "new.parquet")
    frame.with_columns(charge=pl.lit("20")).write_parquet(folder / "new.parquet")
    ran = predicted("a.parquet")
    assert ran.returncode == 0
    assert "Went on" not in ran.stderr
    assert pl.read_parquet(folder / "a.parquet")["charge"].unique().to_list() == ["20"]
    assert predicted("a.parquet", left=5).returncode == -signal.SIGKILL
    ran = predicted("a.parquet", "--only-answers")
    assert "Went on" not in ran.stderr
    assert "charge" not in pl.read_parquet(folder / "a.parquet").columns


def test_an_older_output_stays_until_the_new_one_is_whole(folder: Path, predicted: Callable[..., Ran]):
    (folder / "a.csv").write_text("old")
    assert predicted("a.csv", left=9).returncode == -signal.SIGKILL
    assert (folder / "a.csv").read_text() == "old"


def test_a_column_that_holds_something_else_is_refused(folder: Path, predicted: Callable[..., Ran]):
    frame = pl.read_parquet(folder / "new.parquet")
    frame.with_columns(charge=pl.lit("much")).write_parquet(folder / "new.parquet")
    ran = predicted("a.parquet")
    assert ran.returncode == 1
    assert "1,000 of its 1,000 cells do not" in ran.stderr
    assert not (folder / "a.parquet").exists()


def test_one_process_at_an_output(folder: Path, predicted: Callable[..., Ran]):
    from filelock import FileLock

    (folder / ".a.parquet.job").mkdir()
    with FileLock(folder / ".a.parquet.job" / "lock"):
        ran = predicted("a.parquet")
    assert ran.returncode == 1
    assert "Another process" in ran.stderr


def test_a_folder_of_pictures_in_parts(
    digits_folder: Path,
    model_files: Path,
    tmp_path: Path,
    run: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
):
    command = ("predict", model_files / "digits.lamina", digits_folder, "-o")
    assert run(*command, "whole.csv").code == 0
    monkeypatch.setattr("lamina.predictions.batch.MEDIA_AT_ONCE", 70)
    ran = run(*command, "parts.csv")
    assert ran.code == 0, ran.err
    assert "Answered 300 rows" in ran.err
    whole, parts = pl.read_csv(tmp_path / "whole.csv"), pl.read_csv(tmp_path / "parts.csv")
    assert_frame_equal(parts, whole, abs_tol=1e-5)


# ---------------------------------------------------------------------------------------- databases


def customers() -> pl.DataFrame:
    """Customers of whom some things are not known."""
    frame = churn_table(300, seed=7).drop("churned")
    gone = pl.Series(np.random.default_rng(0).random(300) < 0.1)
    return frame.with_columns(
        pl.when(gone).then(None).otherwise(pl.col(name)).alias(name)
        for name in ("months", "plan", "charge", "joined")
    )


def written(path: Path) -> None:
    """The customers in a file of SQLite, which has no dates."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE customers (customer, months, plan, charge, joined, city)")
        rows = customers().with_columns(pl.col("joined").cast(pl.String)).rows()
        connection.executemany("INSERT INTO customers VALUES (?, ?, ?, ?, ?, ?)", rows)


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database with customers."""
    if request.param == "sqlite":
        written(tmp_path / "shop.db")
        return "sqlite:///shop.db"
    import psycopg

    url = request.getfixturevalue("postgres_url")
    kinds = "customer TEXT, months INT, plan TEXT, charge NUMERIC, joined DATE, city VARCHAR(20)"
    with psycopg.connect(url) as connection:
        connection.execute("DROP TABLE IF EXISTS customers, answers")
        connection.execute(f"CREATE TABLE customers ({kinds})")
        cursor = connection.cursor()
        cursor.executemany("INSERT INTO customers VALUES (%s, %s, %s, %s, %s, %s)", customers().rows())
    return url


def table_of(url: str, name: str) -> pl.DataFrame:
    """A table of the database, in the order of the customers."""
    return pl.concat(open_database(address_of(f"{url}#{name}")).read()).sort("customer")


def test_from_a_database_into_a_database(
    database: str, model_files: Path, run: Callable[..., Any], churn_model: lamina.Model
):
    model = model_files / "churn.lamina"
    ran = run("predict", model, f"{database}#customers", "-o", f"{database}#answers")
    assert ran.code == 0, ran.err
    told, rows = table_of(database, "answers"), customers().sort("customer")
    wanted = churn_model.predict(rows)
    assert told["predicted_churned"].equals(wanted["predicted_churned"])
    np.testing.assert_allclose(told["probability_yes"], wanted["probability_yes"], atol=1e-5)
    assert told["charge"].equals(rows["charge"])
    assert told["months"].null_count() == rows["months"].null_count() > 0
    again = run("predict", model, f"{database}#customers", "-o", f"{database}#answers")
    assert (again.code, "already" in again.err) == (2, True)
    query = "SELECT * FROM customers WHERE months > 60;"
    some = run("predict", model, database, "--query", query, "-o", "some.csv")
    assert some.code == 0, some.err
    assert pl.read_csv("some.csv").height == (rows["months"] > 60).sum()
    assert "predicted_churned" in run("predict", model, f"{database}#customers").out
    assert [each.name for each in Path().iterdir() if each.name.startswith(".")] == []


def test_rows_of_a_database_are_those_of_the_first_run(tmp_path: Path, predicted: Callable[..., Ran]):
    """What changes in the database while a run is interrupted does not come in halfway."""
    written(tmp_path / "shop.db")
    asked = {"source": "sqlite:///shop.db"}
    assert predicted("a.parquet", left=2, **asked).returncode == -signal.SIGKILL
    with closing(sqlite3.connect(tmp_path / "shop.db")) as connection, connection:
        connection.execute("DELETE FROM customers")
    ran = predicted("a.parquet", **asked)
    assert ran.returncode == 0, ran.stderr
    assert pl.read_parquet(tmp_path / "a.parquet").height == 300
    assert in_folder(tmp_path) == ["a.parquet", "shop.db"]


def test_cells_of_a_column_of_several_types(tmp_path: Path):
    with closing(sqlite3.connect(tmp_path / "a.db")) as connection, connection:
        connection.execute('CREATE TABLE t ("a ""b", whole, real, empty, bytes)')
        connection.execute("INSERT INTO t VALUES ('x', 1, 1, NULL, X'00ff'), (2.5, NULL, 2.5, NULL, NULL)")
    (frame,) = open_database(address_of(f"sqlite:///{tmp_path / 'a.db'}")).read()
    assert frame.rows() == [("x", 1, 1.0, None, b"\x00\xff"), ("2.5", None, 2.5, None, None)]
    assert frame.dtypes == [pl.String, pl.Int64, pl.Float64, pl.String, pl.Binary]
    assert frame.columns[0] == 'a "b'


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("sqlite:///no.db#t",), "no file"),
        (("sqlite:///new.db#t", "-o", "sqlite:///new.db"), "names no table"),
        (("sqlite:///new.db#t",), "gives no rows"),
        (("sqlite:///new.db#nothing",), "no such table"),
        (("sqlite:///new.db", "--query", "DROP TABLE t"), "cannot be read"),
        (("sqlite:///new.db", "--query", "SELECT 1) AS a; DROP TABLE t; --"), "cannot be read"),
        (("new.csv", "--query", "SELECT 1"), "needs a database"),
        (("sqlite:///new.db#t", "new.csv"), "alone"),
        (("postgresql://localhost:1/x#t",), "cannot be read"),
    ],
)
def test_what_cannot_be_read_or_written(
    arguments: tuple[str, ...], said: str, run: Callable[..., Any], tmp_path: Path, model_files: Path
):
    with closing(sqlite3.connect(tmp_path / "new.db")) as connection, connection:
        connection.execute("CREATE TABLE t (months)")
    ran = run("predict", model_files / "churn.lamina", *arguments)
    assert ran.code in (1, 2)
    assert said in ran.err
    with closing(sqlite3.connect(tmp_path / "new.db")) as connection:
        assert connection.execute("SELECT count(*) FROM t").fetchone() == (0,)


def test_a_password_is_not_shown():
    assert "secret" not in address_of("postgresql://anna:secret@localhost/x#t").shown
    with pytest.raises(UsageError):
        address_of("mysql://localhost/x")
