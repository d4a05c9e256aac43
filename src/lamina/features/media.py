"""Media cells → arrays: every cell decoded once, in parallel, into memory that stays within a bound.

All decoded pictures, recordings and clips of a process together take at most ``IN_MEMORY`` bytes; arrays
that would go beyond it lie in a temporary file that is mapped to memory: the system keeps there what is in
use and takes back the rest. The file has no name and is gone with the array, or with the process.
"""

from __future__ import annotations

import mmap
import os
import tempfile
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import polars as pl

from lamina.errors import OutputError
from lamina.progress import Bar

IN_MEMORY = 2 * 2**30  # bytes of decoded media held in memory; beyond it they lie in a temporary file
CHUNK = 64  # cells decoded by one call of a worker
PATIENCE = 2.0  # seconds before a progress bar appears

Decode = Callable[[Any], np.ndarray | None]


def decoded(
    cells: pl.Series, shape: Sequence[int], decode: Decode, *, dtype: Any = np.uint8, title: str = "reading"
) -> tuple[np.ndarray, np.ndarray]:
    """Every cell through ``decode``: an array ``(rows, *shape)``, and whether there is one, bool ``(rows,)``.

    ``decode`` gets a path, the bytes of a file, or a nested value, and answers None for what cannot be
    read; such rows and missing ones are zeros. It runs in as many threads as there are processors.
    """
    rows = room((len(cells), *shape), dtype)
    present = np.zeros(len(cells), bool)

    def read(start: int) -> None:
        for row, cell in enumerate(cells[start : start + CHUNK], start):
            array = None if cell is None else decode(cell)
            if array is not None:
                rows[row] = array
                present[row] = True

    starts = range(0, len(cells), CHUNK)
    with Bar(title, len(cells), after=PATIENCE) as bar, ThreadPoolExecutor(os.cpu_count()) as pool:
        for start, _ in zip(starts, pool.map(read, starts), strict=True):
            bar.at(start + CHUNK)
            release(rows)
    return rows, present


def sampled(cells: pl.Series, most: int) -> Iterator[Any]:
    """At most this many of the filled cells, taken evenly: the rows of a folder come sorted by class."""
    filled = cells.drop_nulls()
    yield from filled.gather(np.linspace(0, max(len(filled) - 1, 0), min(most, len(filled))).astype(int))


def content(cell: Any, most: int) -> bytes | None:
    """The bytes of a file, given as such or by its path; None beyond ``most`` bytes, and for no file."""
    if isinstance(cell, bytes):
        return cell if len(cell) <= most else None
    try:
        with open(cell, "rb") as file:
            return file.read() if os.fstat(file.fileno()).st_size <= most else None
    except (OSError, ValueError):
        return None


# ------------------------------------------------------------------------------------ bounded memory

_lock = threading.Lock()
_held = [0]  # bytes of the arrays from ``room`` that are in memory and in use


def room(shape: Sequence[int], dtype: Any = np.uint8) -> np.ndarray:
    """Zeros of this shape: in memory while all such arrays stay within ``IN_MEMORY``, else in a mapped file.

    Raises ``OutputError`` where the temporary folder has no space for it.
    """
    size = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
    with _lock:
        if _held[0] + size > IN_MEMORY:
            return _mapped(tuple(shape), dtype, size)
        _held[0] += size
    array = np.zeros(shape, dtype)
    weakref.finalize(array, _give_back, size)
    return array


def _give_back(size: int) -> None:
    with _lock:
        _held[0] -= size


def _mapped(shape: tuple[int, ...], dtype: Any, size: int) -> np.ndarray:
    try:
        with tempfile.TemporaryFile(prefix="lamina-") as file:
            _reserve(file.fileno(), size)
            return np.ndarray(shape, dtype, buffer=mmap.mmap(file.fileno(), size))
    except OSError as error:
        raise OutputError(
            f"{size / 2**30:.1f} GB of decoded media do not fit the temporary folder "
            f"{tempfile.gettempdir()}: {error.strerror or error}.",
            "Free space there, name a larger folder by the environment variable TMPDIR, "
            "or give a smaller `size`.",
            bytes=size,
        ) from error


def _reserve(file: int, size: int) -> None:
    """Space on the disk now: running out of it later would end the process."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file, 0, size)
    else:
        os.truncate(file, size)


def release(array: np.ndarray) -> None:
    """Lets the system take back the memory of a mapped array; what it holds stays in the file."""
    if isinstance(array.base, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        array.base.madvise(mmap.MADV_DONTNEED)
