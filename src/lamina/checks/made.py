"""Small made frames of every built-in kind: missing, unseen and unreadable values among them."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import polars as pl

from lamina.catalog import ANSWERS
from lamina.features.masks import as_png
from lamina.records import Field, Schema

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


def _texts(seed: int, unseen: bool) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    words = ["tea", "coffee", "cold", "hot", "never", "again", "très", "bon", "茶", "好"]
    cells: list[str | None] = [" ".join(rng.choice(words, rng.integers(1, 12))) for _ in range(ROWS)]
    cells[3] = None
    if unseen:
        cells[:6] = ["", "🙂", "Ⅻ unseen", "cold " * 3000, "<b>", "\x00\u202e"]
    return pl.DataFrame({"review": cells}, schema={"review": pl.String})


def _recordings(seed: int, unseen: bool) -> pl.DataFrame:
    import soundfile

    rng = np.random.default_rng(seed)
    cells: list[bytes | None] = []
    for row in range(ROWS):
        rate, channels = (11_025, 1 + row % 2) if unseen else (8000, 1)
        file = io.BytesIO()
        wave = 0.3 * rng.normal(size=(rate // 5 + 40 * (row % 7), channels))
        soundfile.write(file, wave, rate, format="FLAC" if unseen and row % 3 else "WAV")
        cells.append(file.getvalue())
    cells[3] = None
    if unseen:
        silence = io.BytesIO()
        soundfile.write(silence, np.zeros(900), 8000, format="WAV")
        cells[1], cells[4], cells[5] = b"no recording", (cells[4] or b"")[:30], silence.getvalue()
    return pl.DataFrame({"recording": cells})


def _clips(seed: int, unseen: bool) -> pl.DataFrame:
    from PIL import Image

    rng = np.random.default_rng(seed)
    cells: list[bytes | None] = []
    for row in range(ROWS):
        shape = (3 + row % 4, 9, 11, 3) if unseen else (4, 10, 12, 3)
        frames = [Image.fromarray(each) for each in rng.integers(0, 256, shape, dtype=np.uint8)]
        file = io.BytesIO()
        frames[0].save(file, "GIF", save_all=True, append_images=frames[1:])
        cells.append(file.getvalue())
    cells[3] = None
    if unseen:
        cells[1], cells[4] = b"no clip", (cells[4] or b"")[:60]
    return pl.DataFrame({"clip": cells})


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
    "text": _texts,
    "audio": _recordings,
    "video": _clips,
    "series": _series,
    "set": _sets,
    "vector": _vectors,
    "place": _places,
}

# What a kind's input layer would choose by itself, and the checks want otherwise.
SPECS: dict[str, dict[str, Any]] = {
    "image": {"widths": [4, 6], "depths": [1, 3], "shift": 1, "mirror": True},
    "audio": {"bands": 12, "widths": [4, 6], "depths": [1, 2], "mask": [2, 2]},
    "video": {"widths": [4, 6], "depths": [1, 3], "shift": 1, "mirror": True},
    "series": {"widths": [4, 6]},
    "vector": {"size": 3},
    "place": {"waves": 2},
}


def made_answers(name: str) -> tuple[pl.DataFrame, Schema]:
    """A frame that holds answers of this kind, of several kinds with some of them missing, and its schema."""
    frame = _answers()
    chosen = ("classes", "number", "labels", "ordered", "quantiles") if name == "several" else (name,)
    fields = tuple(
        Field(name=each, kind=ANSWERS[each].kind, role="target", why="made", form=_FORMS.get(each, {}))
        for each in chosen
    )
    if name == "several":
        gaps = pl.Series(np.arange(ROWS) % 5 == 0)
        missing = [pl.when(gaps).then(None).otherwise(pl.col(each)).alias(each) for each in chosen[1:]]
        frame = frame.with_columns(missing)
    return frame.select(chosen), Schema(fields)


_FORMS: dict[str, dict[str, Any]] = {
    "labels": {"answer": "labels", "cells": "labels"},
    "ordered": {"answer": "ordered", "order": ["low", "medium", "high", "extreme"]},
    "quantiles": {"answer": "quantiles", "levels": [0.1, 0.5, 0.75, 0.9]},
    "count": {"answer": "count"},
    "amount": {"answer": "amount"},
    "transcript": {"answer": "transcript", "cells": "category"},
    "mask": {"answer": "mask"},
}
# Of a recording or pixels of a picture, in answers that are read part by part: the made ones have as many
FRAMES = 12


def _answers() -> pl.DataFrame:
    rng = np.random.default_rng(0)
    labels = [[each for each in ("new", "red", "big") if rng.random() < 0.4] for _ in range(ROWS)]
    numbers = rng.normal(100, 20, ROWS)
    return pl.DataFrame(
        {
            "classes": rng.choice(["yes", "no", "maybe"], ROWS),
            "number": numbers,
            "quantiles": numbers,
            "count": rng.poisson(2, ROWS),
            "amount": np.exp(rng.normal(3, 1, ROWS)),
            "ordered": rng.choice(["low", "medium", "high"], ROWS),
            "labels": pl.Series(labels, dtype=pl.List(pl.String)),
            "transcript": rng.choice(["one two nine", "six two four", "ten one five"], ROWS),
            "mask": pl.Series([as_png(each) for each in rng.integers(0, 3, (ROWS, 3, 4))], dtype=pl.Binary),
        }
    )
