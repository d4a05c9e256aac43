"""The model file: one zip with a manifest in JSON and the weights in safetensors. No code, no customer rows.

    manifest.json         format version, SHA-256 of each other member, and whatever the model says of itself
    weights.safetensors   every weight by name
    network.onnx          the network as a graph, where it was exported
    (zip comment)         ``lamina:<format>:<SHA-256 of every byte of the file before this comment>``

Members are stored uncompressed with fixed times, so the same model gives the same bytes, and nothing in a
file can unfold to more than its size. Reading trusts nothing: names, sizes, hashes and numbers are checked
before a weight is used.
"""

from __future__ import annotations

import hashlib
import os
import re
import zipfile
from pathlib import Path
from typing import IO, Any, NoReturn

import msgspec
import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

from lamina.errors import ModelFileError
from lamina.files import written_whole

FORMAT = 1
MANIFEST, WEIGHTS = "manifest.json", "weights.safetensors"
GRAPH = "network.onnx"
ALLOWED = {MANIFEST, WEIGHTS, GRAPH}
MOST_MANIFEST = 256 * 2**20  # bytes
MOST_WEIGHTS = 16 * 2**30  # bytes
MOST_GRAPH = 2 * 2**30  # bytes
_EPOCH = (
    1980,
    1,
    1,
    0,
    0,
    0,
)  # the earliest time a zip can hold: files do not differ by their hour


def write(
    path: str | Path,
    manifest: dict[str, Any],
    weights: dict[str, np.ndarray],
    graph: bytes | None = None,
) -> Path:
    """Writes the file beside its place and moves it there: never half a file, never over a good one."""
    path = Path(path)
    body = save_tensors({name: np.asarray(weights[name], order="C") for name in sorted(weights)})
    members = {WEIGHTS: body} if graph is None else {WEIGHTS: body, GRAPH: graph}
    hashes = {name: _hash(content) for name, content in members.items()}
    manifest = {"format": FORMAT, **manifest, "hashes": hashes}
    text = msgspec.json.format(msgspec.json.encode(manifest), indent=1)
    with written_whole(path) as waiting, open(waiting, "w+b") as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
            for name, content in {MANIFEST: text, **members}.items():
                entry = zipfile.ZipInfo(name, _EPOCH)
                entry.external_attr = 0o644 << 16
                archive.writestr(entry, content)
            archive.comment = _mark("0" * 64)
        digest = _hash_before_mark(file, len(_mark("0" * 64)))
        file.seek(-len(_mark(digest)), os.SEEK_END)
        file.write(_mark(digest))
        file.flush()
        os.fsync(file.fileno())
    return path


def read(path: str | Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Manifest and weights of a file that passed every check.

    Raises ModelFileError, which says what is wrong with the file, for anything else.
    """
    path = Path(path)
    if not path.is_file():
        _refuse(path, "there is no such file", "Check the path.")
    try:
        with open(path, "rb") as file, zipfile.ZipFile(file) as archive:
            _check_members(path, archive)
            version = _check_mark(path, archive.comment, file)
            manifest = _manifest(path, archive, version)
            body = archive.read(WEIGHTS)
    except ModelFileError:
        raise
    except Exception as error:  # a hostile zip can raise nearly anything: all of it means "refused"
        _refuse(path, f"it is cut, altered, or no model file ({error})", _COPY_AGAIN)
    if manifest.get("hashes", {}).get(WEIGHTS) != _hash(body):
        _refuse(path, "the weights were altered after saving (hash mismatch)", _COPY_AGAIN)
    return manifest, _weights(path, body)


def read_graph(path: str | Path, digest: str) -> bytes:
    """The graph in a file that was read, if it still has this SHA-256. Raises ModelFileError where it has
    not."""
    path = Path(path)
    try:
        with zipfile.ZipFile(path) as archive:
            _check_members(path, archive)
            body = archive.read(GRAPH)
    except ModelFileError:
        raise
    except Exception as error:
        _refuse(path, f"its graph cannot be read ({error})", _COPY_AGAIN)
    if _hash(body) != digest:
        _refuse(path, "its graph was altered after saving (hash mismatch)", _COPY_AGAIN)
    return body


_COPY_AGAIN = "Copy it again from where it was saved, or train the model again."


def _check_members(path: Path, archive: zipfile.ZipFile) -> None:
    entries = archive.infolist()
    names = [entry.filename for entry in entries]
    if len(set(names)) != len(names) or not {MANIFEST, WEIGHTS} <= set(names) <= ALLOWED:
        shown = ", ".join(repr(name)[:60] for name in names[:6])
        _refuse(path, f"it is no model file: it holds {shown or 'nothing'}", _COPY_AGAIN)
    for entry in entries:
        most = {MANIFEST: MOST_MANIFEST, GRAPH: MOST_GRAPH}.get(entry.filename, MOST_WEIGHTS)
        stored = entry.compress_type == zipfile.ZIP_STORED and entry.file_size == entry.compress_size
        if not stored or entry.flag_bits & 1:
            _refuse(path, f"{entry.filename} is compressed or encrypted, which we never do", _COPY_AGAIN)
        if entry.file_size > most or entry.file_size > path.stat().st_size:
            _refuse(path, f"{entry.filename} claims {entry.file_size:,} bytes", _COPY_AGAIN)


def _check_mark(path: Path, comment: bytes, file: IO[bytes]) -> int:
    """The format version of a file of which no byte was altered."""
    mark = re.fullmatch(rb"lamina:(\d{1,9}):([0-9a-f]{64})", comment)
    if mark is None:
        _refuse(path, "it carries no Lamina mark", _COPY_AGAIN)
    version = int(mark[1])
    if version > FORMAT:
        _refuse(
            path,
            f"it has format version {version}, and this Lamina reads up to {FORMAT}",
            'Install a newer Lamina: pip install -U "lamina"',
        )
    if mark[2].decode() != _hash_before_mark(file, len(comment)):
        _refuse(path, "it was altered after saving (hash mismatch)", _COPY_AGAIN)
    return version


def _manifest(path: Path, archive: zipfile.ZipFile, version: int) -> dict[str, Any]:
    text = archive.read(MANIFEST)
    try:
        manifest: dict[str, Any] = msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.DecodeError as error:
        _refuse(path, f"the manifest cannot be read ({error})", _COPY_AGAIN)
    if manifest.get("format") != version:
        _refuse(path, "its mark and its manifest name different formats", _COPY_AGAIN)
    return manifest


def _weights(path: Path, body: bytes) -> dict[str, np.ndarray]:
    try:
        weights = load_tensors(body)
    except (SafetensorError, ValueError, KeyError) as error:
        _refuse(path, f"the weights cannot be read ({error})", _COPY_AGAIN)
    for name, each in weights.items():
        if each.dtype.kind == "f" and not np.isfinite(each).all():
            _refuse(path, f"the weights {name!r} hold numbers that are not finite", _COPY_AGAIN)
    return weights


def _refuse(path: Path, why: str, remedy: str) -> NoReturn:
    raise ModelFileError(f"{path} was not loaded: {why}.", remedy, path=str(path)) from None


def _mark(digest: str) -> bytes:
    return f"lamina:{FORMAT}:{digest}".encode()


def _hash_before_mark(file: IO[bytes], mark: int) -> str:
    """SHA-256 of an open file without its last ``mark`` bytes."""
    left, digest = file.seek(0, os.SEEK_END) - mark, hashlib.sha256()
    file.seek(0)
    while left > 0 and (block := file.read(min(left, 2**20))):
        digest.update(block)
        left -= len(block)
    return digest.hexdigest()


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
