"""Runs one job after the other, each in a process of its own, and turns every ending into a row."""

from __future__ import annotations

import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from benchmarks import machine
from benchmarks.environments import CannotMakeError, python_of
from benchmarks.peers import PEERS
from benchmarks.results import Results

Row = dict[str, Any]
ROOT = Path(__file__).parent.parent


class Runner:
    """``environments``: the folder in which peers have their own; ``timeout``: seconds for a job."""

    def __init__(self, results: Results, environments: Path, timeout: float) -> None:
        self.results = results
        self.environments = environments
        self.timeout = timeout
        self.commit = machine.commit()

    def run(self, job: Row) -> Row:
        """The job's key, machine and threads with what was measured, or ``failed`` or ``absent`` and why."""
        head = {
            name: job[name] for name in ("suite", "set", "peer", "seed", "threads", "machine") if name in job
        }
        if job["peer"].startswith("lamina"):
            head["commit"] = self.commit
        peer = PEERS[job["peer"]]
        if peer.as_long_as:
            limit = self._seconds(job, peer.as_long_as)
            if limit is None:
                return head | {
                    "absent": f"{peer.as_long_as} has to be measured first: it gives the time limit"
                }
            job = job | {"time_limit": limit}
        try:
            python = (
                python_of(peer.environment, self.environments) if peer.environment else Path(sys.executable)
            )
        except CannotMakeError as error:
            return head | {"absent": f"the environment {peer.environment} cannot be made: {error}"}
        begin = time.perf_counter()
        told = in_process(job, python, self.timeout)
        return head | told | {"whole_s": time.perf_counter() - begin, "date": time.strftime("%Y-%m-%d")}

    def _seconds(self, job: Row, peer: str) -> float | None:
        """Of the other peer's fits of this set with as many threads."""
        taken = [
            row["fit_s"]
            for row in self.results.rows()
            if row["peer"] == peer
            and row["set"] == job["set"]
            and row["threads"] == job["threads"]
            and "fit_s" in row
        ]
        return statistics.median(taken) if taken else None


def in_process(job: Row, python: Path, timeout: float) -> Row:
    """What ``benchmarks.job`` wrote, or what it said at the end."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "job.json"
        file.write_text(json.dumps(job), encoding="utf-8")
        with open(Path(folder) / "said", "w+", encoding="utf-8", errors="replace") as said:
            process = subprocess.Popen(
                [str(python), "-m", "benchmarks.job", str(file)], cwd=ROOT, stdout=said, stderr=said,
                env=surroundings(job["threads"]), start_new_session=True,
            )  # fmt: skip
            try:
                code = process.wait(timeout)
            except subprocess.TimeoutExpired:
                return {"failed": f"took longer than {timeout:.0f} s"}
            finally:
                _end(process)
            result = Path(f"{file}.result")
            if code == 0 and result.exists():
                return json.loads(result.read_text(encoding="utf-8"))
            said.seek(0)
            lines = [line.strip() for line in said.read().splitlines() if line.strip()]
        how = f"ended by signal {-code}" if code < 0 else f"ended with {code}"
        return {"failed": (lines[-1] if lines else how)[:300]}


def _end(process: subprocess.Popen[Any]) -> None:
    """With all that it has started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def surroundings(threads: int) -> dict[str, str]:
    pools = ("OMP", "MKL", "OPENBLAS", "NUMEXPR", "LOKY")
    limits = {f"{pool}_NUM_THREADS": str(threads) for pool in pools}
    limits |= {"POLARS_MAX_THREADS": str(threads), "LOKY_MAX_CPU_COUNT": str(threads)}
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    return {**os.environ, **limits, "PYTHONPATH": path, "TOKENIZERS_PARALLELISM": "false"}
