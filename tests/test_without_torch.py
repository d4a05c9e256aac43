"""Predicting and serving with ONNX Runtime where torch is not installed: importing it is a failure."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2 as httpx
import polars as pl
import pytest

import lamina
from lamina.client import ServerError
from lamina.model import Model

pytest.importorskip("onnxscript")
pytest.importorskip("onnxruntime")

# What stands in no environment that only answers; None in sys.modules is as if it were not installed
ABSENT = ("torch", "sklearn", "scipy", "pandas", "onnx", "onnxscript")
BLOCKED = f"import sys\nfor name in {ABSENT!r}:\n    sys.modules[name] = None\n"


def run(code: str, folder: Path, *, blocked: bool = True) -> str:
    """What the code prints in a Python of its own."""
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", (BLOCKED if blocked else "") + code],
        capture_output=True, text=True, check=False, cwd=folder,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, churn_model: Model, churn_folder: Path) -> Path:
    """``churn.lamina``, exported, ``plain.lamina``, which is not, ``new.csv``, and what torch answers."""
    found = tmp_path_factory.mktemp("light")
    churn_model.save(found / "plain.lamina")
    model = lamina.load(found / "plain.lamina")
    model.export(found / "churn.lamina", churn_folder / "test.csv")
    (found / "new.csv").write_bytes((churn_folder / "new.csv").read_bytes())
    model.predict(found / "new.csv").write_parquet(found / "told.parquet")
    return found


def check_told(told: pl.DataFrame, folder: Path) -> None:
    wanted = pl.read_parquet(folder / "told.parquet")
    assert told.columns == wanted.columns
    for one, two in zip(told, wanted, strict=True):
        if one.dtype.is_float():
            assert float((one - two).abs().max() or 0) <= 1e-5  # type: ignore[arg-type]
        else:
            assert one.equals(two), one.name


def test_a_table_and_a_row_are_answered(folder: Path):
    run(
        "import lamina\nmodel = lamina.load('churn.lamina', engine='onnx')\n"
        "told = model.predict('new.csv')\ntold.write_parquet('own.parquet')\n"
        "import polars as pl\nrow = pl.read_csv('new.csv').to_dicts()[3]\n"
        "assert model.predict(row)['predicted_churned'] == [told['predicted_churned'][3]]\n"
        "str(model)",
        folder,
    )
    check_told(pl.read_parquet(folder / "own.parquet"), folder)


def test_torch_is_not_loaded_where_it_is_installed(folder: Path):
    code = (
        "import sys, lamina\nlamina.load('churn.lamina', engine='auto').predict('new.csv')\n"
        "import lamina.serve.starting as starting\nfrom pathlib import Path\n"
        "from lamina.serve.app import app_of\n"
        "app_of(starting.service_for([Path('churn.lamina')], starting.Settings()))\n"
        f"print([name for name in {ABSENT!r} if name in sys.modules])"
    )
    assert run(code, folder, blocked=False).strip() == "[]"


def test_what_needs_torch_says_so(folder: Path):
    said = run(
        "import lamina\nfrom lamina.errors import MissingTorchError\n"
        "model = lamina.load('churn.lamina', engine='onnx')\n"
        "for ask in (model.inspect, lambda: model.explain('new.csv'), lambda: lamina.load('plain.lamina')):\n"
        "    try:\n        ask()\n    except MissingTorchError as error:\n        print(error)\n",
        folder,
    )
    assert said.count("needs torch, which is not installed") == 3
    assert said.count("pip install torch") == 3


def command(*arguments: str) -> str:
    return (
        f"import sys\nsys.argv = {['lamina', *arguments]!r}\nfrom lamina.cli.main import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code"
    )


def test_commands_answer(folder: Path):
    run(command("predict", "churn.lamina", "new.csv", "-o", "own.csv", "--only-answers"), folder)
    told = pl.read_csv(folder / "own.csv")
    wanted = pl.read_parquet(folder / "told.parquet")
    assert told["predicted_churned"].equals(wanted["predicted_churned"])
    assert float((told["probability"] - wanted["probability"]).abs().max()) <= 1e-5  # type: ignore[arg-type]


def test_a_store_answers_and_decides(folder: Path, churn_model: Model):
    store = lamina.Store(folder / "store")
    store.add(churn_model)
    store.export()
    run(
        "import lamina\nstore = lamina.Store('store', engine='onnx')\n"
        "told = store.predict('new.csv', log=True)\ntold.drop('id').write_parquet('own.parquet')\n"
        "costs = lamina.Costs({'call': {'yes': 5, 'no': 5}, 'wait': {'yes': 100, 'no': 0}})\n"
        "assert store.decide('new.csv', costs).height == 50\nassert store.rollback() == 1",
        folder,
    )
    check_told(pl.read_parquet(folder / "own.parquet"), folder)


@contextmanager
def served(folder: Path, *arguments: str) -> Iterator[str]:
    """The address of a server without torch."""
    code = BLOCKED + command("serve", *arguments, "--port", "0")
    started = [sys.executable, "-W", "error", "-c", code]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(started, stdout=subprocess.PIPE, text=True, cwd=folder, env=environment) as server:
        assert server.stdout is not None
        try:
            yield server.stdout.readline().split(" at ")[1].strip().removesuffix("/docs")
        finally:
            server.terminate()


def test_a_server_answers_over_http(folder: Path):
    with served(folder, "churn.lamina") as address, lamina.Client(address) as client:
        check_told(client.predict(folder / "new.csv").drop("version", strict=False), folder)
        row = pl.read_csv(folder / "new.csv").to_dicts()[0]
        alone = client.predict(row)
        assert json.dumps(alone["predicted_churned"][0])
        with pytest.raises(ServerError, match="needs torch, which is not installed"):
            client.explain(row)


def test_a_champion_without_a_graph_is_told_and_the_one_before_goes_on(folder: Path, churn_model: Model):
    store = lamina.Store(folder / "shop")
    store.add(churn_model)
    store.export()
    row = pl.read_csv(folder / "new.csv").to_dicts()[0]
    with served(folder, "shop") as address, httpx.Client(base_url=address) as client:

        def until(behind: bool) -> dict[str, Any]:
            """What it says of itself, once it has noticed."""
            for _ in range(100):
                told: dict[str, Any] = client.get("/readyz").raise_for_status().json()
                if ("behind" in told) is behind:
                    return told
                time.sleep(0.1)
            raise AssertionError(told)

        def version() -> str:
            answer = client.post("/v1/predict", json=row).raise_for_status()
            return str(answer.json()["version"])

        until(behind=False)
        assert version() == "2"
        assert client.post("/v1/rollback", json={"to": 1}).json()["behind"]["champion"] == "1"
        (told,) = until(behind=True)["behind"]
        assert (told["model"], told["answering"], told["champion"]) == ("shop", "2", "1")
        assert "needs torch" in told["problem"]
        assert "lamina export shop" in told["remedy"]
        assert version() == "2"
        assert client.get("/v1/model").json()["behind"] == told
        assert 'lamina_behind{model="shop"} 1.0' in client.get("/metrics").text
        store.export()  # where torch is
        until(behind=False)
        for _ in range(100):
            if version() == "3":
                break
            time.sleep(0.1)
        assert version() == "3"
        assert "behind" not in client.get("/v1/model").json()
        assert 'lamina_behind{model="shop"} 0.0' in client.get("/metrics").text
