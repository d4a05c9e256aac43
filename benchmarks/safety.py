"""A server under fire: load, promotions, bad bodies, slow clients and overload at once, then it is stopped.

    python -m benchmarks.safety DATA [--seconds 600] [--digits FILE] [--schemathesis PROGRAM]

Every answer is compared with that of ``Model.predict`` of the version that it names. Asked for: no status of
500 or more but 503, no wrong answer, memory that does not grow, and nothing lost when it is stopped: every
row that was answered stands in the log.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2 as httpx
import numpy as np
import polars as pl

import lamina
from benchmarks.bad_bodies import Body, bad_pictures, bad_tables
from benchmarks.sets import SETS

CLIENTS, BURST, BURST_ROWS = 8, 80, 200


@dataclass
class Found:
    """What came of it all."""

    statuses: Counter[int] = field(default_factory=Counter)
    bad: Counter[int] = field(default_factory=Counter)
    versions: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)
    lost: int = 0
    promotions: int = 0
    slow: int = 0
    code: int | None = None

    def lines(self) -> list[str]:
        third = max(1, len(self.memory) // 3)
        return [
            f"answers by status {dict(self.statuses)}, by version {dict(self.versions)}",
            f"promotions {self.promotions}",
            f"bad bodies by status {dict(self.bad)}",
            f"statuses of 500 and more but 503: {len(self.failed)} {self.failed[:5]}",
            f"wrong answers: {len(self.wrong)} {self.wrong[:3]}",
            f"answers cut off: {len(self.broken)} {self.broken[:3]}",
            f"slow clients sent away: {self.slow}",
            f"rows answered {len(self.ids):,}, of them not in the log {self.lost:,}",
            f"memory, MB: first third at most {max(self.memory[:third], default=0):,.0f}, last third at most "
            f"{max(self.memory[-third:], default=0):,.0f}",
            f"ended with {self.code}",
        ]


class Siege:
    """One server, and everything that is done to it."""

    def __init__(self, store: Path, rows: pl.DataFrame, key: str, digits: Path | None = None) -> None:
        self.store, self.rows, self.key, self.digits = lamina.Store(store), rows, key, digits
        self.target = self.store.champion.fitted.target.targets[0]
        self.name = store.name
        wanted = [self.store.model(version).predict(rows) for version in (1, 2)]
        self.wanted = {str(k): frame for k, frame in enumerate(wanted, 1)}
        self.dicts = rows.to_dicts()
        self.found = Found()
        self.numbers = itertools.count()
        self.over = False

    def run(self, seconds: float, bodies: Iterable[tuple[str, Body]], every: float) -> Found:
        command = [
            sys.executable,
            "-m",
            "lamina.cli.main",
            "serve",
            str(self.store.place),
            "--port",
            "0",
            "--log",
        ]
        if self.digits is not None:
            command.insert(5, str(self.digits))
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            self.url = server.stdout.readline().split(" at ")[1].strip().removesuffix("/docs")
            try:
                asyncio.run(self._siege(server, seconds, list(bodies), every))
                self.found.code = server.wait(60)
            finally:
                server.kill()
        self.found.lost = len(self.found.ids - {*self.store.opened.calls.frame()["row_id"]})
        return self.found

    async def _siege(
        self, server: subprocess.Popen[str], seconds: float, bodies: list[tuple[str, Body]], every: float
    ) -> None:
        until = time.monotonic() + seconds
        async with httpx.AsyncClient(timeout=60, limits=httpx.Limits(max_connections=400)) as client:
            self.client = client
            work = [asyncio.create_task(self._load(seed)) for seed in range(CLIENTS)]
            work += [
                asyncio.create_task(each)
                for each in (
                    self._promote(every),
                    self._send(bodies),
                    self._overload(every),
                    self._watch(server.pid),
                    self._slow(),
                )
            ]
            await asyncio.sleep(max(0.0, until - time.monotonic()))
            server.send_signal(signal.SIGTERM)
            await asyncio.sleep(0.5)
            self.over = True
            for task in work[CLIENTS:]:
                task.cancel()
            await asyncio.gather(*work, return_exceptions=True)

    async def _load(self, seed: int) -> None:
        rng = random.Random(seed)
        while not self.over:
            places = [rng.randrange(len(self.dicts)) for _ in range(rng.choice((1, 1, 1, 5)))]
            await self._ask(places)

    async def _ask(self, places: list[int]) -> None:
        """Some rows, whose answers are compared."""
        ids = [f"{next(self.numbers)}" for _ in places]
        body = [self.dicts[place] | {self.key: own} for place, own in zip(places, ids, strict=True)]
        try:
            answer = await self.client.post(f"{self._start()}/predict", json=body)
        except (httpx.ConnectError, httpx.RemoteProtocolError, httpx.ReadError) as error:
            if not self._stopping(error):
                self.found.broken.append(f"{type(error).__name__} {error}")
            self.over = self.over or isinstance(error, httpx.ConnectError)
            return
        self.found.statuses[answer.status_code] += 1
        if answer.status_code == 200:
            self._compare(answer.json(), places, ids)
        elif answer.status_code >= 500 and answer.status_code != 503:
            self.found.failed.append(answer.text[:200])

    def _start(self) -> str:
        return f"{self.url}/v1/models/{self.name}"

    @staticmethod
    def _stopping(error: Exception) -> bool:
        """Whether a connection ended before anything was sent back, as when a server stops to listen."""
        return (
            isinstance(error, httpx.ConnectError)
            or "without sending a response" in str(error)
            or not str(error)
        )

    def _compare(self, told: dict[str, Any], places: list[int], ids: list[str]) -> None:
        self.found.versions[told["version"]] += 1
        self.found.ids.update(ids)
        wanted = self.wanted[told["version"]]
        for row, place, own in zip(told["answers"], places, ids, strict=True):
            right = row[f"predicted_{self.target}"] == wanted[f"predicted_{self.target}"][place]
            near = np.isclose(row["probability"], wanted["probability"][place], atol=1e-5)
            if not (right and near and row["id"] == own):
                self.found.wrong.append(f"row {place}, version {told['version']}: {row}")

    async def _promote(self, every: float) -> None:
        versions = (2, 1)
        while True:
            await asyncio.sleep(every)
            await asyncio.to_thread(self.store.rollback, versions[self.found.promotions % 2])
            self.found.promotions += 1

    async def _send(self, bodies: list[tuple[str, Body]]) -> None:
        """All bad bodies, again and again; none to verbs that change the store for real."""
        while True:
            for model, body in bodies:
                url = f"{self.url}/v1/models/{model}/{body.verb}"
                with suppress(httpx.TransportError):
                    answer = await self.client.post(
                        url, content=body.content, headers={"Content-Type": body.kind}
                    )
                    self.found.bad[answer.status_code] += 1
                    if answer.status_code >= 500 and answer.status_code != 503:
                        self.found.failed.append(
                            f"{body.verb} {body.kind} {body.content[:80]!r} {answer.text[:300]}"
                        )

    async def _overload(self, every: float) -> None:
        """Ten times as many as before, all at once, each with many rows."""
        while True:
            await asyncio.sleep(every / 2)
            places = [[(start + k) % len(self.dicts) for k in range(BURST_ROWS)] for start in range(BURST)]
            await asyncio.gather(*(self._ask(each) for each in places))

    async def _slow(self) -> None:
        """Clients that send a byte now and then."""
        host, port = self.url.removeprefix("http://").split(":")
        while True:
            _, writer = await asyncio.open_connection(host, int(port))
            writer.write(
                b"POST /v1/models/%s/predict HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n"
                % self.name.encode()
            )
            with suppress(OSError):
                for _ in range(20):
                    writer.write(b"X-A: b\r\n")
                    await writer.drain()
                    await asyncio.sleep(0.1)
                writer.close()
                self.found.slow += 1

    async def _watch(self, process: int) -> None:
        while True:
            status = Path(f"/proc/{process}/status").read_text()
            self.found.memory.append(int(status.split("VmRSS:")[1].split()[0]) / 1024)
            await asyncio.sleep(1.0)


def store_at(place: Path, models: list[lamina.Model], key: str) -> Path:
    """A store with two versions."""
    store = lamina.Store(place)
    for model in models:
        store.add(model, id=key)
    return place


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.safety", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--every", type=float, default=20, help="seconds between promotions")
    parser.add_argument("--digits", type=Path, help="a network for pictures, to send broken ones to")
    parser.add_argument("--schemathesis", help="the program, to try the OpenAPI document")
    options = parser.parse_args()
    train, test = SETS["telco_churn"].load(options.data)
    with tempfile.TemporaryDirectory() as folder:
        models = [lamina.fit(train, "Churn", quality="fast", seed=seed) for seed in (0, 1)]
        store = store_at(Path(folder) / "churn", models, "customerID")
        rows = test.drop("Churn")[:500]
        bodies = [("churn", each) for each in bad_tables(rows.to_dicts()[0])]
        if options.digits is not None:
            import io

            from PIL import Image

            picture = io.BytesIO()
            Image.new("L", (28, 28), 90).save(picture, "png")
            bodies += [(options.digits.stem, each) for each in bad_pictures(picture.getvalue())]
        print(f"{len(bodies)} bad bodies, {options.seconds:g} seconds, load before {os.getloadavg()[0]:.1f}")
        found = Siege(store, rows, "customerID", options.digits).run(options.seconds, bodies, options.every)
        print("\n".join(found.lines()))
        if options.schemathesis:
            print(schemathesis(options.schemathesis, store))


def schemathesis(program: str, store: Path) -> str:
    """What schemathesis says of the server and its document."""
    command = [sys.executable, "-m", "lamina.cli.main", "serve", str(store), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        url = server.stdout.readline().split(" at ")[1].strip().removesuffix("/docs")
        asked = [
            program,
            "run",
            f"{url}/openapi.json",
            "--checks",
            "not_a_server_error",
            "--max-examples",
            "30",
        ]
        said = subprocess.run(asked, capture_output=True, text=True, check=False)
        server.send_signal(signal.SIGTERM)
    return f"schemathesis ended with {said.returncode}:\n" + said.stdout[-3000:]


if __name__ == "__main__":
    main()
