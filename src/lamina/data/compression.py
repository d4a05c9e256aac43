"""What a file really is, by its first bytes; and its content, decompressed within bounds."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, Final

import polars as pl

from lamina.errors import SourceError

# More than this is not unpacked in memory; a small file that grows so far is a trap, not data.
MAX_UNPACKED: Final = 4 << 30
# Beyond the first 64 MiB, honest data does not shrink more than this.
MAX_RATIO: Final = 400
_FREE: Final = 64 << 20

_MAGIC: Final[tuple[tuple[bytes, str], ...]] = (
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"PAR1", "parquet"),
    (b"ARROW1", "arrow"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "excel"),
    (b"\x89PNG\r\n\x1a\n", "PNG picture"),
    (b"\xff\xd8\xff", "JPEG picture"),
    (b"GIF8", "GIF picture"),
    (b"BM", "BMP picture"),
    (b"II*\x00", "TIFF picture"),
    (b"MM\x00*", "TIFF picture"),
    (b"%PDF", "PDF document"),
    (b"SQLite format 3\x00", "SQLite database"),
    (b"\x93NUMPY", "numpy array"),
    (b"\x89HDF", "HDF5 file"),
    (b"\x7fELF", "program"),
    (b"MZ\x90", "program"),
    (b"Rar!", "RAR archive"),
    (b"7z\xbc\xaf", "7z archive"),
    (b"\x80\x04\x95", "Python pickle"),
    (b"OggS", "Ogg recording"),
    (b"ID3", "MP3 recording"),
    (b"fLaC", "FLAC recording"),
)
_OPENERS: Final[dict[str, Callable[[Path], Any]]] = {
    "gzip": gzip.GzipFile,
    "bzip2": bz2.BZ2File,
    "xz": lzma.LZMAFile,
}
COMPRESSED: Final = frozenset({"gzip", "bzip2", "xz", "zstd"})
BROKEN: Final = (OSError, EOFError, lzma.LZMAError, zlib.error, ValueError)


def recognise(head: bytes) -> str | None:
    """The format that the first bytes (300 or more) betray, or ``None``: text, or unknown."""
    if head[:4] == b"RIFF":
        return {b"WAVE": "WAV recording", b"WEBP": "WebP picture"}.get(head[8:12], "RIFF file")
    if head[4:8] == b"ftyp":
        return "MP4 video"
    if head[257:262] == b"ustar":
        return "tar"
    for magic, name in _MAGIC:
        # "BM" alone is two letters that a text may start with: a picture has a zero field there.
        if head.startswith(magic) and (magic != b"BM" or head[6:10] == bytes(4)):
            return name
    return None


def head_of(path: Path, size: int = 1024) -> bytes:
    """The first bytes of a file. Raises ``SourceError`` where it cannot be opened."""
    try:
        with path.open("rb") as file:
            return file.read(size)
    except OSError as error:
        raise SourceError(
            f"{path} cannot be opened: {error.strerror or error}.",
            "Check the rights of the file, or copy it to a place you can read.",
            path=str(path),
        ) from error


class Bounded(io.RawIOBase):
    """A readable stream that refuses to give more than the bounds above."""

    def __init__(self, stream: IO[bytes], name: str, packed: int) -> None:
        super().__init__()
        self._stream = stream
        self._name = name
        self._limit = min(MAX_UNPACKED, max(_FREE, packed * MAX_RATIO))
        self._given = 0

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fills the buffer; raises ``SourceError`` beyond the bounds and where the data is cut."""
        try:
            data = self._stream.read(len(buffer))
        except BROKEN as error:
            raise cut(self._name, error) from error
        self._given += len(data)
        if self._given > self._limit:
            raise too_large(self._name, self._limit)
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        """Closes the stream underneath, too."""
        self._stream.close()
        super().close()


def cut(name: str, error: Exception) -> SourceError:
    """The error for compressed data that ends early or was altered."""
    return SourceError(
        f"{name} is damaged: its compressed data cannot be read to the end ({error}).",
        "Copy or download the file again; it was probably cut on the way.",
        source=name,
    )


def too_large(name: str, limit: int) -> SourceError:
    """The error for data that unpacks beyond the bounds."""
    return SourceError(
        f"{name} unpacks to more than {limit / 2**20:,.0f} MiB, far beyond its own size.",
        "If the file is what you expect, unpack it yourself and give the unpacked file or folder.",
        source=name,
        limit=limit,
    )


def open_unpacked(path: Path) -> IO[bytes]:
    """The file as a stream of its content: unpacked where compressed (not zstd), within bounds."""
    opener = _OPENERS.get(recognise(head_of(path)) or "")
    if opener is None:
        return path.open("rb")
    stream = opener(path)
    return io.BufferedReader(Bounded(stream, path.name, path.stat().st_size), 1 << 20)


def unpack(path: Path) -> bytes:
    """The whole content of a compressed file (gzip, bzip2, xz, zstd), within bounds."""
    if recognise(head_of(path)) == "zstd":
        return _unpack_zstd(path)
    # One buffer that grows and is handed over without a copy.
    content = io.BytesIO()
    with open_unpacked(path) as stream:
        while block := stream.read(1 << 22):
            content.write(block)
    return content.getvalue()


def _unpack_zstd(path: Path) -> bytes:
    """Zstandard through polars, line by line: Python 3.11 has no decoder of its own."""
    limit = min(MAX_UNPACKED, max(_FREE, path.stat().st_size * MAX_RATIO))
    lines = pl.scan_lines(path).select(pl.col("line"))
    try:
        size = lines.select(pl.col("line").str.len_bytes().sum()).collect(engine="streaming").item()
        if (size or 0) > limit:
            raise too_large(path.name, limit)
        return "\n".join(lines.collect()["line"].fill_null("").to_list()).encode()
    except pl.exceptions.PolarsError as error:
        raise cut(path.name, error) from error
