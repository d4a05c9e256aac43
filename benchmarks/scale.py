"""Time and memory as functions of rows and columns: made tables, each point in a process of its own.

``python -m benchmarks.scale --out FOLDER`` writes ``scale.json`` and two plots; ``--points rows,columns``
chooses. Threads are as the environment sets them (OMP_NUM_THREADS, POLARS_MAX_THREADS); seconds are by the
clock and of the processors.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

ROWS: Final = (10_000, 100_000, 1_000_000, 10_000_000)
COLUMNS: Final = (30, 300, 1000, 5000)
PART: Final = 500_000  # rows made at once


# ------------------------------------------------------------------------------------------ made tables


def purchases(rows: int, seed: int) -> pl.DataFrame:
    """30 columns: 20 numbers (1 % missing), 3 counts, 4 categories of 4 to 5,000 values, a flag, a date, and
    whether somebody bought: noisy, curved, and with effects of two columns together."""
    rng = np.random.default_rng((7, seed))
    weights = np.random.default_rng(0).normal(size=5)
    x, counts = rng.normal(size=(rows, 20)), rng.poisson(6, size=(rows, 3))
    city, plan = rng.zipf(1.5, rows).clip(1, 5000), rng.integers(0, 4, rows)
    channel, shop = rng.integers(0, 12, rows), rng.integers(0, 300, rows)
    day, member = rng.integers(0, 2000, rows), rng.random(rows) < 0.3
    leaning = x[:, :5] @ weights + 1.5 * np.sin(2 * x[:, 5]) + x[:, 6] * x[:, 7]
    leaning += 0.2 * (counts[:, 0] - 6) * (plan == 1) + np.where(member, 0.7, -0.3)
    leaning += 0.8 * np.cos(1.7 * shop) + 0.6 * np.sin(0.9 * city) + 0.5 * np.sin(day / 365 * 2 * np.pi)
    bought = rng.random(rows) < 1 / (1 + np.exp(-leaning))
    x[rng.random(x.shape) < 0.01] = np.nan
    return pl.DataFrame({
        **{f"x{k}": pl.Series(x[:, k], nan_to_null=True) for k in range(20)},
        **{f"n{k}": counts[:, k] for k in range(3)},
        "city": named("c", city), "plan": named("plan ", plan), "channel": named("channel ", channel),
        "shop": named("shop ", shop), "day": pl.Series(day, dtype=pl.Int32).cast(pl.Date), "member": member,
        "bought": pl.Series(["no", "yes"]).gather(bought.astype(np.int64)),
    })  # fmt: skip


def wide(rows: int, columns: int) -> pl.DataFrame:
    """Of ten columns six numbers, three categories of 2 to 50 values and a flag; the first of each matter."""
    rng = np.random.default_rng(1)
    flags, words = columns // 10, 3 * columns // 10
    x, flag = rng.normal(size=(rows, columns - flags - words)), rng.random((rows, flags)) < 0.4
    values = rng.integers(2, 51, words)
    word = rng.integers(0, values, (rows, words))
    effect = rng.normal(size=(3, 50))
    leaning = x[:, :8].sum(1) + sum(effect[k][word[:, k]] for k in range(3)) + flag[:, 0]
    leaning += rng.normal(size=rows)
    y = (leaning > np.median(leaning)).astype(np.int64)
    return pl.DataFrame({
        **{f"x{k}": x[:, k] for k in range(x.shape[1])}, **{f"f{k}": flag[:, k] for k in range(flags)},
        **{f"c{k}": named("v", word[:, k]) for k in range(words)}, "y": pl.Series(["no", "yes"]).gather(y),
    })  # fmt: skip


def many_categories(rows: int, values: int) -> pl.DataFrame:
    """One column of so many names, each with an effect of its own."""
    rng = np.random.default_rng(2)
    effect, name, x = rng.normal(size=values), rng.integers(0, values, rows), rng.normal(size=rows)
    y = (effect[name] + x + 0.5 * rng.normal(size=rows) > 0).astype(np.int64)
    return pl.DataFrame({"name": named("n", name), "x": x, "y": pl.Series(["no", "yes"]).gather(y)})


def many_classes(rows: int, classes: int) -> pl.DataFrame:
    """So many classes in clouds of sixteen numbers."""
    rng = np.random.default_rng(3)
    middle, label = rng.normal(size=(classes, 16)), rng.integers(0, classes, rows)
    x = middle[label] + 0.4 * rng.normal(size=(rows, 16))
    return pl.DataFrame({**{f"x{k}": x[:, k] for k in range(16)}, "y": named("class ", label)})


def named(prefix: str, codes: np.ndarray) -> pl.Series:
    """Names of numbers."""
    return pl.select(pl.lit(prefix) + pl.Series(codes).cast(pl.String)).to_series()


def write_purchases(path: Path, rows: int) -> None:
    """Made and written a part at a time."""
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        for number, start in enumerate(range(0, rows, PART)):
            made = purchases(min(PART, rows - start), number)
            made.write_parquet(Path(folder) / f"{number:05}.parquet")
        pl.scan_parquet(f"{folder}/*.parquet").sink_parquet(path)


# --------------------------------------------------------------------------------------------- one point


def point(kind: str, size: int, folder: Path, quality: str) -> dict[str, Any]:
    """Makes the data where it is not there, fits, predicts; the measurements."""
    path, target = data_of(kind, size, folder)
    import lamina

    warnings.simplefilter("ignore")
    import torch  # noqa: F401  the libraries' own memory comes before that of the table

    idle = peak()
    began, worked = time.perf_counter(), processor()
    model = lamina.fit(path, target, quality=quality)
    found: dict[str, Any] = {
        "kind": kind, "size": size, "quality": quality, "fit_seconds": time.perf_counter() - began,
        "fit_processor_seconds": processor() - worked, "idle_megabytes": idle, "peak_megabytes": peak(),
        "raw_megabytes": path.stat().st_size / 1e6, "rows": sum(model.fitted.rows.values()),
        "columns": len(model.schema), "scores": model.validation.scores,
        "seen": [each.loss for each in model.fitted.epochs],
    }  # fmt: skip
    saved = model.save(folder / f"{kind}-{size}.lamina")
    found["model_megabytes"] = saved.stat().st_size / 1e6
    if found["rows"] <= 2_000_000:
        began, worked = time.perf_counter(), processor()
        answered = len(model.predict(path))
        found["predict_rows_per_second"] = answered / (time.perf_counter() - began)
        found["predict_rows_per_processor_second"] = answered / (processor() - worked)
    found["one_row_microseconds"] = one_row(model, pl.scan_parquet(path).drop(target).head(50).collect())
    return found


def one_row(model: Any, rows: pl.DataFrame, times: int = 300) -> float:
    """Median time of one answer for a dict, after warming up."""
    cells, taken = rows.to_dicts(), []
    for each in cells:
        model.predict([each])
    for number in range(times):
        began = time.perf_counter()
        model.predict([cells[number % len(cells)]])
        taken.append(time.perf_counter() - began)
    return float(np.median(taken) * 1e6)


def data_of(kind: str, size: int, folder: Path) -> tuple[Path, str]:
    """The table of a point, and its target."""
    path, made = folder / f"{kind}-{size}.parquet", {
        "columns": lambda: wide(3000, size), "categories": lambda: many_categories(50_000, size),
        "classes": lambda: many_classes(50_000, size),
    }  # fmt: skip
    if not path.exists():
        if kind == "rows":
            write_purchases(path, size)
        else:
            made[kind]().write_parquet(path)
    return path, "bought" if kind == "rows" else "y"


def peak() -> float:
    """The most memory that this process had, megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def processor() -> float:
    used = os.times()
    return used.user + used.system


# -------------------------------------------------------------------------------------------- all points


def plot(points: list[dict[str, Any]], kind: str, path: Path) -> None:
    """Seconds and megabytes over the size, both axes logarithmic."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    chosen = sorted((p for p in points if p["kind"] == kind), key=lambda p: p["size"])
    if len(chosen) < 2:
        return
    figure = Figure(figsize=(8, 3.2), layout="constrained")
    for axis, (name, words) in zip(
        figure.subplots(1, 2),
        (("fit_processor_seconds", "fit, processor seconds"), ("peak_megabytes", "peak memory, MB")),
        strict=True,
    ):
        axis.loglog([p["size"] for p in chosen], [p[name] for p in chosen], "o-")
        axis.set_xlabel(kind)
        axis.set_title(words, fontsize=10)
        axis.grid(visible=True, alpha=0.3)
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": kind}):  # text that can be searched
        figure.savefig(path, metadata={"Date": None})


def line(point: dict[str, Any]) -> str:
    """One measurement in words."""
    return (
        f"{point['kind']} {point['size']:,}: fit {point['fit_seconds']:.1f} s "
        f"({point['fit_processor_seconds']:.1f} s of processors), peak {point['peak_megabytes']:,.0f} MB, "
        f"model {point['model_megabytes']:.1f} MB, one row {point['one_row_microseconds']:.0f} µs, "
        f"{point.get('predict_rows_per_processor_second', 0):,.0f} rows per processor second"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--points", default="rows,columns,categories,classes")
    parser.add_argument("--sizes", help="instead of all sizes of these points, as 10000,100000")
    parser.add_argument("--quality", default="fast")
    parser.add_argument("--one", nargs=2, metavar=("KIND", "SIZE"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    if asked.one:
        print(json.dumps(point(asked.one[0], int(asked.one[1]), asked.out, asked.quality)))
        return
    sizes = {"rows": ROWS, "columns": COLUMNS, "categories": (10_000,), "classes": (1000,)}
    written = asked.out / "scale.json"
    points = json.loads(written.read_text()) if written.exists() else []
    for kind in asked.points.split(","):
        chosen = tuple(map(int, asked.sizes.split(","))) if asked.sizes else sizes[kind]
        for size in chosen:
            command = [sys.executable, "-m", "benchmarks.scale", "--out", str(asked.out), "--quality",
                       asked.quality, "--one", kind, str(size)]  # fmt: skip
            data_of(kind, size, asked.out)  # its making is not measured
            ran = subprocess.run(command, capture_output=True, text=True, check=False)
            if ran.returncode:
                print(f"{kind} {size}: failed\n{ran.stderr[-2000:]}")
                continue
            found = json.loads(ran.stdout.splitlines()[-1])
            points = [p for p in points if (p["kind"], p["size"]) != (kind, size)] + [found]
            written.write_text(json.dumps(points, indent=1))
            print(line(found))
    for kind in ("rows", "columns"):
        plot(points, kind, asked.out / f"scale-{kind}.svg")


if __name__ == "__main__":
    main()
