"""The life of a network in a terminal: fitted into a store, three months learnt, looked at, rolled back."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import polars as pl
import pytest

from lamina.model import Model
from small_data import churn_table, month

pytestmark = pytest.mark.filterwarnings("default::lamina.errors.LaminaWarning")

Run = Callable[..., Any]
SMALL = (
    *("--quality", "fast", "--hidden", "8", "--members", "1", "--epochs", "1"),
    *("--no-refit", "--validation", "0.5"),
)


EASY = ("--level", "0.4", "--margin", "0.9")  # what the gate lets through is no subject here


@pytest.fixture
def months(tmp_path: Path) -> Path:
    """``m0.csv`` … ``m4.csv``."""
    for number, rows in enumerate((800, 1500, 1500, 1500, 300)):
        month(number, rows).write_csv(tmp_path / f"m{number}.csv")
    return tmp_path


@pytest.fixture
def store(run: Run, months: Path) -> str:
    ran = run("fit", "m0.csv", "-t", "churned", *SMALL, "--store", "churn", "--id", "customer")
    assert ran.code == 0, ran.err
    assert "Version 1 of churn, and its champion." in ran.out
    assert not (months / "m0.lamina").exists()
    return "churn"


def test_three_months_are_learnt_looked_at_and_rolled_back(run: Run, store: str, tmp_path: Path):
    for number in (1, 2, 3):
        ran = run("learn", store, f"m{number}.csv", *EASY)
        assert ran.code == 0, ran.out + ran.err
        assert "promoted: " in ran.out
        assert ran.out.rstrip().endswith(f"The champion is version {number + 1}.")
    shown = run("history", store, "--picture", "life.svg")
    assert [line.split()[3] for line in shown.out.splitlines()[1:] if re.match(r" +\d ", line)] == [
        *("added", "promoted", "promoted", "promoted")
    ]
    assert "log_loss" in shown.out
    picture = ElementTree.parse(tmp_path / "life.svg").getroot()
    assert picture.tag.endswith("svg")
    assert len(picture.findall(".//{*}circle")) == 6  # champion and candidate of three updates
    assert run("rollback", store).out == "The champion of churn is version 3; it was version 4.\n"
    assert json.loads(run("rollback", store, "--to", "1", "--note", "wrong prices", "--json").out) == {
        "store": "churn",
        "before": 3,
        "version": 1,
    }
    rows = json.loads(run("history", store, "--json").out)
    assert [row["champion"] for row in rows] == [1, 2, 3, 4, 3, 1]
    assert rows[-1]["note"] == "wrong prices"
    assert run("history", store, "-o", "life.parquet").code == 0
    assert pl.read_parquet(tmp_path / "life.parquet").height == 6


def test_a_store_learns_a_stream_that_waits(run: Run, store: str):
    ran = run("learn", store, "m4.csv", "--stream")
    assert ran.code == 10, ran.err
    assert "learnt as a stream, which proves nothing" in ran.out
    assert run("rollback", store, "--to", "candidate").out.startswith("The champion of churn is version 2")


def test_exit_codes_tell_a_scheduler_what_happened(run: Run, store: str, tmp_path: Path):
    assert run("learn", store, "m1.csv", *EASY).code == 0
    again = run("learn", store, "m1.csv", "--json")
    assert (again.code, json.loads(again.out)["outcome"]) == (0, "unchanged")
    tossed = churn_table(900, seed=3).with_columns(pl.col("churned").shuffle(seed=1))
    tossed.write_csv(tmp_path / "tossed.csv")
    kept = run("learn", store, "tossed.csv", "--level", "1e-9", "--relation", "hold", "--json")
    assert (kept.code, json.loads(kept.out)["outcome"]) == (10, "kept")
    churn_table(900, seed=3).drop("charge").write_csv(tmp_path / "short.csv")
    refused = run("learn", store, "short.csv", "--json", "--who", "airflow")
    assert (refused.code, json.loads(refused.out)["outcome"]) == (11, "refused")
    assert run("learn", store, "nowhere.csv").code == 1
    assert run("learn", store, "m2.csv", "--level", "9").code == 2
    assert run("learn", "no-store", "m2.csv", "--json").code == 1
    rows = json.loads(run("history", store, "--json").out)
    assert [row["outcome"] for row in rows] == ["added", "promoted", "kept", "refused"]
    assert rows[-1]["who"] == "airflow"


def test_answers_are_logged_and_judged(run: Run, store: str, tmp_path: Path):
    ran = run("predict", store, "m4.csv", "--log", "-o", "answers.csv")
    assert ran.code == 0, ran.err
    assert (
        pl.read_csv(tmp_path / "answers.csv")["customer"].to_list()
        == churn_table(300, 4)["customer"].to_list()
    )
    told = json.loads(run("feedback", store, "m4.csv", "--json").out)
    assert (told["rows"], told["joined"]) == (300, 300)
    assert "300 known before" in run("feedback", store, "m4.csv").out
    live = json.loads(run("live", store, "--every", "day", "--json").out)
    assert (live[0]["answered"], live[0]["predictions"]) == (300, 300)
    (tmp_path / "costs.csv").write_text("action,no,yes\nnothing,0,6 * charge\noffer,40,2 * charge\n")
    ran = run("decide", store, "m3.csv", "--costs", "costs.csv", "--log", "-o", "decided.csv")
    assert ran.code == 0, ran.err
    run("feedback", store, "m3.csv")
    assert run("live", store, "-o", "live.csv").code == 0
    assert pl.read_csv(tmp_path / "live.csv")["money"][0] < 0


def test_a_store_stands_wherever_a_model_file_may(run: Run, store: str):
    assert json.loads(run("evaluate", store, "m4.csv", "--json").out)["rows"] == 300
    assert "Lamina model: predicts 'churned'" in run("inspect", store).out
    assert run("explain", store, "m4.csv", "--row", "0").code == 0
    assert run("predict", store, "m4.csv", "--only-answers").out.startswith("predicted_churned,")


def test_a_model_file_is_put_into_a_store(run: Run, months: Path, beginner: Model):
    beginner.save(months / "m.lamina")
    ran = run("add", "place", "m.lamina", "--data", "m0.csv", "--id", "customer", "--json")
    assert json.loads(ran.out) == {"store": "place", "version": 1, "champion": 1}
    held = json.loads(run("memory", "place", "--json").out)
    assert (held["learn"], held["limits"]["mode"]) == (800, "rows")
    assert "100 rows to learn from" in run("memory", "place", "--learn", "100", "--without", "city").out
    ran = run("add", "place", "m.lamina", "--no-champion", "--note", "for later")
    assert ran.out == "Version 2 of place; the champion is version 1.\n"
    failed = run("predict", "m.lamina", "m4.csv", "--log")
    assert failed.code == 2
    assert "m.lamina is no store" in failed.err


def test_rows_are_forgotten(run: Run, store: str, tmp_path: Path):
    run("learn", store, "m1.csv", *EASY)
    told = json.loads(run("forget", store, "--id", "C1000007", "--json").out)
    assert (told["outcome"], told["rows"], told["removed"]) == ("retrained", 1, [2])
    churn_table(800, seed=0).head(2).write_csv(tmp_path / "gone.csv")
    ran = run("forget", store, "--rows", "gone.csv", "--note", "letter of 3 May")
    assert ran.code == 0
    assert "2 rows found" in ran.out
    assert run("forget", store).code == 2


def test_fit_says_before_the_work_that_the_place_is_taken(run: Run, months: Path):
    (months / "full").mkdir()
    (months / "full" / "letter.txt").write_text("dear")
    ran = run("fit", "m0.csv", "-t", "churned", *SMALL, "--store", "full")
    assert ran.code == 1
    assert "something else lies there" in ran.err


@pytest.mark.parametrize(
    "command", ["add", "learn", "stream", "rollback", "history", "feedback", "live", "forget", "memory"]
)
def test_every_command_explains_itself(run: Run, command: str):
    ran = run(command, "--help")
    assert ran.code == 0
    assert "--json" in ran.out
    assert len(ran.out) > 300
