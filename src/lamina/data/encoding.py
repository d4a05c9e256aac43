"""The bytes of a text table: in which encoding they are, and the same as UTF-8."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from lamina.data.compression import recognise
from lamina.errors import SourceError

SAMPLE_BYTES: Final = 256 << 10
CHUNK: Final = 8 << 20
UTF8: Final = ("utf-8", "utf-8-sig")
# A file is either on disk (plain UTF-8) or its content, decoded to UTF-8.
Content = Path | bytes


def chunks(content: Content) -> Iterator[bytes]:
    """The content in pieces of some MiB."""
    if isinstance(content, bytes):
        for start in range(0, len(content), CHUNK):
            yield content[start : start + CHUNK]
        return
    with content.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk


def head_lines(content: Content) -> bytes:
    """The head of the content, cut after a whole line where it goes on."""
    if isinstance(content, bytes):
        head = content[: SAMPLE_BYTES + 1]
    else:
        with content.open("rb") as file:
            head = file.read(SAMPLE_BYTES + 1)
    if len(head) > SAMPLE_BYTES and b"\n" in head:
        head = head[: head.rindex(b"\n") + 1]
    return head.removeprefix(codecs.BOM_UTF8)


def as_utf8(content: Content, name: str) -> tuple[Content, str]:
    """The content as UTF-8 with line feeds, and the encoding it had.

    Raises ``SourceError`` where it is not text.
    """
    head = next(chunks(content))[:SAMPLE_BYTES]
    encoding, old_mac = _written(head, content)
    if encoding in UTF8 and not old_mac:
        _refuse_binary(head.decode("utf-8", "ignore"), name, head)
        return content, encoding
    whole = content if isinstance(content, bytes) else content.read_bytes()
    try:
        text = whole.decode(encoding)
    except UnicodeError as error:
        raise SourceError(
            f"{name} begins as {encoding} text but cannot be read so: {error}.",
            "Save the file again as UTF-8.",
            source=name,
        ) from error
    _refuse_binary(text[:SAMPLE_BYTES], name, head)
    return (text.replace("\r", "\n") if old_mac else text).encode(), encoding


def is_utf8_with_line_feeds(content: Content) -> bool:
    """Whether ``as_utf8`` gives the content back as it is, or refuses it."""
    encoding, old_mac = _written(next(chunks(content))[:SAMPLE_BYTES], content)
    return encoding in UTF8 and not old_mac


def _written(head: bytes, content: Content) -> tuple[str, bool]:
    """The encoding, and whether lines end as on an old Mac."""
    encoding = _encoding(head, content)
    return encoding, b"\r" in head and b"\n" not in head and not encoding.startswith("utf-16")


def _encoding(head: bytes, content: Content) -> str:
    """The encoding: by its mark, by being valid UTF-8 to the end, else the Western code pages."""
    if head.startswith(codecs.BOM_UTF8):
        return "utf-8-sig" if _is_utf8(content) else "cp1252"
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if len(head) > 3 and (half := len(head) // 2):
        # Without a mark, UTF-16 of Western text has a zero in every second byte.
        if head[1::2].count(0) > 0.7 * half:
            return "utf-16-le"
        if head[0::2].count(0) > 0.7 * half:
            return "utf-16-be"
    if _is_utf8(content):
        return "utf-8"
    undefined = (b"\x81", b"\x8d", b"\x8f", b"\x90", b"\x9d")
    outside = any(byte in chunk for chunk in chunks(content) for byte in undefined)
    return "latin-1" if outside else "cp1252"


def _is_utf8(content: Content) -> bool:
    """Whether the whole content is valid UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for chunk in chunks(content):
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _refuse_binary(text: str, name: str, head: bytes) -> None:
    """Raises ``SourceError`` where the content is no text: zeros, or many control characters."""
    found = recognise(head)
    controls = len(re.findall(r"[\x00-\x00\x02-\x08\x0e-\x1e\x7f\x80-\x9f]", text))
    if found is None and controls <= 0.01 * len(text) and "\x00" not in text:
        return
    what = f"a {found}" if found else "binary data, not text in any known encoding"
    raise SourceError(
        f"{name} is not a text table: it holds {what}.",
        "Give a CSV, Parquet, JSON or Excel file, or a folder of pictures.",
        source=name,
        found=found,
    )
