"""Bodies that no server wants: cut, altered, of the wrong types, too large, unfolding to too much."""

from __future__ import annotations

import base64
import gzip
import io
import json
import random
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import polars as pl

STRANGE: tuple[Any, ...] = (
    [],
    {},
    [[]],
    {"a": {"b": []}},
    True,
    -1,
    0.1,
    10**30,
    10**400,
    -(2**63),
    "",
    "NaN",
    "-inf",
    "1e999",
    "x" * 100_000,
    "\x00",
    "\ud83d",
    "\u202e",
    "';DROP TABLE x;--",
    "../../etc/passwd",
    "file:///etc/passwd",
    "http://127.0.0.1:1/a.png",
    "9" * 5000,
    "2020-13-45",
    ["a", 1, None],
    "=cmd|' /C calc'!A0",
)


class Body(NamedTuple):
    """What is sent: the verb, the content type, the bytes."""

    verb: str
    kind: str
    content: bytes


def bad_tables(row: dict[str, Any], seed: int = 0) -> Iterator[Body]:
    """For a model of tables; ``row`` is one that can be answered."""
    rng = random.Random(seed)
    yield from _bad_json(row, rng)
    frame = pl.DataFrame([row] * 20)
    for kind, content in _as_files(frame).items():
        for _ in range(20):
            yield Body("predict", kind, content[: rng.randrange(len(content))])
        for _ in range(20):
            yield Body("predict", kind, _altered(content, rng))
    yield from _unfolding(frame)
    yield from _bad_forms(rng)


def bad_pictures(picture: bytes, seed: int = 0) -> Iterator[Body]:
    """For a model of pictures; ``picture`` is a PNG file that can be read."""
    rng = random.Random(seed)
    cut = [picture[: rng.randrange(len(picture))] for _ in range(30)]
    altered = [_altered(picture, rng) for _ in range(30)]
    others = [
        b"",
        b"RIFF" + bytes(40),
        b"<svg/>",
        b"GIF89a",
        b"%PDF-1.4",
        bytes(1000),
        _png(60_000, 60_000),
        _wav(2**31 - 1),
    ]
    for content in (*cut, *altered, *others):
        yield Body("predict", "multipart/form-data; boundary=b", _form({"image": content}))
        yield Body(
            "predict", "application/json", json.dumps({"image": base64.b64encode(content).decode()}).encode()
        )
    for text in (
        "%%%",
        "data:image/png;base64,",
        "/etc/passwd",
        "file:///etc/passwd",
        "http://127.0.0.1:1/a.png",
        "A" * 9999,
    ):
        yield Body("predict", "application/json", json.dumps([{"image": text}]).encode())


def _bad_json(row: dict[str, Any], rng: random.Random) -> Iterator[Body]:
    whole = json.dumps({"rows": [row]}).encode()
    for verb in ("predict", "decide", "explain", "feedback", "learn", "rollback"):
        for _ in range(10):
            yield Body(verb, "application/json", whole[: rng.randrange(1, len(whole))])
        for _ in range(10):
            yield Body(verb, "application/json", _altered(whole, rng))
        deep = 100_000
        for content in (
            b"",
            b"null",
            b"7",
            b"[]",
            b"{}",
            b"[" * deep,
            b'{"a":' * deep,
            b'"' * 3,
            b"\xff\xfe\x00",
            b"[1e400]",
            b'{"rows": 7}',
            b'{"rows": [[]]}',
            b'{"rows": [{}]}',
            b"NaN",
            b"{" + b'"a":1,' * deep + b'"b":1}',
        ):
            yield Body(verb, "application/json", content)
    for name in row:
        for value in STRANGE:
            yield Body("predict", "application/json", json.dumps([row | {name: value}]).encode())
        yield Body(
            "predict", "application/json", json.dumps({k: v for k, v in row.items() if k != name}).encode()
        )
    for costs in (
        7,
        [],
        {},
        {"table": 1},
        {"table": {}},
        {"table": {"a": {}}},
        {"table": {"a": {"No": "9**9"}}},
        {"table": {"a": {"No": "(" * 400}}},
        {"table": {"a": {"No": "__import__('os')", "Yes": 1}}},
        {"table": {str(n): {"No": 1, "Yes": 1} for n in range(60)}},
    ):
        yield Body("decide", "application/json", json.dumps({"rows": [row], "costs": costs}).encode())
    for beside in (
        {"what": "all"},
        {"seed": -1},
        {"seed": 2**70},
        {"of": "nobody"},
        {"background": [{}]},
        {"background": 1},
        {"background": []},
        {"what": ["columns"] * 1000},
    ):
        yield Body("explain", "application/json", json.dumps({"rows": [row] * 3} | beside).encode())


def _as_files(frame: pl.DataFrame) -> dict[str, bytes]:
    found = {}
    for kind, write in (
        ("text/csv", frame.write_csv),
        ("application/x-ndjson", frame.write_ndjson),
        ("application/vnd.apache.parquet", frame.write_parquet),
        ("application/vnd.apache.arrow.file", frame.write_ipc),
        ("application/vnd.apache.arrow.stream", frame.write_ipc_stream),
    ):
        buffer = io.BytesIO()
        write(buffer)
        found[kind] = buffer.getvalue()
    return found


def _unfolding(frame: pl.DataFrame) -> Iterator[Body]:
    """Small bodies that hold much."""
    zeros = gzip.compress(bytes(100_000_000))
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("a.csv", bytes(50_000_000))
    many, wide = io.BytesIO(), io.BytesIO()
    pl.select(pl.repeat(1, 20_000_000).alias(frame.columns[0])).write_parquet(many)
    pl.DataFrame({f"c{n}": [1] for n in range(5000)}).write_parquet(wide)
    for content in (zeros, archive.getvalue(), many.getvalue(), wide.getvalue()):
        for kind in ("text/csv", "application/vnd.apache.parquet", "application/x-ndjson"):
            yield Body("predict", kind, content)
    yield Body("predict", "text/csv", b"a\n" * 1_000_000)
    yield Body("predict", "text/csv", b",".join(b"c" for _ in range(100_000)) + b"\n")
    yield Body("predict", "text/csv", b'"' * 500_000)


def _bad_forms(rng: random.Random) -> Iterator[Body]:
    kind = "multipart/form-data; boundary=b"
    whole = _form({"a": b"1", "b": b"2"})
    for _ in range(10):
        yield Body("predict", kind, whole[: rng.randrange(len(whole))])
    for other in (
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=" + "x" * 5000,
        "text/plain",
        "x/y",
        "",
        "application/json; charset=utf-7",
        "application/vnd.ms-excel",
    ):
        yield Body("predict", other, whole)
    yield Body("predict", kind, _form({f"f{n}": b"1" for n in range(11_000)}))


def _altered(content: bytes, rng: random.Random) -> bytes:
    """Some bytes are others."""
    changed = bytearray(content)
    for _ in range(rng.randrange(1, 8)):
        changed[rng.randrange(len(changed))] = rng.randrange(256)
    return bytes(changed)


def _form(parts: dict[str, bytes]) -> bytes:
    lines = [
        b'--b\r\nContent-Disposition: form-data; name="%s"; filename="f"\r\n\r\n%s\r\n'
        % (name.encode(), content)
        for name, content in parts.items()
    ]
    return b"".join(lines) + b"--b--\r\n"


def _png(width: int, height: int) -> bytes:
    """A picture that claims to be large, and is."""
    rows = zlib.compress(bytes(1 + width // 8) * 1000, 9)
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)),
        (b"IDAT", rows),
        (b"IEND", b""),
    )
    packed = [struct.pack(">I", len(c)) + n + c + struct.pack(">I", zlib.crc32(n + c)) for n, c in chunks]
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


def _wav(frames: int) -> bytes:
    """A recording that claims to be long."""
    form = struct.pack("<HHIIHH", 1, 1, 8000, 8000, 1, 8)
    return (
        b"RIFF"
        + struct.pack("<I", frames)
        + b"WAVEfmt "
        + struct.pack("<I", 16)
        + form
        + b"data"
        + struct.pack("<I", frames)
    )
