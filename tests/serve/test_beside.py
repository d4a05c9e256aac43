"""A candidate beside the champion: who answers which row, and how the two compare."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

import lamina
from lamina.serve.app import app_of
from lamina.serve.comparison import Comparison
from lamina.serve.shares import keys_of, place_of
from lamina.serve.starting import Settings, service_for
from lamina.stores import Store
from small_data import churn_table

QUICK = {"quality": "fast", "epochs": 2, "seed": 7}


def rows(count: int = 200) -> pl.DataFrame:
    return churn_table(count, seed=5).drop("churned").with_columns(pl.col("joined").cast(pl.String))


@pytest.fixture(scope="module")
def other(churn_folder: Path) -> lamina.Model:
    return lamina.fit(churn_folder / "churn.csv", "churned", **QUICK)


@pytest.fixture
def store(tmp_path: Path, churn_model: lamina.Model, other: lamina.Model) -> Store:
    found = Store(tmp_path / "churn")
    found.add(churn_model, id="customer")
    found.add(other, champion=False)
    return found


def served(place: Path, **settings: Any) -> TestClient:
    return TestClient(app_of(service_for([place], Settings(**settings))))


def compared(client: TestClient, count: int) -> dict[str, Any]:
    """What is told of the candidate once so many rows were answered silently."""
    until = time.monotonic() + 20
    while (told := client.get("/v1/shadow").json())["rows"] < count and time.monotonic() < until:
        time.sleep(0.05)
    return told


def test_a_candidate_answers_silently(store: Store, churn_model: lamina.Model, other: lamina.Model):
    ours, theirs = churn_model.predict(rows()), other.predict(rows())
    with served(store.place, candidate="2") as client:
        told = client.post("/v1/predict", json=rows().to_dicts()).json()
        one = client.post("/v1/predict", json=rows().to_dicts()[0]).json()
        shadow = compared(client, 201)
        text = client.get("/metrics").text
    assert {row["version"] for row in told["answers"]} == {"1"} == {one["version"]}
    assert [row["predicted_churned"] for row in told["answers"]] == ours["predicted_churned"].to_list()
    assert (shadow["champion"], shadow["candidate"], shadow["rows"]) == ("1", "2", 201)
    both = np.append((ours["predicted_churned"] == theirs["predicted_churned"]).to_numpy(),
                     ours["predicted_churned"][0] == theirs["predicted_churned"][0])  # fmt: skip
    assert shadow["agreement"] == pytest.approx(both.mean())
    apart = (theirs["probability_yes"] - ours["probability_yes"]).to_numpy().astype(float)
    apart = np.append(apart, apart[0])
    column = shadow["columns"]["probability_yes"]
    assert column["mean_difference"] == pytest.approx(apart.mean(), abs=1e-5)
    assert column["mean_absolute_difference"] == pytest.approx(np.abs(apart).mean(), abs=1e-5)
    assert column["largest_difference"] == pytest.approx(np.abs(apart).max(), abs=1e-5)
    assert f'lamina_shadow_rows{{candidate="2",model="churn",outcome="agreed"}} {both.sum():.1f}' in text


def test_a_share_of_the_rows_is_its_own(store: Store, churn_model: lamina.Model, other: lamina.Model):
    models = {"1": churn_model.predict(rows()), "2": other.predict(rows())}
    asked = {"candidate": "2", "share": 0.3, "log": True}
    with served(store.place, **asked) as client:
        told = client.post("/v1/predict", json=rows().to_dicts()).json()["answers"]
        alone = [client.post("/v1/predict", json=row).json()["answers"][0] for row in rows(40).to_dicts()]
        headers = {"content-type": "text/csv", "accept": "application/vnd.apache.arrow.file"}
        frame = pl.read_ipc(client.post("/v1/predict", content=rows().write_csv(), headers=headers).content)
    assert 35 < sum(row["version"] == "2" for row in told) < 85
    assert [row["version"] for row in alone] == [row["version"] for row in told[:40]]
    assert frame["version"].to_list() == [row["version"] for row in told]
    assert [row["id"] for row in told] == rows()["customer"].to_list()
    for k, row in enumerate(told):
        wanted = models[row["version"]]
        assert row["predicted_churned"] == wanted["predicted_churned"][k] == frame["predicted_churned"][k]
        assert row["probability_yes"] == pytest.approx(wanted["probability_yes"][k], abs=1e-5)
    logged = store.opened.calls.frame()
    versions = dict(zip(logged["row_id"], logged["version"], strict=True))
    assert {own: str(version) for own, version in versions.items()} == {r["id"]: r["version"] for r in told}


def test_a_promoted_candidate_stands_beside_nothing(store: Store):
    with served(store.place, candidate="2", share=0.5) as client:
        assert client.get("/v1/shadow").status_code == 200
        store.rollback(2)
        until = time.monotonic() + 20
        while client.get("/v1/shadow").status_code == 200 and time.monotonic() < until:
            time.sleep(0.05)
        assert client.get("/v1/shadow").status_code == 404
        told = client.post("/v1/predict", json=rows(5).to_dicts()).json()
        assert told["version"] == "2"


def test_a_candidate_that_fails_harms_nobody(store: Store, monkeypatch: pytest.MonkeyPatch):
    service = service_for([store.place], Settings(candidate="2"))
    monkeypatch.setattr(service.candidates["churn"].served, "asked", None)
    with TestClient(app_of(service)) as client:
        assert client.post("/v1/predict", json=rows().to_dicts()).status_code == 200
        until = time.monotonic() + 20
        while not client.get("/v1/shadow").json()["failed"] and time.monotonic() < until:
            time.sleep(0.05)
        assert client.get("/v1/shadow").json()["failed"] == 200


def test_candidates_that_cannot_be(
    store: Store, model_files: Path, charge_model: lamina.Model, tmp_path: Path
):
    charge_model.save(tmp_path / "charge.lamina")
    churn = model_files / "churn.lamina"
    for places, settings, said in (
        ([churn], {"candidate": str(tmp_path / "charge.lamina")}, "predicts charge"),
        ([churn, model_files / "digits.lamina"], {"candidate": str(churn)}, "one model"),
        ([churn], {"candidate": str(churn), "share": 2.0}, "from 0 to 1"),
        ([store.place], {"candidate": str(churn), "share": 0.1, "log": True}, "no version of the store"),
        ([store.place], {"candidate": "9"}, "9"),
        ([churn], {"candidate": "nothing.lamina"}, "no such file"),
    ):
        with pytest.raises(lamina.LaminaError, match=said):
            service_for(places, Settings(**settings))


@given(st.lists(st.text(max_size=20), unique=True, max_size=50))
def test_places_are_the_same_everywhere(keys: list[str]):
    places = [place_of(key, "candidate") for key in keys]
    assert places == [place_of(key, "candidate") for key in keys]
    assert all(0 <= each < 1 for each in places)


def test_places_are_spread_evenly_and_apart():
    own = np.array([place_of(str(n), "candidate") for n in range(4000)])
    others = np.array([place_of(str(n), "log") for n in range(4000)])
    assert np.abs(np.quantile(own, [0.1, 0.5, 0.9]) - [0.1, 0.5, 0.9]).max() < 0.03
    assert abs(np.corrcoef(own, others)[0, 1]) < 0.05


def test_keys_are_ids_or_whole_rows():
    frame = rows(3)
    assert keys_of(frame, "customer") == frame["customer"].to_list()
    assert keys_of(frame.to_dicts(), None) == keys_of(frame, None)
    assert keys_of([{"b": 1, "a": 2}], "id") == keys_of([{"a": 2, "b": 1}], "id")


def test_numbers_are_compared_by_their_differences():
    comparison = Comparison()
    comparison.add(
        pl.DataFrame({"predicted_x": [1.0, 2.0, None]}), pl.DataFrame({"predicted_x": [1.0, 5.0, None]})
    )
    told = comparison.told()
    assert told["agreement"] == pytest.approx(2 / 3)
    assert told["columns"]["predicted_x"] == {
        "rows": 2, "mean_difference": 1.5, "mean_absolute_difference": 1.5, "largest_difference": 3.0
    }  # fmt: skip
