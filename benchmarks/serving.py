"""One network behind HTTP: Lamina's server and others, on the same cores, asked by wrk for one row at a time.

    python -m benchmarks.serving DATA [--peers PYTHON] [--seconds 5] [--model FILE] [--digits FILE]

DATA is the folder of data sets; PYTHON that of an environment in which FastAPI, LitServe, BentoML and MLflow
are installed beside Lamina. Server and load generator share the machine; every server computes on one thread.
Every line is a server, the number of connections, requests a second, and the 50th and 99th percentile of the
time to an answer.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl

import lamina
from benchmarks.sets import SETS

HERE = Path(__file__).parent / "serving_peers"
CONNECTIONS = (1, 32)
PEERS = ("fastapi", "litserve", "bentoml", "mlflow")


def main() -> None:
    options = parsed()
    train, test = SETS["telco_churn"].load(options.data)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        model = options.model or folder / "churn.lamina"
        if options.model is None:
            lamina.fit(train, "Churn").save(model)
        rows = test.drop("Churn").to_dicts()[:1000]
        bodies = folder / "rows.txt"
        bodies.write_text("\n".join(map(json.dumps, rows)))
        print(f"load of the machine before: {os.getloadavg()[0]:.1f}")
        with served(lamina_command(model), "/healthz") as url:
            tell("lamina", url + "/v1/predict", bodies, options.seconds)
            tell_tables(url, test.drop("Churn")[:1000])
        if options.digits is not None:
            with served(lamina_command(options.digits), "/healthz") as url:
                tell_pictures(url, options.data, options.seconds)
        for name in options.only or PEERS if options.peers else ():
            command, address, body = peer(name, options.peers, model, folder, rows)
            with served(command, None, body, environment(model, options.peers), address) as url:
                tell(name, url + address, body, options.seconds)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.serving", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--peers", help="Python of an environment with the other servers")
    parser.add_argument("--only", type=lambda text: text.split(","), help="only these of the other servers")
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--model", type=Path, help="a network for telco_churn that is fitted already")
    parser.add_argument("--digits", type=Path, help="a network for MNIST that is fitted already")
    return parser.parse_args()


# ------------------------------------------------------------------------------------------- servers


def lamina_command(model: Path) -> list[str]:
    return [sys.executable, "-m", "lamina.cli.main", "serve", str(model), "--port", "{port}"]


def environment(model: Path, python: str) -> dict[str, str]:
    """For a peer: one thread, and its own programs first."""
    path = f"{Path(python).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "MODEL": str(model), "OMP_NUM_THREADS": "1", "PATH": path}


def peer(
    name: str, python: str, model: Path, folder: Path, rows: list[dict[str, Any]]
) -> tuple[list[str], str, Path]:
    """The command that starts a peer, its address, and the bodies it takes."""
    plain, wrapped = folder / "plain.txt", folder / f"{name}.txt"
    plain.write_text("\n".join(map(json.dumps, rows)))
    script = HERE / f"behind_{name}.py"
    if name in ("fastapi", "litserve"):
        return [python, str(script), str(model), "{port}"], "/predict", plain
    if name == "bentoml":
        wrapped.write_text("\n".join(json.dumps({"row": row}) for row in rows))
        here = ["--working-dir", str(HERE)]
        return (
            [python, "-m", "bentoml", "serve", "behind_bentoml:Network", "--port", "{port}", *here],
            "/predict",
            wrapped,
        )
    wrapped.write_text("\n".join(json.dumps({"dataframe_records": [row]}) for row in rows))
    written = folder / "mlflow"
    subprocess.run([python, str(script), str(model), str(written)], check=True, capture_output=True)
    serve = ["models", "serve", "-m", str(written), "--env-manager", "local", "-p", "{port}", "-w", "1"]
    return [python, "-m", "mlflow", *serve], "/invocations", wrapped


@contextlib.contextmanager
def served(
    command: list[str],
    ready: str | None,
    body: Path | None = None,
    env: dict[str, str] | None = None,
    address: str = "",
) -> Iterator[str]:
    """A server while it runs; its address once it answers: at ``ready``, or a first row."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    filled = [each.replace("{port}", str(port)) for each in command]
    began = time.perf_counter()
    process = subprocess.Popen(
        filled, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=env, start_new_session=True
    )
    try:
        asked = url + (ready or address)
        content = None if body is None else body.read_text().partition("\n")[0].encode()
        while not answers(asked, content):
            if process.poll() is not None or time.perf_counter() - began > 120:
                said = process.stderr.read().decode()[-2000:] if process.poll() is not None else "no answer"
                raise SystemExit(f"{' '.join(filled)}: {said}")
            time.sleep(0.02)
        resident = memory(process.pid)
        print(f"  ready after {time.perf_counter() - began:.2f} s, {resident:,.0f} MB resident", flush=True)
        yield url
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
        process.stderr.close()


def answers(url: str, content: bytes | None) -> bool:
    request = urllib.request.Request(url, content, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False


def memory(process: int) -> float:
    """MB resident of a process and its children."""
    found = subprocess.run(
        ["ps", "-o", "rss=", "--ppid", str(process), "-p", str(process)], capture_output=True, text=True
    )
    return sum(map(int, found.stdout.split())) / 1024


# ---------------------------------------------------------------------------------------------- load


def tell(name: str, url: str, bodies: Path, seconds: int) -> None:
    for connections in CONNECTIONS:
        load(url, bodies, connections, 2)  # warm
        told = load(url, bodies, connections, seconds)
        rate, failed = told["requests"] / told["seconds"], told["refused"] + told["broken"]
        print(
            f"  {name:<10} {connections:>3} connections  {rate:>9,.0f} requests/s  "
            f"p50 {told['p50_ms']:>8.2f} ms  p99 {told['p99_ms']:>8.2f} ms  {failed} failed",
            flush=True,
        )


def load(url: str, bodies: Path, connections: int, seconds: int) -> dict[str, Any]:
    command = [
        "wrk",
        "-t1",
        f"-c{connections}",
        f"-d{seconds}s",
        "--timeout",
        "30s",
        "-s",
        str(HERE / "load.lua"),
        url,
    ]
    said = subprocess.run([*command, "--", str(bodies)], capture_output=True, text=True, check=True)
    return json.loads(said.stdout.strip().splitlines()[-1])


def tell_tables(url: str, rows: pl.DataFrame) -> None:
    """1,000 rows at once, as JSON and as Arrow."""
    arrow = io.BytesIO()
    rows.write_ipc(arrow)
    kind = "application/vnd.apache.arrow.file"
    for name, content, headers in (
        ("JSON", json.dumps({"rows": rows.to_dicts()}).encode(), {"Content-Type": "application/json"}),
        ("Arrow", arrow.getvalue(), {"Content-Type": kind, "Accept": kind}),
    ):
        took = [seconds_of(url + "/v1/predict", content, headers) for _ in range(23)][3:]
        took.sort()
        print(
            f"  1,000 rows of {name:<6} {rows.height / took[len(took) // 2]:>9,.0f} rows/s (median of 20)",
            flush=True,
        )


def tell_pictures(url: str, data: Path, seconds: int) -> None:
    """MNIST pictures as PNG files in forms, one at a time, over one connection."""
    import httpx2 as httpx
    from PIL import Image

    from lamina.data.read import read

    _, test = SETS["mnist"].load(data)
    pictures = read(test, part="test").frame["image"][:200]
    files = []
    for each in pictures.to_numpy():
        buffer = io.BytesIO()
        Image.fromarray(each).save(buffer, "png")
        files.append(buffer.getvalue())
    took, began = [], time.perf_counter()
    with httpx.Client() as client:
        while time.perf_counter() - began < seconds:
            start = time.perf_counter()
            answer = client.post(url + "/v1/predict", files={"image": files[len(took) % len(files)]})
            answer.raise_for_status()
            took.append(time.perf_counter() - start)
    took.sort()
    print(
        f"  PNG upload   1 connection  {len(took) / sum(took):>9,.0f} requests/s  "
        f"p50 {took[len(took) // 2] * 1e3:>8.2f} ms  p99 {took[int(len(took) * 0.99)] * 1e3:>8.2f} ms",
        flush=True,
    )  # fmt: skip


def seconds_of(url: str, content: bytes, headers: dict[str, str]) -> float:
    began = time.perf_counter()
    with urllib.request.urlopen(urllib.request.Request(url, content, headers)) as answer:
        answer.read()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
