"""idx files, the format of MNIST: big-endian arrays with a short header (http://yann.lecun.com).

Header: two zero bytes, one byte for the type, one for the number of dimensions, then each
dimension as a 32-bit integer; the values follow, row by row.
"""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import polars as pl

from lamina.data.compression import open_unpacked
from lamina.data.table import Table
from lamina.errors import SourceError

Part = Literal["all", "train", "test"]
_TYPES: Final = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_NAME: Final = re.compile(r"(?P<stem>.*?)(?P<what>images?|labels?)[-._]?idx(?P<rank>\d)[-._]\w+(?:\.gz)?$")
_TEST: Final = ("t10k", "test")


def is_idx(head: bytes) -> bool:
    """Whether unpacked bytes begin like an idx file."""
    return len(head) >= 4 and head[:2] == b"\0\0" and head[2] in _TYPES and 1 <= head[3] <= 4


def find_idx(folder: Path) -> list[Path]:
    """The image files in idx format that a folder holds, by name."""
    names = (path for path in sorted(folder.iterdir()) if path.is_file())
    return [path for path in names if (m := _NAME.match(path.name)) and m["what"][0] == "i"]


def read_array(path: Path) -> np.ndarray[Any, Any]:
    """The array of an idx file, plain or gzip. Raises ``SourceError`` where it is cut or no idx."""
    with open_unpacked(path) as stream:
        header = stream.read(4)
        if not is_idx(header):
            raise SourceError(
                f"{path.name} is no idx file: it begins with {header.hex(' ')}.",
                "Give the original file, such as train-images-idx3-ubyte.gz.",
                source=str(path),
            )
        sizes = stream.read(4 * header[3])
        shape = tuple(int(n) for n in np.frombuffer(sizes[: len(sizes) // 4 * 4], ">u4"))
        kind = np.dtype(_TYPES[header[2]])
        content = stream.read()
    expected = math.prod(shape) * kind.itemsize if len(shape) == header[3] else -1
    if len(content) != expected:
        raise SourceError(
            f"{path.name} is cut or altered: its header tells of {expected:,} bytes of values "
            f"in shape {shape}, {len(content):,} follow.",
            "Copy or download the file again.",
            source=str(path),
        )
    array = np.frombuffer(content, kind).reshape(shape)
    return array if kind.itemsize == 1 else array.astype(kind.newbyteorder("="))


def read_idx(path: Path) -> Table:
    """One idx file: pictures with the labels beside them, labels alone, or rows of numbers."""
    array = read_array(path)
    if array.ndim == 1:
        match = _NAME.match(path.name)
        images = _sibling(path, "image", "3") if match and match["what"][0] == "l" else None
        if images is not None:
            return read_idx(images)
        return Table(pl.DataFrame({"label": _labels(array)}), path.name, ("idx",), "label")
    labels = _sibling(path, "label", "1")
    columns = _columns(array, path)
    if labels is None:
        return Table(pl.DataFrame(columns), path.name, ("idx, no labels beside it",))
    answers = read_array(labels)
    if answers.ndim != 1 or len(answers) != len(array):
        raise SourceError(
            f"{path.name} has {len(array):,} rows, {labels.name} has {len(answers):,} labels.",
            "Give two files that belong together.",
            source=str(path),
        )
    frame = pl.DataFrame([*columns, pl.Series("label", _labels(answers))])
    return Table(frame, path.name, (f"idx, labels from {labels.name}",), "label")


def read_folder(folder: Path, part: Part = "all") -> Table:
    """A folder such as MNIST's: ``train-images-…`` and ``t10k-images-…`` with their labels."""
    found = find_idx(folder)
    tests = [path for path in found if path.name.startswith(_TEST)]
    trains = [path for path in found if path not in tests]
    chosen = {"all": trains + tests, "train": trains, "test": tests}[part]
    notes: tuple[str, ...] = ()
    if not chosen:
        notes, chosen = (f"no {part} part here: everything was read",), found
    tables = [read_idx(path) for path in chosen]
    label = tables[0].label if all(table.label for table in tables) else None
    frames = [table.frame if label else table.frame.drop("label", strict=False) for table in tables]
    if len({tuple(frame.schema.items()) for frame in frames}) > 1:
        raise SourceError(
            f"The idx files in {folder} hold pictures of different sizes.",
            "Read them one by one.",
            source=str(folder),
        )
    frame = pl.concat(frames) if len(frames) > 1 else frames[0]
    read = f"idx: {', '.join(path.name for path in chosen)}"
    return Table(frame, str(folder), (read, *notes), label)


def _columns(array: np.ndarray[Any, Any], path: Path) -> list[pl.Series]:
    """Pictures as one column of UInt8 arrays; a matrix as columns x0, x1, …"""
    if array.ndim == 2:
        return [pl.Series(f"x{n}", array[:, n]) for n in range(array.shape[1])]
    if array.dtype != np.uint8:
        raise SourceError(
            f"{path.name} holds pictures of {array.dtype}; idx pictures are read as bytes (uint8).",
            "Scale the values to 0…255 and write them as unsigned bytes.",
            source=str(path),
        )
    if not array.size:
        raise SourceError(f"{path.name} has no rows.", "Give a file with pictures.", source=str(path))
    return [pl.Series("image", array)]


def _labels(array: np.ndarray[Any, Any]) -> pl.Series:
    """Labels as text, as class folders would name them: "7"."""
    return pl.Series("label", array).cast(pl.String)


def _sibling(path: Path, what: str, rank: str) -> Path | None:
    """The file with the labels (or images) that belongs to this one, packed or not."""
    match = _NAME.match(path.name)
    if match is None:
        return None
    for other in sorted(path.parent.iterdir()):
        found = _NAME.match(other.name)
        same = found and found["stem"] == match["stem"] and found["rank"] == rank
        if same and found and found["what"].startswith(what):
            return other
    return None
