"""``python -m benchmarks.many_rows --data FOLDER``: rows of adult answered a second, everything told.

Fits adult at default quality, repeats its test rows to a million in a Parquet file, and times
``Model.predict`` on that file: by torch on every ``--devices``, by ONNX Runtime, and by a graph of 8 bits.
Then what of it the network takes alone, and with novelty. The best of ``--times`` calls after the first.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl

import lamina
from benchmarks import machine
from benchmarks.sets import SETS
from lamina.predictions.answers import judge_of

ENCODED = 200_000  # rows given to the network alone
NUMBERS = ("age", "fnlwgt", "education-num", "capital-gain", "capital-loss", "hours-per-week")


def main() -> None:
    options = _options()
    facts = machine.describe(options.threads)
    print(machine.name_of(facts), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        measured(options, Path(folder))


def measured(options: argparse.Namespace, folder: Path) -> None:
    """A line of JSON for every way to answer."""
    known = SETS["adult"]
    assert known.target is not None
    train, test = known.load(Path(options.data))
    model = lamina.fit(train, known.target, quality=options.quality, on=lamina.Machine(progress=False))
    plain, graph, eight = (folder / f"{name}.lamina" for name in ("plain", "graph", "eight"))
    model.save(plain)
    file = folder / "rows.parquet"
    repeated(test, known.target, options.rows).write_parquet(file)
    for device in options.devices:
        tell(f"torch, {device}", lamina.load(plain, device=device), file, options)
    lamina.load(plain).export(graph)
    tell("ONNX Runtime", lamina.load(graph, engine="onnx"), file, options)
    model.export(eight, test, int8=True)
    tell("ONNX Runtime, 8 bits", lamina.load(eight, engine="onnx"), file, options)


def repeated(test: Any, target: str, rows: int) -> pl.DataFrame:
    """The test rows without their answers, over and over; numbers as numbers."""
    frame = test if isinstance(test, pl.DataFrame) else pl.read_csv(test, infer_schema=False)
    frame = frame.drop(target).with_columns(
        pl.col(name).cast(pl.String).str.strip_chars().cast(pl.Int64) for name in NUMBERS
    )
    return pl.concat([frame] * (rows // len(frame) + 1)).head(rows)


def tell(name: str, model: lamina.Model, file: Path, options: argparse.Namespace) -> None:
    fitted = model.fitted
    rows = pl.read_parquet(file)
    arrays = fitted.features.transform(model._inputs(rows.head(ENCODED)))
    judge, encoded = judge_of(fitted), min(ENCODED, len(rows))
    row = {
        "engine": name,
        "rows_per_s": rate(lambda: model.predict(file), len(rows), options.times),
        "network_rows_per_s": rate(lambda: fitted.engine.answered(arrays), encoded, options.times),
        "with_novelty_rows_per_s": rate(
            lambda: fitted.engine.answered(arrays, judge), encoded, options.times
        ),
    }
    print(json.dumps(row), flush=True)


def rate(ask: Callable[[], object], rows: int, times: int) -> int:
    """Rows a second, at best."""
    best = float("inf")
    for call in range(times + 1):
        began = time.perf_counter()
        ask()
        best = min(best, time.perf_counter() - began) if call else best
    return round(rows / best)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.many_rows", description=__doc__)
    parser.add_argument("--data", required=True, help="the folder with the data sets")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--quality", default="good")
    parser.add_argument("--devices", nargs="+", default=["cpu"], help="cpu, cuda")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--times", type=int, default=3)
    return parser.parse_args()


if __name__ == "__main__":
    main()
