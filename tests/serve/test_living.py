"""A store behind HTTP: answers are logged, feedback joins, promotions take effect, lessons run."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from starlette.testclient import TestClient

import lamina
from lamina.errors import StoreError
from lamina.serve import living
from lamina.serve.app import app_of
from lamina.serve.living import Answered
from lamina.serve.starting import Settings, service_for
from lamina.stores import Store
from small_data import churn_table


def table(rows: int, seed: int) -> pl.DataFrame:
    """Customers as JSON can hold them."""
    return churn_table(rows, seed=seed).with_columns(pl.col("joined").cast(pl.String))


@pytest.fixture
def store(tmp_path: Path, churn_model: lamina.Model) -> Store:
    found = Store(tmp_path / "churn")
    found.add(churn_model, id="customer")
    return found


def served(store: Store, **settings: Any) -> TestClient:
    return TestClient(app_of(service_for([store.place], Settings(**settings))))


def test_what_was_answered_meets_what_happened(store: Store):
    rows = table(30, seed=5)
    with served(store, log=True) as client:
        answered = client.post("/v1/predict", json=rows.drop("churned").to_dicts()).json()
        assert [row["id"] for row in answered["answers"]] == rows["customer"].to_list()
        one = client.post("/v1/predict", json=rows.drop("churned").to_dicts()[0]).json()
        assert one["answers"][0]["id"] == rows["customer"][0]
        told = client.post("/v1/feedback", json=rows.select("customer", "churned").to_dicts()).json()
        assert told["rows"] == 30
        assert client.get("/v1/history").json()
    live = store.live()
    assert live["answered"].sum() >= 30 if "answered" in live.columns else live.height


def test_decisions_are_logged_and_meet_what_happened(store: Store):
    rows = table(30, seed=5)
    costs = {"table": {"wait": {"no": 0, "yes": 50}, "call": {"no": 5, "yes": 1}}}
    with served(store, log=True) as client:
        body = {"rows": rows.drop("churned").to_dicts(), "costs": costs}
        answers = client.post("/v1/decide", json=body).json()["answers"]
        assert [row["id"] for row in answers] == rows["customer"].to_list()
        client.post("/v1/feedback", json=rows.select("customer", "churned").to_dicts())
    live = store.live()
    made = {"wait": {"no": 0, "yes": -50}, "call": {"no": -5, "yes": -1}}
    wanted = sum(made[row["action"]][came] for row, came in zip(answers, rows["churned"], strict=True))
    assert live["money"].sum() == wanted


def test_a_share_of_the_log_and_its_columns(store: Store):
    rows = table(200, seed=5).drop("churned")
    asked = {"log": True, "log_share": 0.4, "log_columns": ("plan", "months")}
    with served(store, **asked) as client:
        for _ in range(2):
            told = client.post("/v1/predict", json=rows.to_dicts()).json()["answers"]
    assert [row["id"] for row in told] == rows["customer"].to_list()
    kept = store.opened.calls.frame()
    ids = set(kept["row_id"])
    assert 50 < len(ids) < 110
    assert kept.height == 2 * len(ids)  # the same rows both times
    cells = store.opened.calls.inputs()
    assert set(cells["row_id"]) == ids
    first = rows.filter(customer=cells["row_id"][0])
    assert json.loads(cells["cells"][0]) == {"plan": first["plan"][0], "months": first["months"][0]}
    gone = sorted(ids)[:3]
    store.forget(gone)
    assert not set(gone) & {*store.opened.calls.frame()["row_id"], *store.opened.calls.inputs()["row_id"]}


def test_columns_that_cannot_be_kept(store: Store):
    with pytest.raises(lamina.LaminaError, match="'mnths'"):
        service_for([store.place], Settings(log=True, log_columns=("mnths",)))


def test_a_row_without_its_id_is_refused_where_answers_are_logged(store: Store):
    row = table(1, seed=5).drop("churned", "customer").to_dicts()[0]
    with served(store, log=True) as client:
        assert client.post("/v1/predict", json=row).json()["field"] == "customer"
    with served(store) as client:
        assert client.post("/v1/predict", json=row).status_code == 200


def test_another_champion_answers_at_once(store: Store, churn_model: lamina.Model):
    row = table(1, seed=5).drop("churned").to_dicts()[0]
    with served(store) as client:
        assert client.post("/v1/predict", json=row).json()["version"] == "1"
        store.add(churn_model)
        for _ in range(100):
            if client.post("/v1/predict", json=row).json()["version"] == "2":
                break
            time.sleep(0.05)
        assert client.post("/v1/predict", json=row).json()["version"] == "2"
        assert client.post("/v1/rollback", json={}).json() == {"version": 1}
        assert client.post("/v1/predict", json=row).json()["version"] == "1"
        for version in (7, 10**30, "best"):
            assert client.post("/v1/rollback", json={"to": version}).status_code == 422


@pytest.mark.slow
def test_a_lesson_in_a_process_of_its_own(store: Store):
    with served(store) as client:
        begun = client.post("/v1/learn", json=table(200, seed=6).to_dicts())
        assert begun.status_code == 202
        assert client.post("/v1/learn", json=table(5, seed=6).to_dicts()).status_code == 409
        for _ in range(600):
            job = client.get(begun.headers["location"]).json()
            if job["state"] != "learning":
                break
            time.sleep(0.2)
        assert job["state"] in ("promoted", "kept", "refused"), job
        assert client.get("/v1/learn/nothing").status_code == 404


def test_numbers_beyond_all_columns_are_logged_like_others(store: Store):
    rows = table(3, seed=5).drop("churned").to_dicts()
    rows[1]["months"] = 10**30
    with served(store, log=True) as client:
        for row in rows:
            assert client.post("/v1/predict", json=row).status_code == 200
    assert {*store.opened.calls.frame()["row_id"]} == {row["customer"] for row in rows}


def test_what_cannot_be_logged_costs_others_nothing(store: Store, monkeypatch: pytest.MonkeyPatch):
    rows, written = table(6, seed=5).drop("churned").to_dicts(), living.remember
    reached = False

    def remember(*told: Any, **more: Any) -> None:
        if not reached:
            raise StoreError("The log cannot be reached.", "Wait.")
        if rows[2]["customer"] in told[5]:
            raise ValueError("this row")
        written(*told, **more)

    monkeypatch.setattr(living, "remember", remember)
    with served(store, log=True) as client:
        for row in rows:
            assert client.post("/v1/predict", json=row).status_code == 200
        time.sleep(1.2)  # tried, and kept for later
        reached = True
    kept = {row["customer"] for row in rows} - {rows[2]["customer"]}
    assert {*store.opened.calls.frame()["row_id"]} == kept


def test_a_file_learns_nothing(model_files: Path):
    with TestClient(app_of(service_for([model_files / "churn.lamina"], Settings()))) as client:
        for verb in ("learn", "feedback", "rollback"):
            assert client.post(f"/v1/{verb}", json=[{"a": 1}]).status_code == 409


def test_the_log_is_written_when_the_server_stops(store: Store):
    rows = table(5, seed=5).drop("churned")
    service = service_for([store.place], Settings(log=True))
    churn = service.living["churn"]

    async def run() -> None:
        async with service.watched():
            served = service.models.named(None)
            answers = served.answer([served.asked(rows)])
            ids = rows["customer"].to_list()
            churn.remember(Answered(rows, answers, ids, served, "me", service.limits))
            assert churn.waiting == 5

    asyncio.run(run())
    assert churn.waiting == 0
    assert isinstance(store.live(), pl.DataFrame)
