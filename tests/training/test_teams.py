"""Teams: networks trained one after another, and one network that answers as their mean."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

import lamina
from lamina.data.conform import conform
from lamina.data.read import read
from lamina.features.features import Features
from lamina.learning.grow import grow
from lamina.network.architecture import Architecture
from lamina.predictions.explain.reading import Reader
from lamina.records import Field
from lamina.training import run as phases
from lamina.training.loop import Training
from lamina.training.run import run
from lamina.training.teams import alone, together
from small_data import churn_table

ROWS = 3600
QUICK = {"quality": "best", "epochs": 2, "hidden": (16, 8), "validation": 0.15}


def table() -> pl.DataFrame:
    rng = np.random.default_rng(3)
    place = pl.DataFrame({"lat": rng.uniform(47, 48, ROWS), "lon": rng.uniform(8, 9, ROWS)})
    return churn_table(ROWS).hstack(place.rename({"lat": "latitude", "lon": "longitude"}))


@pytest.fixture(scope="module")
def best() -> lamina.Model:
    return lamina.fit(table(), "churned", on=lamina.Machine(progress=False), **QUICK)


def trained(model: lamina.Model) -> tuple[Architecture, Features]:
    return model.fitted.network.architecture, model.fitted.features


def test_best_trains_teams_and_says_so(best: lamina.Model):
    architecture, _ = trained(best)
    assert len(architecture.teams) == 4
    assert architecture.members == 32
    assert "4 teams" in best.inspect()
    assert any(each.what == "members" and "4 teams" in each.why for each in best.fitted.choices)


def test_together_answer_as_the_mean_of_each_alone(best: lamina.Model):
    architecture, features = trained(best)
    networks = [each.eval() for each in alone(architecture, features, 5)]
    for each in networks:
        each.settle()
    whole = together(networks, architecture, features)
    arrays = {
        name: torch.from_numpy(each)
        for name, each in features.transform(best._inputs(table().head(60))).items()
    }
    with torch.inference_mode():
        parts = torch.cat([each(arrays) for each in networks])
        torch.testing.assert_close(whole(arrays), parts, rtol=1e-5, atol=1e-6)
    assert not torch.allclose(parts[:8], parts[8:16])
    assert whole.weights == sum(each.weights for each in networks)


def test_a_file_keeps_them(best: lamina.Model, tmp_path: Path):
    rows = table().head(50)
    best.save(tmp_path / "best.lamina")
    assert best.predict(rows).equals(lamina.load(tmp_path / "best.lamina").predict(rows))


def test_one_row_and_the_graph_answer_alike(best: lamina.Model, tmp_path: Path):
    pytest.importorskip("onnxruntime")
    rows = table().head(40)
    best.export(tmp_path / "best.lamina")
    graph = lamina.load(tmp_path / "best.lamina", engine="onnx")
    told = [name for name in best.predict(rows).columns if name.startswith("probability")]
    for name in told:
        np.testing.assert_allclose(best.predict(rows)[name], graph.predict(rows)[name], atol=1e-5)


def test_explanations_ask_all_teams(best: lamina.Model):
    frame = best._inputs(table().head(30))
    reader = Reader(best.fitted)
    told = best.predict(table().head(30)).select("^probability_.*$").to_numpy()
    np.testing.assert_allclose(reader.answers(reader.rows(frame)), told, atol=1e-6)


def test_growth_moves_no_old_answer_of_any_team(best: lamina.Model):
    frame = conform(read(table().head(200)), best.schema, need_target=True)[0]
    field = Field(name="shoes", kind="number", role="input", why="")
    more = frame.with_columns(
        pl.lit("new").alias("plan"), pl.col("charge") * 9, pl.Series("shoes", np.arange(200) % 9.0)
    )
    grown, what = grow(best.fitted, more, [field])
    known = frame.with_columns(pl.Series("shoes", np.arange(200) % 7.0))
    before, after = (
        fitted.network.scores({k: torch.from_numpy(v) for k, v in fitted.features.transform(known).items()})
        for fitted in (best.fitted, grown)
    )
    assert {each.what for each in what} == {"column", "category"}
    assert torch.equal(before, after)


def test_an_interruption_keeps_the_teams_that_are_trained(monkeypatch: pytest.MonkeyPatch):
    made: list[Training] = []

    def interrupted(*given, **named):
        training, before = run(*given, **named)
        made.append(training)
        if len(made) == 3:
            training.stopped = "interrupted in pass 1"
        return training, before

    monkeypatch.setattr(phases, "run", interrupted)
    model = lamina.fit(table(), "churned", on=lamina.Machine(progress=False), **QUICK)
    architecture, _ = trained(model)
    assert len(architecture.teams) == 2
    assert architecture.members == 16
    assert "interrupted" in model.fitted.stopped
    assert model.predict(table().head(3)).height == 3


def test_the_same_seed_gives_the_same_network(best: lamina.Model):
    again = lamina.fit(table(), "churned", on=lamina.Machine(progress=False), **QUICK)
    rows = table().head(20)
    assert best.predict(rows).equals(again.predict(rows))


def test_a_crash_in_a_later_team_ends_in_the_same_network(
    best: lamina.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    begun: list[int] = []

    def crashing(*given, **named):
        begun.append(1)
        if len(begun) == 3:
            raise OSError("the machine went down")
        return run(*given, **named)

    on = lamina.Machine(progress=False, checkpoint=str(tmp_path / "state"))
    with monkeypatch.context() as patch:
        patch.setattr(phases, "run", crashing)
        with pytest.raises(OSError, match="went down"):
            lamina.fit(table(), "churned", on=on, **QUICK)
    assert {each.name for each in tmp_path.iterdir()} == {"state", "state.1"}
    again = lamina.fit(table(), "churned", on=on, **QUICK)
    assert list(tmp_path.iterdir()) == []
    rows = table().head(20)
    assert best.predict(rows).equals(again.predict(rows))
