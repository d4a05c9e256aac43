"""``lamina export``, and what answers afterwards, in a terminal."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import lamina

pytest.importorskip("onnxscript")
pytest.importorskip("onnxruntime")

Run = Callable[..., Any]


@pytest.fixture
def model(model_files: Path, tmp_path: Path) -> str:
    """A copy of ``churn.lamina``."""
    (tmp_path / "churn.lamina").write_bytes((model_files / "churn.lamina").read_bytes())
    return "churn.lamina"


def answers(run: Run, *arguments: object) -> pl.DataFrame:
    ran = run("predict", *arguments, "-o", "told.parquet", "--only-answers")
    assert ran.code == 0, ran.err
    return pl.read_parquet("told.parquet")


def test_a_file_is_exported_and_answers(run: Run, model: str, churn_folder: Path):
    new = churn_folder / "new.csv"
    refused = run("predict", model, new, "--engine", "onnx")
    assert refused.code == 2
    assert "lamina export churn.lamina" in refused.err
    ran = run("export", model, churn_folder / "test.csv")
    assert ran.code == 0, ran.err
    assert "churn.lamina answers without torch" in ran.out
    assert "on 200 rows of" in ran.out
    torch, onnx, auto = (answers(run, model, new, "--engine", each) for each in ("torch", "onnx", "auto"))
    assert auto.equals(onnx)
    assert torch["predicted_churned"].equals(onnx["predicted_churned"])
    assert float((torch["probability"] - onnx["probability"]).abs().max()) <= 1e-5  # type: ignore[arg-type]


def test_another_file_is_written_and_told_in_json(run: Run, model: str):
    before = Path(model).read_bytes()
    told = json.loads(run("export", model, "-o", "other.lamina", "--json").out)
    assert told["path"] == "other.lamina"
    assert told["on"] == "made rows"
    assert 0 <= told["gap"] <= 1e-5
    assert Path(model).read_bytes() == before
    assert lamina.load("other.lamina", engine="onnx").fitted.engine.kind == "onnx"


def test_the_champion_of_a_store_is_exported(run: Run, model: str, churn_folder: Path):
    assert run("add", "store", model).code == 0
    assert run("export", "store", "-o", "other.lamina").code == 2
    ran = run("export", "store")
    assert ran.code == 0, ran.err
    assert "made rows" in ran.out
    assert answers(run, "store", churn_folder / "new.csv", "--engine", "onnx").height == 50


def test_mistakes_are_explained(run: Run, model: str):
    assert run("export", "absent.lamina").code == 1
    ran = run("export", model, "-o", "no/such/folder.lamina")
    assert ran.code == 1
    assert "Make the folder first" in ran.err
    assert "auto" in run("predict", model, "x.csv", "--engine", "jax").err
