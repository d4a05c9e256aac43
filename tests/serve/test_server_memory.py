"""A server that answers by torch keeps nothing for every number of rows that ever came."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import httpx2 as httpx
import polars as pl
import pytest

from small_data import churn_table

HEIGHTS = range(200, 1000, 5)  # 160 numbers of rows


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads what Linux tells of a process")
def test_memory_does_not_grow_with_the_numbers_of_rows_that_came(model_files: Path):
    rows = churn_table(max(HEIGHTS), seed=3).drop("churned").with_columns(pl.col("joined").cast(pl.String))
    model = str(model_files / "churn.lamina")
    command = [sys.executable, "-m", "lamina.cli.main", "serve", model, "--port", "0", "--engine", "torch"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        address = server.stdout.readline().split(" at ")[1].strip().removesuffix("/docs")
        try:
            with httpx.Client(timeout=60) as client:
                for height in (*HEIGHTS[:20], *HEIGHTS[-20:]):
                    ask(client, address, rows[:height])
                before = resident(server.pid)
                for height in HEIGHTS:
                    ask(client, address, rows[:height])
                assert resident(server.pid) - before < 25
        finally:
            server.terminate()


def ask(client: httpx.Client, address: str, rows: pl.DataFrame) -> None:
    answer = client.post(
        f"{address}/v1/predict", content=rows.write_csv(), headers={"Content-Type": "text/csv"}
    )
    assert answer.status_code == 200
    assert len(answer.json()["answers"]) == rows.height


def resident(process: int) -> float:
    """Megabytes in memory."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024
