"""Graphs with weights of 8 bits: smaller, judged on rows with known answers, refused where they are worse."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lamina
from lamina.errors import ExportError, UsageError
from lamina.model import Model
from lamina.network.int8 import with_int8_weights
from lamina.predictions import exported
from lamina.predictions.exported import as_onnx
from small_fitted import fitted_on

pytest.importorskip("onnxscript")
pytest.importorskip("onnxruntime")


def test_it_answers_nearly_the_same_with_a_smaller_graph(
    churn_model: Model, churn_folder: Path, tmp_path: Path
):
    model = lamina.Model(*churn_model.parts)
    whole = len(as_onnx(model.fitted).read())
    graph = model.export(tmp_path / "m.lamina", churn_folder / "test.csv", int8=True)
    light = lamina.load(tmp_path / "m.lamina", engine="onnx")
    assert light.fitted.onnx is not None
    assert len(light.fitted.onnx.read()) < 0.6 * whole
    assert light.fitted.onnx.graph == graph
    assert graph.int8
    assert graph.rows == 200
    assert graph.scores is not None
    assert graph.scores[1] == pytest.approx(graph.scores[0], abs=0.02)
    one, two = (each.predict(churn_folder / "new.csv") for each in (churn_model, light))
    gap = np.abs(one["probability_yes"].to_numpy() - two["probability_yes"].to_numpy()).max()
    assert 0 < gap < 0.1


def test_worse_answers_are_refused(
    churn_model: Model, churn_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(exported, "RISE", -0.9)
    model = lamina.Model(*churn_model.parts)
    with pytest.raises(ExportError, match="With weights of 8 bits the answers are worse"):
        model.export(tmp_path / "m.lamina", churn_folder / "test.csv", int8=True)
    assert not (tmp_path / "m.lamina").exists()
    with pytest.raises(UsageError, match="rows with known answers"):
        model.export(tmp_path / "m.lamina", int8=True)
    with pytest.raises(lamina.LaminaError, match="churned"):
        model.export(tmp_path / "m.lamina", churn_folder / "new.csv", int8=True)


def test_a_small_network_has_nothing_to_gain():
    with pytest.raises(ExportError, match="no large matrix"):
        with_int8_weights(as_onnx(fitted_on("number")[0]).read())


def test_the_command_tells_both_scores(run: Callable[..., Any], model_files: Path, churn_folder: Path):
    asked = (
        "export",
        model_files / "churn.lamina",
        churn_folder / "test.csv",
        "-o",
        "small.lamina",
        "--int8",
    )
    ran = run(*asked)
    assert ran.code == 0, ran.err
    assert "weights of 8 bits: its score is" in ran.out
    assert run("add", "shop", model_files / "churn.lamina").code == 0
    assert run("export", "shop", churn_folder / "test.csv", "--int8").code == 2
