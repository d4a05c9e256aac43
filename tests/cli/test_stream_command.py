"""``lamina stream``: answers and the network at the end, as in Python."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl

import lamina
from lamina.model import Model
from small_data import churn_table

Run = Callable[..., Any]


def test_a_stream_in_a_terminal(run: Run, churn_model: Model, tmp_path: Path):
    churn_model.save(tmp_path / "churn.lamina")
    churn_table(120, seed=5).write_csv(tmp_path / "rows.csv")
    ran = run("stream", "churn.lamina", "rows.csv", "-o", "told.csv", "--save", "now.lamina", "--delay", "3")
    assert ran.code == 0, ran.err
    assert "accuracy over 120 rows" in ran.out
    told = pl.read_csv(tmp_path / "told.csv")
    stream = lamina.Stream(churn_model, delay=3)
    found = stream.run(tmp_path / "rows.csv")
    assert told["predicted_churned"].to_list() == found.answers["predicted_churned"].to_list()
    rows = churn_table(20, seed=6)
    now, here = lamina.load(tmp_path / "now.lamina").predict(rows), stream.model.predict(rows)
    assert now["probability"].to_list() == here["probability"].to_list()


def test_a_stream_as_json(run: Run, churn_model: Model, tmp_path: Path):
    churn_model.save(tmp_path / "churn.lamina")
    churn_table(60, seed=5).write_csv(tmp_path / "rows.csv")
    told = json.loads(run("stream", "churn.lamina", "rows.csv", "--json").out)
    assert told["rows"] == 60
    assert set(told["scores"]) == {"stream", "last", "never"}
    assert run("stream", "churn.lamina", "rows.csv", "--batch", "0").code == 2


def test_evaluate_names_it_too(run: Run, churn_model: Model, tmp_path: Path):
    churn_model.save(tmp_path / "churn.lamina")
    churn_table(60, seed=5).write_csv(tmp_path / "rows.csv")
    same = [run(*words, "churn.lamina", "rows.csv").out for words in (("evaluate", "--stream"), ("stream",))]
    assert same[0] == same[1]
    assert run("evaluate", "--stream", "--by", "contract", "churn.lamina", "rows.csv").code == 2
