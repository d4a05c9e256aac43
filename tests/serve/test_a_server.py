"""A real server in a process of its own, asked through the client."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from polars.testing import assert_frame_equal

import lamina
from lamina.client import ServerError


@pytest.fixture(scope="module")
def address(model_files: Path) -> Iterator[str]:
    command = [
        sys.executable,
        "-m",
        "lamina.cli.main",
        "serve",
        str(model_files / "churn.lamina"),
        "--port",
        "0",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        yield server.stdout.readline().split(" at ")[1].strip().removesuffix("/docs")
        server.send_signal(signal.SIGTERM)
        assert server.wait(20) in (0, -signal.SIGTERM)


def test_the_client_answers_as_the_model_does(address: str, churn_folder: Path, churn_model: lamina.Model):
    wanted = churn_model.predict(churn_folder / "new.csv")
    with lamina.Client(address) as client:
        answers = client.predict(churn_folder / "new.csv")
        assert answers["predicted_churned"].equals(wanted["predicted_churned"])
        np.testing.assert_allclose(answers["probability"], wanted["probability"], atol=1e-5)
        frame = client.predict(pd.read_csv(churn_folder / "new.csv"))
        assert isinstance(frame, pd.DataFrame)
        assert client.model()["target"] == ["churned"]
        assert client.schema()["fields"]


def test_the_same_for_asyncio(address: str, churn_folder: Path):
    async def ask() -> list[pl.DataFrame]:
        async with lamina.AsyncClient(address) as client:
            asked = (client.predict(churn_folder / "new.csv") for _ in range(8))
            return list(await asyncio.gather(*asked))

    answers = asyncio.run(ask())
    for each in answers:  # products of other numbers of rows may round otherwise
        assert_frame_equal(each, answers[0], abs_tol=1e-6)


def test_decisions_and_explanations_from_afar(address: str, churn_folder: Path, churn_model: lamina.Model):
    rows = pl.read_csv(churn_folder / "new.csv")
    costs = lamina.Costs({"wait": {"no": 0, "yes": "charge"}, "call": {"no": 5, "yes": 1}})
    limits = [lamina.Limit(action="call", most=4)]
    with lamina.Client(address) as client:
        told = client.decide(rows, costs, limits=limits)
        why = client.explain(rows[:2], background=rows)
    assert told["action"].equals(churn_model.decide(rows, costs, limits=limits)["action"])
    wanted = churn_model.explain(rows[:2], background=rows)
    assert why.background == wanted.background
    assert [one.of for one in why.rows] == [one.of for one in wanted.rows]
    assert why.rows[0].mean == pytest.approx(wanted.rows[0].mean, abs=1e-5)

    async def ask() -> tuple[pl.DataFrame, object]:
        async with lamina.AsyncClient(address) as client:
            explained = await client.explain(rows[:2], background=rows)
            return await client.decide(rows, costs, limits=limits), explained

    assert asyncio.run(ask())[0].equals(told)
    assert str(why)


def test_what_the_server_says_is_told(address: str, churn_folder: Path):
    with lamina.Client(address) as client, pytest.raises(ServerError, match="months") as caught:
        client.predict(pl.read_csv(churn_folder / "new.csv").drop("months"))
    assert caught.value.facts["status"] == 422
    with pytest.raises(lamina.LaminaError, match="no address"):
        lamina.Client("localhost:8000")


def test_a_server_that_is_not_there():
    with (
        lamina.Client("http://127.0.0.1:9", retries=0) as client,
        pytest.raises(ServerError, match="reached"),
    ):
        client.model()


def test_serving_needs_a_model_that_is_there(tmp_path: Path):
    command = [sys.executable, "-m", "lamina.cli.main", "serve", str(tmp_path / "no.lamina")]
    ran = subprocess.run(command, capture_output=True, text=True, env=dict(os.environ), check=False)
    assert ran.returncode == 1
    assert "no such file" in ran.stderr


def test_headers_that_do_not_end_are_not_read_for_ever(address: str):
    host, port = address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as slow:
        with suppress(ConnectionError):
            for _ in range(40):  # four megabytes of one header
                slow.sendall(b"GET /healthz HTTP/1.1\r\nX: " + b"x" * 100_000)
        with suppress(ConnectionError):
            assert slow.recv(1) == b""


def test_where_it_cannot_listen_it_says_so(address: str, model_files: Path):
    port = address.rpartition(":")[2]
    asked = ["serve", str(model_files / "churn.lamina"), "--port", port]
    told = subprocess.run(
        [sys.executable, "-m", "lamina.cli.main", *asked], capture_output=True, text=True, check=False
    )
    assert told.returncode == 2
    assert f"port {port}, cannot be listened at" in told.stderr
    assert "--port" in told.stderr.partition("→")[2]
