"""Cells that hold or name media: what their first bytes say, and how they name files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

import polars as pl

MEDIA_KINDS: Final = ("image", "audio", "video")
_LOOKED_AT: Final = 50  # cells
_AGREE: Final = 0.9  # share of them that must be of one kind
_STARTS: Final[tuple[tuple[str, tuple[bytes, ...]], ...]] = (
    ("image", (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\x00", b"MM\x00*", b"\x00\x00\x00\x0cjP")),
    (
        "audio",
        (
            b"fLaC",
            b"OggS",
            b"ID3",
            b"\xff\xfb",
            b"\xff\xf3",
            b"\xff\xf2",
            b"\xff\xe3",
            b"\xff\xf1",
            b"\xff\xf9",
        ),
    ),
    ("video", (b"\x1aE\xdf\xa3", b"\x00\x00\x01\xba", b"\x00\x00\x01\xb3", b"0&\xb2u", b"FLV\x01")),
)
_RIFF: Final = {b"WEBP": "image", b"WAVE": "audio", b"AVI ": "video"}
_BRANDS: Final = {b"avif": "image", b"avis": "image", b"M4A ": "audio", b"M4B ": "audio"}
_WEB: Final = r"(?i)^\s*(https?|ftp|s3|gs)://"
_FILE: Final = r"(?i)^\s*file://"


def kind_of_bytes(start: bytes) -> str | None:
    """``image``, ``audio`` or ``video`` by the first 12 bytes of a file.

    >>> kind_of_bytes(bytes.fromhex("89504e470d0a1a0a0000000d"))
    'image'
    """
    if start[:4] in (b"RIFF", b"RF64"):
        return _RIFF.get(start[8:12])
    if start[:4] == b"FORM" and start[8:12] in (b"AIFF", b"AIFC"):
        return "audio"
    if start[4:8] == b"ftyp":
        return _BRANDS.get(start[8:12], "video")
    if start[4:8] in (b"moov", b"mdat", b"wide"):
        return "video"
    return next((kind for kind, marks in _STARTS if start.startswith(marks)), None)


def kind_of_cells(cells: pl.Series) -> str | None:
    """What nearly all encoded files of a Binary column are."""
    found = [kind_of_bytes(bytes(cell[:12])) for cell in cells.drop_nulls().head(_LOOKED_AT)]
    return next((k for k in MEDIA_KINDS if found and found.count(k) >= _AGREE * len(found)), None)


def all_moving(cells: Sequence[Any]) -> bool:
    """Whether all of these GIF files (paths or bytes) hold more than one picture: then they are clips."""
    return bool(cells) and all(_moves(cell) for cell in cells)


def _moves(cell: Any) -> bool:
    import io

    from PIL import Image

    try:
        with Image.open(io.BytesIO(cell) if isinstance(cell, bytes) else cell) as image:
            return image.format == "GIF" and getattr(image, "n_frames", 1) > 1
    except Exception:  # a broken file can raise nearly anything from a decoder
        return False


def as_paths(raw: pl.Series) -> pl.Series:
    """Text cells as plain paths: ``file://`` addresses turned into paths, blanks cut off, "" as null."""
    if raw.dtype != pl.String:
        return raw
    text = raw.str.strip_chars()
    text = pl.select(pl.when(text != "").then(text)).to_series().alias(raw.name)
    addresses = text.filter(text.str.contains(_FILE).fill_null(False)).unique()
    if not len(addresses):
        return text
    return text.replace(addresses, pl.Series([_path_of(each) for each in addresses], dtype=pl.String))


def _path_of(address: str) -> str:
    """``file:///a%20b.png`` → ``/a b.png``; on another machine's disk nothing can be read: the path stays."""
    parts = urlsplit(address)
    path = url2pathname(parts.path)
    return path if parts.netloc in ("", "localhost") else unquote(f"//{parts.netloc}{path}")


def on_the_web(raw: pl.Series) -> pl.Series:
    """Which text cells are addresses in a network, bool; all False for other cells."""
    if raw.dtype != pl.String:
        return pl.Series([False]).new_from_index(0, len(raw))
    return raw.str.contains(_WEB).fill_null(False)


def absolute(value: str, folder: Path) -> str:
    """A path relative to the folder as an absolute one; absolute ones and addresses stay as they are."""
    value = value.strip()
    return value if "://" in value else str(folder / value)
