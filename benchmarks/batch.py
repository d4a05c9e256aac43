"""A file of millions of rows answered by one command, killed at 60 % and gone on with.

    python -m benchmarks.batch DATA [--rows 20000000] [--form parquet] [--engine onnx] [--model FILE] [--once]

The test part of adult, repeated. Told are rows per second by the clock and of processor time, the most memory
that the process had, and whether the run that was killed gave the same bytes as the one that was not
(``--once`` leaves that out). ``--form csv`` or ``ndjson``: with reading text in bounded memory.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import polars as pl

import lamina
from benchmarks.sets import SETS
from lamina.files import sha256_of

SHARE: Final = 0.6  # of the parts, after which the second run is killed
AT_ONCE: Final = 65_536  # rows that are answered at once


class Ran(NamedTuple):
    """How one command ended: its exit status (below 0: the signal), seconds, and its most memory in MB."""

    code: int
    seconds: float
    processor: float
    memory: float


def main() -> None:
    options = parsed()
    train, test = SETS["adult"].load(options.data)
    with tempfile.TemporaryDirectory(dir=options.scratch) as place:
        folder = Path(place)
        model = options.model or folder / "adult.lamina"
        if options.model is None:
            lamina.fit(train, "income", quality=options.quality).save(model)
            if options.engine == "onnx":
                lamina.load(model).export(model)
        source = folder / f"rows.{options.form}"
        write(test.drop("income"), source, options.rows)
        megabytes = source.stat().st_size / 1e6
        print(f"{options.rows:,} rows, {megabytes:,.0f} MB of {options.form}")
        print(
            f"load before {os.getloadavg()[0]:.1f}, threads {os.environ.get('OMP_NUM_THREADS', 'all')}",
            flush=True,
        )
        whole = folder / "whole.parquet"
        tell("whole", run(command(model, source, whole, options.engine)), options.rows)
        if options.once:
            return
        digest, size = sha256_of(whole), whole.stat().st_size
        whole.unlink()
        resumed = folder / "resumed.parquet"
        again = command(model, source, resumed, options.engine)
        parts = int(SHARE * options.rows / AT_ONCE)
        tell("killed", run(again, folder / ".resumed.parquet.job", parts), int(SHARE * options.rows))
        tell("gone on with", run(again), options.rows - parts * AT_ONCE)
        same = sha256_of(resumed) == digest
        print(f"{size / 1e6:,.0f} MB of answers: {'the same bytes' if same else 'OTHER BYTES'}")


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.batch", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--rows", type=int, default=20_000_000)
    parser.add_argument("--form", choices=("parquet", "csv", "ndjson"), default="parquet")
    parser.add_argument("--engine", choices=("torch", "onnx"), default="onnx")
    parser.add_argument("--quality", choices=("fast", "good"), default="good")
    parser.add_argument("--model", type=Path, help="a network for adult that is fitted already")
    parser.add_argument("--scratch", type=Path, help="where the files go for as long as it takes")
    parser.add_argument("--once", action="store_true", help="only the run that nothing interrupts")
    return parser.parse_args()


def write(rows: pl.DataFrame, path: Path, count: int) -> None:
    """The rows again and again until there are so many, some at a time."""
    from lamina.data.write import write_parts

    def parts(at_once: int = 50) -> Iterator[pl.DataFrame]:
        several = pl.concat([rows] * at_once)
        for start in range(0, count, several.height):
            yield several[: min(several.height, count - start)]

    write_parts(parts(), path)


def command(model: Path, source: Path, target: Path, engine: str) -> list[str]:
    asked = ["predict", str(model), str(source), "-o", str(target), "--engine", engine]
    return [sys.executable, "-W", "ignore", "-m", "lamina.cli.main", *asked]


def run(arguments: list[str], folder: Path | None = None, parts: int = 0) -> Ran:
    """Runs a command to its end, or kills it once so many parts lie in the folder."""
    began = time.perf_counter()
    process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    while folder is not None and not _ended(process.pid):
        if folder.is_dir() and len(list(folder.glob("*.parquet"))) >= parts:
            process.send_signal(signal.SIGKILL)
            break
        time.sleep(0.05)
    assert process.stderr is not None
    said = process.stderr.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, -signal.SIGKILL):
        sys.exit(said.decode(errors="replace")[-2000:])
    processor, memory = used.ru_utime + used.ru_stime, used.ru_maxrss / 1024
    return Ran(process.returncode, time.perf_counter() - began, processor, memory)


def _ended(process: int) -> bool:
    """Whether it has, without taking what ``wait4`` tells of it."""
    return os.waitid(os.P_PID, process, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def tell(what: str, ran: Ran, rows: int) -> None:
    print(
        f"  {what:<13} {ran.seconds:>7.1f} s, {ran.processor:>7.1f} s of processor; "
        f"{rows / ran.seconds:>9,.0f} rows/s, {rows / ran.processor:>9,.0f} of processor time; "
        f"at most {ran.memory:,.0f} MB",
        flush=True,
    )


if __name__ == "__main__":
    main()
