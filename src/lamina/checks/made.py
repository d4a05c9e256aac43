"""Small made frames of every built-in kind: missing, unseen and unreadable values among them."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import polars as pl

ROWS = 48  # of a made frame

# seed, unseen → a frame; with unseen, it holds values that a frame without does not
Maker = Callable[[int, bool], pl.DataFrame]


def _numbers(seed: int, unseen: bool) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    usual = rng.normal(100, 20, ROWS).tolist()
    usual[::7] = [None] * len(usual[::7])
    counts: list[float | None] = rng.integers(0, 3, ROWS).astype(float).tolist()
    counts[1] = None
    if unseen:
        usual[:6] = [1e30, -1e30, float("nan"), float("inf"), float("-inf"), 1e-30]
    return pl.DataFrame(
        {"usual": usual, "counts": counts}, schema={"usual": pl.Float64, "counts": pl.Float64}
    )


def _words(seed: int, unseen: bool) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    colours: list[str | None] = rng.choice(["red", "green", "blue"], ROWS).tolist()
    sizes: list[str | None] = [f"{size}" for size in rng.permutation(ROWS) % 9]  # none of them rare
    colours[2:5], sizes[-1] = [None, "once", "red"], None
    if unseen:
        colours[:6] = ["new", "new", "", "naïve 🙂", "new", None]
        colours = ["red" if each == "once" else each for each in colours]
    return pl.DataFrame({"colour": colours, "size": sizes})


def _flags(seed: int, unseen: bool) -> pl.DataFrame:
    drawn = np.random.default_rng(seed).integers(0, 3, ROWS)
    flags = [(False, True, None)[each] for each in drawn]
    return pl.DataFrame(
        {"member": flags, "paid": flags[::-1]}, schema={"member": pl.Boolean, "paid": pl.Boolean}
    )


def _dates(seed: int, unseen: bool) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    start = datetime(1890, 2, 28, 23, 59) if unseen else datetime(2020, 1, 1)
    opened = [start + timedelta(hours=int(each)) for each in rng.integers(0, 40_000, ROWS)]
    closed = [
        each + timedelta(days=int(days)) for each, days in zip(opened, rng.integers(0, 90, ROWS), strict=True)
    ]
    frame = pl.DataFrame({"opened": opened, "closed": closed})
    missing = pl.Series(np.arange(ROWS) % 6 == 0)
    return frame.with_columns(closed=pl.when(missing).then(None).otherwise(pl.col("closed")))


def _pictures(seed: int, unseen: bool) -> pl.DataFrame:
    from PIL import Image

    rng = np.random.default_rng(seed)
    cells: list[bytes | None] = []
    for row in range(ROWS):
        shape = (9 + row % 5, 12, 3) if unseen else (10, 12, 3)
        file = io.BytesIO()
        Image.fromarray(rng.integers(0, 256, shape, dtype=np.uint8)).save(file, "PNG")
        cells.append(file.getvalue())
    cells[3] = None
    if unseen:
        cells[1], cells[4] = b"no picture", (cells[4] or b"")[:60]
    return pl.DataFrame({"picture": cells})


def _series(seed: int, unseen: bool) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    cells: list[list[float | None] | None] = [
        rng.normal(5, 2, int(length)).cumsum().tolist() for length in rng.integers(1, 24, ROWS)
    ]
    cells[2], cells[5], cells[7] = None, [], [None, 3.0, None]
    if unseen:
        cells[:4] = [[1e30, -1e30], rng.normal(0, 1, 700).tolist(), [float("nan"), float("inf")], [0.0] * 30]
    return pl.DataFrame({"signal": cells}, schema={"signal": pl.List(pl.Float64)})


def _sets(seed: int, unseen: bool) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    colours = ["red", "green", "blue", "black"]
    cells: list[list[str] | None] = [
        [colours[each] for each in rng.permutation(4)[: rng.integers(0, 5)]] for _ in range(ROWS)
    ]
    cells[1], cells[2], cells[3] = None, ["once", "red"], ["red"] * 3
    if unseen:
        cells[:4] = [["new", "red"], ["new"], [*map(str, range(90)), "blue"], ["naïve 🙂", "red", ""]]
    return pl.DataFrame({"tags": cells}, schema={"tags": pl.List(pl.String)})


def _vectors(seed: int, unseen: bool) -> pl.DataFrame:
    cells: list[list[float] | None] = np.random.default_rng(seed).normal(3, 2, (ROWS, 6)).tolist()
    cells[4] = None
    if unseen:
        cells[:3] = [[1e300] * 6, [float("nan"), *[0.0] * 5], [1.0, 2.0]]
    return pl.DataFrame({"embedding": cells}, schema={"embedding": pl.List(pl.Float64)})


def _places(seed: int, unseen: bool) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    degrees: list[list[float | None]] = [
        (middle + rng.normal(0, 0.2, ROWS)).tolist() for middle in (47.0, 8.5, 46.2, 6.1)
    ]
    degrees[0][3] = degrees[3][4] = None
    if unseen:
        for axis, odd in enumerate(([90.0, -90.0, 91.0, 0.0], [180.0, -180.0, 0.0, 0.0]) * 2):
            degrees[axis][:4] = odd
    names = ("pickup_lat", "pickup_lon", "dropoff_lat", "dropoff_lon")
    return pl.DataFrame(dict(zip(names, degrees, strict=True)), schema=dict.fromkeys(names, pl.Float64))


MAKERS: dict[str, Maker] = {
    "number": _numbers,
    "category": _words,
    "flag": _flags,
    "date": _dates,
    "image": _pictures,
    "series": _series,
    "set": _sets,
    "vector": _vectors,
    "place": _places,
}

# What a kind's input layer would choose by itself, and the checks want otherwise.
SPECS: dict[str, dict[str, Any]] = {
    "image": {"widths": [4, 6], "depths": [1, 3], "shift": 1, "mirror": True},
    "series": {"widths": [4, 6]},
    "vector": {"size": 3},
    "place": {"waves": 2},
}
