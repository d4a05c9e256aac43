"""Pictures: those that cannot be opened, and those that are nearly the same.

Every picture is brought to small grey pixels. The signs of the differences between neighbours make 64 bits
(a difference hash); pictures that stand next to each other when sorted by these bits, from four starting
points, are compared pixel by pixel. The time grows with the number of pictures, not of pairs.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import numpy as np
import polars as pl

from lamina.data.doctor.case import Case, some
from lamina.data.doctor.twins import near_copies
from lamina.records import Finding

MOST_PICTURES: Final = 50_000
MOST_PIXELS: Final = 64_000_000  # of one file, checked before it is decoded
SIDE: Final = 16
NEXT: Final = 6  # neighbours in each order that a picture is compared with
MOST_BITS: Final = 6  # of 64 that may differ
CLOSE: Final = 0.1  # root mean square difference of the pixels over their spread, at most
CHUNK: Final = 256


def pictures(case: Case) -> Iterator[Finding]:
    """Broken pictures and near copies in every picture column."""
    for field in case.schema.with_role("input"):
        if field.kind != "image" or field.name not in case.frame.columns:
            continue
        series = case.frame[field.name]
        rows = np.flatnonzero(series.is_not_null().to_numpy())
        seen = rows[np.linspace(0, len(rows) - 1, min(len(rows), MOST_PICTURES)).astype(np.int64)]
        small, readable = small_pictures(series.gather(pl.Series(seen)))
        if not readable.all():
            yield _broken(case, field.name, seen[~readable])
        pairs = similar_pictures(small[readable])
        yield from near_copies(case, field.name, "pictures", seen[readable][pairs], len(rows) > len(seen))


def _broken(case: Case, column: str, rows: np.ndarray) -> Finding:
    case.detail("broken-media", column, rows)
    return Finding(
        severity="warning",
        code="broken-media",
        column=column,
        rows=case.rows(rows),
        count=len(rows),
        message=f"{some(len(rows), 'picture', 'pictures')} of {column!r} cannot be opened: the file is not "
        "there, is cut, or is no picture. Such rows are set aside in training.",
        remedy="Repair the files or remove the rows; the others are used.",
    )


def small_pictures(series: pl.Series) -> tuple[np.ndarray, np.ndarray]:
    """Grey pixels, float32 ``(pictures, SIDE, SIDE)`` from 0 to 255, and which could be opened."""
    if isinstance(series.dtype, pl.Array) and not series.null_count():
        return _shrunk(series.to_numpy()), np.ones(len(series), bool)
    small, readable = np.zeros((len(series), SIDE, SIDE), np.float32), np.zeros(len(series), bool)

    def read(start: int) -> None:
        for row, cell in enumerate(series[start : start + CHUNK], start):
            pixels = _opened(cell)
            if pixels is not None:
                small[row], readable[row] = pixels, True

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(read, range(0, len(series), CHUNK)))
    return small, readable


def _shrunk(pixels: np.ndarray) -> np.ndarray:
    """Pixels ``(pictures, height, width[, channels])`` as the means of SIDE × SIDE cells."""
    if pixels.ndim == 4:
        pixels = pixels.mean(3, dtype=np.float32)
    down, across = (np.linspace(0, size, SIDE + 1).astype(int) for size in pixels.shape[1:3])
    tall, wide = (
        np.minimum(each[:-1], size - 1) for each, size in ((down, pixels.shape[1]), (across, pixels.shape[2]))
    )
    sums = np.add.reduceat(np.add.reduceat(pixels.astype(np.float32), tall, axis=1), wide, axis=2)
    counts = np.maximum(np.diff(np.r_[tall, pixels.shape[1]]), 1)[:, None] * np.maximum(
        np.diff(np.r_[wide, pixels.shape[2]]), 1
    )
    return sums / counts


def _opened(cell: Any) -> np.ndarray | None:
    """One cell as grey pixels; ``None`` where it is no picture. Whatever a decoder raises means that."""
    from PIL import Image

    try:
        if isinstance(cell, pl.Series | np.ndarray | list):
            return _shrunk(np.asarray(cell, np.uint8)[None])[0]
        with Image.open(io.BytesIO(cell) if isinstance(cell, bytes) else cell) as image:
            if image.width * image.height > MOST_PIXELS:
                return None
            image.draft("L", (4 * SIDE, 4 * SIDE))
            grey = image.convert("L").resize((SIDE, SIDE), Image.Resampling.BOX)
            return np.asarray(grey, np.float32)
    except Exception:
        return None


def hashes_of(small: np.ndarray) -> np.ndarray:
    """64 bits per picture, uint64 ``(pictures,)``: is a cell brighter than its right neighbour?"""
    cells = small.reshape(len(small), 8, 2, SIDE).mean(2)
    places = np.linspace(0, SIDE - 1, 9).round().astype(int)
    bits = cells[:, :, places[1:]] > cells[:, :, places[:-1]] + 1.0
    return np.packbits(bits.reshape(len(small), 64), axis=1).view(np.uint64)[:, 0]


def similar_pictures(small: np.ndarray) -> np.ndarray:
    """Pairs of places whose pictures are nearly the same, int64 ``(pairs, 2)``, first < second."""
    if len(small) < 2:
        return np.empty((0, 2), np.int64)
    hashes = hashes_of(small)
    found = []
    for turn in (0, 16, 32, 48):
        turned = (hashes << np.uint64(turn)) | (hashes >> np.uint64((64 - turn) % 64))
        order = np.argsort(turned, kind="stable")
        for step in range(1, min(NEXT, len(order) - 1) + 1):
            pair = np.stack([order[:-step], order[step:]], axis=1)
            bits = np.bitwise_count(hashes[pair[:, 0]] ^ hashes[pair[:, 1]])
            found.append(pair[bits <= MOST_BITS])
    pairs = np.unique(np.sort(np.concatenate(found), axis=1), axis=0)
    return pairs[_close(small, pairs)]


def _close(small: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """Which pairs differ by little, measured by how much the pictures vary; blank ones count too."""
    close = np.zeros(len(pairs), bool)
    for start in range(0, len(pairs), 20_000):
        first, second = (small[pairs[start : start + 20_000, side]] for side in (0, 1))
        apart = np.sqrt(((first - second) ** 2).mean((1, 2)))
        spread = np.maximum(np.minimum(first.std((1, 2)), second.std((1, 2))), 1.0)
        close[start : start + 20_000] = apart <= CLOSE * spread
    return close
