"""The comparison itself: real processes on made tables; peers that fail or are missing; runs that go on."""

from __future__ import annotations

import gzip
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from benchmarks.environments import ENVIRONMENTS, CannotMakeError, python_of
from benchmarks.peers import PEERS
from benchmarks.peers.record import Conditions, Learnt, Peer, Question
from benchmarks.results import Results
from benchmarks.run import Runner, in_process
from benchmarks.sets import SETS

from benchmarks import __main__ as command
from benchmarks import job


def made(rows: int = 240) -> pl.DataFrame:
    """Churn that depends on months and plan; raw words, as they come from a file."""
    rng = np.random.default_rng(0)
    months, plan = rng.integers(1, 60, rows), rng.choice(["basic", "plus", "pro"], rows)
    leaves = months + 15 * (plan == "pro") + rng.normal(0, 8, rows) < 30
    return pl.DataFrame(
        {
            "customerID": [f"c{place}" for place in range(rows)],
            "months": [str(each) if place % 17 else " " for place, each in enumerate(months)],
            "plan": plan,
            "joined": [f"20{each % 20:02}-0{each % 9 + 1}-11" for each in months],
            "Churn": np.where(leaves, "Yes", "No"),
        }
    )


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder with one of the sets."""
    folder = tmp_path / "data" / "tabular"
    folder.mkdir(parents=True)
    (folder / "telco_churn.csv.gz").write_bytes(gzip.compress(made().write_csv().encode()))
    return tmp_path / "data"


def base(data: Path, **more: Any) -> dict[str, Any]:
    return {"suite": "tables", "set": "telco_churn", "seed": 0, "threads": 1, "data": str(data), **more}


def arguments(data: Path, output: Path, *more: str) -> list[str]:
    return ["--data", str(data), "--sets", "telco_churn", "--threads", "1", "--output", str(output), *more]


def test_a_run_measures_writes_and_goes_on(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    output = tmp_path / "results" / "results.json"
    monkeypatch.setattr("benchmarks.machine._rates", lambda threads: {})
    command.main(arguments(data, output, "--peers", "linear"))
    (row,) = Results(output).rows()
    assert row["scores"]["auroc"] > 0.8
    assert {"fit_s", "fit_cpu_s", "rows_per_s", "one_row_ms", "peak_mb", "model_mb", "version"} <= set(row)
    assert row["peak_mb"] > 50
    assert "telco_churn, AUROC" in (output.parent / "RESULTS.md").read_text(encoding="utf-8")

    asked: list[str] = []

    def run(self: Runner, job: dict[str, Any]) -> dict[str, Any]:
        asked.append(job["peer"])
        return {**job, "failed": "not now"}

    monkeypatch.setattr(Runner, "run", run)
    command.main(arguments(data, output, "--peers", "linear,histgb"))
    assert asked == ["histgb"], "what is measured is not measured again"
    command.main(arguments(data, output, "--peers", "linear,histgb"))
    assert asked == ["histgb"], "a failure is a result"
    command.main(arguments(data, output, "--peers", "linear", "--again"))
    assert asked == ["histgb", "linear"]


def test_the_table_is_written_without_data(tmp_path: Path):
    command.main(["--only-table", "--output", str(tmp_path / "results.json")])
    assert (tmp_path / "RESULTS.md").exists()


def test_wrong_names_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        command.main(["--data", str(tmp_path), "--peers", "linaer"])
    assert "--peers: there is no linaer; there are all, autogluon-best" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="--data"):
        command.main([])


@pytest.mark.parametrize("name", ["linear", "mlp", "histgb"])
def test_the_peers_of_scikit_learn(name: str, data: Path):
    found = job.run(base(data, peer=name))
    assert found["scores"]["auroc"] > 0.75, found


def test_lamina_is_a_peer(data: Path):
    found = in_process(base(data, peer="lamina-fast"), Path(sys.executable), 300)
    assert found["scores"]["auroc"] > 0.75, found
    assert found["load_s"] > 0
    assert found["model_mb"] > 0


def broken(source: Any, question: Question, conditions: Conditions) -> Learnt:
    raise ZeroDivisionError("no such luck")


FAKE = Peer("fake", ("tables", "small"), broken, (), "none", "fails")


def test_a_peer_that_fails_is_shown(data: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(PEERS, "fake", FAKE)
    assert job.run(base(data, peer="fake")) == {"failed": "ZeroDivisionError: no such luck"}


def test_a_peer_that_is_not_installed_is_absent(data: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(PEERS, "fake", replace(FAKE, modules=("no_such_library",)))
    found = job.run(base(data, peer="fake"))
    assert "no_such_library cannot be imported" in found["absent"]


def test_answers_that_are_not_finite_fail(data: Path, monkeypatch: pytest.MonkeyPatch):
    def fit(*asked: Any) -> Learnt:
        return Learnt(lambda rows: np.full((rows.height, 2), np.nan), lambda folder: None)

    monkeypatch.setitem(PEERS, "fake", replace(FAKE, fit=fit))
    assert "not finite" in job.run(base(data, peer="fake"))["failed"]


def test_a_process_that_takes_too_long_or_finds_no_data_fails(data: Path, tmp_path: Path):
    asked = base(data, peer="linear")
    assert in_process(asked, Path(sys.executable), 0.05) == {"failed": "took longer than 0 s"}
    found = in_process(base(tmp_path / "nowhere", peer="linear"), Path(sys.executable), 60)
    assert "FileNotFoundError" in found["failed"]


def test_as_long_as_another(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    results = Results(tmp_path / "results.json")
    runner = Runner(results, tmp_path, 60)
    asked = base(data, peer="autogluon-best")
    assert "lamina-best has to be measured first" in runner.run(asked)["absent"]
    given: list[dict[str, Any]] = []
    monkeypatch.setattr("benchmarks.run.python_of", lambda *asked: Path(sys.executable))
    monkeypatch.setattr("benchmarks.run.in_process", lambda job, *rest: given.append(job) or {})
    results.add({**base(data, peer="lamina-best"), "fit_s": 12.5})
    runner.run(asked)
    assert given[0]["time_limit"] == 12.5


def test_an_environment_is_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(ENVIRONMENTS, "none", ("--no-index", "no-such-package-at-all"))
    with pytest.raises(CannotMakeError, match="no-such-package-at-all"):
        python_of("none", tmp_path)
    monkeypatch.setattr("benchmarks.environments._do", lambda words: (tmp_path / "none").mkdir(exist_ok=True))
    python = python_of("none", tmp_path)
    monkeypatch.setattr("benchmarks.environments._do", lambda words: pytest.fail("made again"))
    assert python_of("none", tmp_path) == python


def test_small_tables_are_the_same_for_everyone(data: Path):
    asked = base(data, peer="linear", suite="small", sizes=[60, 120], draws=2)
    found = job.run(asked)
    assert [len(each) for each in found["values"].values()] == [2, 2]
    assert min(value for each in found["values"].values() for value in each) > 0.6
    assert found["reasons"] == []


def test_failed_draws_are_counted(data: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(PEERS, "fake", FAKE)
    found = job.run(base(data, peer="fake", suite="small", sizes=[60], draws=2))
    assert found["values"] == {"60": [None, None]}
    assert found["reasons"][0] == "60 rows, draw 0: ZeroDivisionError: no such luck"
    json.dumps(found, allow_nan=False)


def test_every_peer_has_a_set(monkeypatch: pytest.MonkeyPatch):
    suites = {each.suite for each in SETS.values()} | {"small"}
    for peer in PEERS.values():
        assert set(peer.suites) <= suites
        assert set(peer.sets or ()) <= set(SETS)
        assert peer.as_long_as is None or peer.as_long_as in PEERS
        assert peer.environment is None or peer.environment in ENVIRONMENTS
