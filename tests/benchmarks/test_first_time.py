"""The plain script, and seconds until its accuracy, on small made digits."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from benchmarks.run import ROOT, surroundings

from benchmarks import first_time, job
from small_data import write_idx

SMALL = (8, 8)


def write_28(folder: Path) -> None:
    """Digits of 28 × 28 pixels, as the script wants them."""
    for path in write_idx(folder).iterdir():
        raw = path.read_bytes()
        if "images" in path.name:
            count = int.from_bytes(raw[4:8], "big")
            small = np.frombuffer(raw, np.uint8, offset=16).reshape(count, *SMALL)
            large = np.pad(small.repeat(3, 1).repeat(3, 2), ((0, 0), (2, 2), (2, 2)))
            path.write_bytes(raw[:8] + (28).to_bytes(4, "big") * 2 + large.tobytes())


def test_the_script_says_when_it_was_how_good(tmp_path: Path):
    write_28(tmp_path)
    command = [sys.executable, "-m", "benchmarks.mnist_script", str(tmp_path), "--passes", "2"]
    done = subprocess.run(command, cwd=ROOT, env=surroundings(1), capture_output=True, text=True, check=True)
    points = [json.loads(line) for line in done.stdout.splitlines()]
    assert [each["pass"] for each in points] == [1, 2]
    assert 0 < points[0]["seconds"] < points[1]["seconds"]
    assert all(0 <= each["accuracy"] <= 1 for each in points)


@pytest.mark.slow
def test_the_whole_command_is_timed(tmp_path: Path):
    write_idx(tmp_path)
    told = first_time.ours(tmp_path, "fast", argparse.Namespace(seed=0, threads=1))
    (point,) = told["points"]
    assert point["accuracy"] > 0.3
    assert point["seconds"] > 1
    assert point["processor_seconds"] > 1


def row(peer: str, *points: tuple[float, float]) -> dict[str, object]:
    told = [{"accuracy": right, "seconds": after, "processor_seconds": 2 * after} for right, after in points]
    return {"peer": peer, "points": told}


def test_how_many_times_sooner():
    rows = [row("torch-script", (0.98, 50.0), (0.9912, 200.0)), row("lamina-fast", (0.996, 16.0))]
    (told,) = first_time.verdicts(rows)
    assert "99.60% after 16.0 s, the script 99.1% after 200.0 s: 12.5 times sooner (12.5 times by" in told


def test_who_is_never_there_is_not_compared():
    rows = [row("torch-script", (0.98, 50.0)), row("lamina-fast", (0.996, 16.0))]
    assert "nothing to compare" in first_time.verdicts(rows)[0]


@pytest.mark.parametrize("peer", ["torch-script", "mlp-pixels"])
@pytest.mark.filterwarnings("ignore")
def test_peers_of_pictures(peer: str, tmp_path: Path):
    write_28(tmp_path / "images" / "mnist")
    asked = {"suite": "images", "set": "mnist", "seed": 0, "threads": 1, "data": str(tmp_path), "peer": peer}
    found = job.run(asked)
    assert found["scores"]["accuracy"] > 0.2, found
    assert found["rows"] == 50
