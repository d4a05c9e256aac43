"""The model file: the same model gives the same bytes; what is cut, altered, newer or hostile is refused."""

from __future__ import annotations

import functools
import io
import json
import os
import struct
import zipfile
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import settings as given_settings
from hypothesis import strategies as st

import lamina
from lamina.errors import LaminaError, ModelFileError
from lamina.model import Model
from lamina.store import file

HOSTILE = given_settings(max_examples=120, deadline=None, database=None)


def rows(count: int = 60) -> pl.DataFrame:
    rng = np.random.default_rng(0)
    x = rng.normal(size=count)
    return pl.DataFrame(
        {"x": x, "word": rng.choice(["a", "b", "c"], count), "y": np.where(x > 0, "yes", "no")}
    )


@functools.cache
def model() -> Model:
    return lamina.fit(rows(), "y", quality="fast", hidden=(8,), members=2, epochs=2, refit=False)


@functools.cache
def good() -> bytes:
    path = Path(os.environ.get("TMPDIR", "/tmp")) / f"lamina-good-{os.getpid()}.lamina"
    model().save(path)
    try:
        return path.read_bytes()
    finally:
        path.unlink()


def load(content: bytes, folder: Path) -> Model:
    path = folder / "given.lamina"
    path.write_bytes(content)
    return lamina.load(path)


def refused(content: bytes, folder: Path, why: str = "was not loaded") -> str:
    with pytest.raises(ModelFileError, match=why) as caught:
        load(content, folder)
    assert caught.value.remedy
    return str(caught.value)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("files")


def zipped(members: dict[str, bytes], comment: bytes = b"", compression: int = 0) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content, compression)
        archive.comment = comment
    return target.getvalue()


def parts() -> tuple[dict[str, object], dict[str, np.ndarray]]:
    path = Path(os.environ.get("TMPDIR", "/tmp")) / f"lamina-parts-{os.getpid()}.lamina"
    path.write_bytes(good())
    try:
        manifest, weights = file.read(path)
    finally:
        path.unlink()
    return manifest, weights


def test_the_same_model_gives_the_same_bytes(folder: Path) -> None:
    again = model().save(folder / "again.lamina").read_bytes()
    assert again == good()
    loaded = load(good(), folder)
    assert loaded.save(folder / "reloaded.lamina").read_bytes() == good()


def test_the_same_training_gives_the_same_bytes(folder: Path) -> None:
    twin = lamina.fit(rows(), "y", quality="fast", hidden=(8,), members=2, epochs=2, refit=False)
    assert twin.save(folder / "twin.lamina").read_bytes() == good()


def test_a_loaded_model_gives_the_same_answers(folder: Path) -> None:
    asked = pl.concat(
        [rows(), pl.DataFrame({"x": [None], "word": ["never"], "y": [None]})], how="vertical_relaxed"
    )
    loaded = load(good(), folder)
    assert loaded.predict(asked).equals(model().predict(asked))
    assert str(loaded) == str(model())
    assert loaded.evaluate(rows()) == model().evaluate(rows())


@given_settings(max_examples=30, deadline=None, database=None)
@given(
    shapes=st.lists(st.lists(st.integers(0, 3), max_size=3), min_size=1, max_size=4),
    kind=st.sampled_from(["float32", "float64", "int64", "uint8"]),
)
def test_arrays_of_any_shape_come_back(shapes: list[list[int]], kind: str) -> None:
    path = Path(os.environ.get("TMPDIR", "/tmp")) / f"lamina-shapes-{os.getpid()}.lamina"
    weights = {f"w{k}": np.ones(shape, kind).T for k, shape in enumerate(shapes)}
    try:
        _, came_back = file.read(file.write(path, {}, weights))
    finally:
        path.unlink(missing_ok=True)
    assert {name: (each.shape, each.dtype) for name, each in weights.items()} == {
        name: (each.shape, each.dtype) for name, each in came_back.items()
    }


def test_a_file_holds_no_code_and_no_rows() -> None:
    with zipfile.ZipFile(io.BytesIO(good())) as archive:
        assert set(archive.namelist()) == {"manifest.json", "weights.safetensors"}
        manifest = json.loads(archive.read("manifest.json"))
    assert manifest["format"] == file.FORMAT
    assert all(not finding["rows"] for finding in manifest["findings"])


@HOSTILE
@given(share=st.floats(0, 1, exclude_max=True))
def test_a_file_cut_anywhere_is_refused(share: float, folder: Path) -> None:
    refused(good()[: int(share * len(good()))], folder)


@pytest.mark.parametrize("cut", [0, 1, 4, 22, -1, -2, -22, -64, -90])
def test_a_file_cut_at_its_seams_is_refused(cut: int, folder: Path) -> None:
    refused(good()[:cut], folder)


@HOSTILE
@given(share=st.floats(0, 1, exclude_max=True), flip=st.integers(1, 255))
def test_a_flipped_byte_anywhere_is_refused(share: float, flip: int, folder: Path) -> None:
    altered = bytearray(good())
    altered[int(share * len(altered))] ^= flip
    refused(bytes(altered), folder)


def test_a_flipped_bit_in_the_frame_of_the_zip_is_refused(folder: Path) -> None:
    content = good()
    end = content.index(b"PK\x01\x02")
    for place in [*range(43), *range(end, len(content))]:
        for flip in (1, 128):
            altered = bytearray(content)
            altered[place] ^= flip
            refused(bytes(altered), folder)


@pytest.mark.parametrize("extra", [b"\x00", b"PK\x05\x06" + b"\x00" * 18, b"x" * 1000])
def test_bytes_before_or_behind_are_refused(extra: bytes, folder: Path) -> None:
    refused(extra + good(), folder)
    refused(good() + extra, folder)


@HOSTILE
@given(content=st.binary(max_size=300))
def test_anything_else_is_refused(content: bytes, folder: Path) -> None:
    refused(content, folder)


def test_no_file_no_folder(folder: Path) -> None:
    with pytest.raises(ModelFileError, match="no such file"):
        lamina.load(folder / "absent.lamina")
    with pytest.raises(ModelFileError, match="no such file"):
        lamina.load(folder)


def test_a_newer_format_says_so(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    manifest, weights = parts()
    monkeypatch.setattr(file, "FORMAT", 99)
    newer = file.write(folder / "newer.lamina", manifest, weights).read_bytes()
    monkeypatch.undo()
    assert "Install a newer Lamina" in refused(newer, folder, "format version 99")


@pytest.mark.parametrize(
    "mark", [b"", b"lamina", b"lamina:x:y", b"lamina:" + b"9" * 5000 + b":0", b"lamina:\xb2:0", b"\xff" * 80]
)
def test_a_wrong_mark_is_refused(mark: bytes, folder: Path) -> None:
    refused(zipped({"manifest.json": b"{}", "weights.safetensors": b""}, mark), folder)


@pytest.mark.parametrize(
    "name", ["../evil", "/etc/passwd", "a/../../b", "C:\\evil", "manifest.json/../x", "code.py", "x.pkl", "ü"]
)
def test_members_of_other_names_are_refused(name: str, folder: Path) -> None:
    refused(zipped({"manifest.json": b"{}", "weights.safetensors": b"", name: b"x"}), folder, "no model file")
    assert not (folder.parent / "evil").exists()


def test_a_member_twice_is_refused(folder: Path) -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name in ("manifest.json", "weights.safetensors"):
            archive.writestr(zipfile.ZipInfo(name), b"{}")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr(zipfile.ZipInfo("manifest.json"), b"{}")
    refused(target.getvalue(), folder, "no model file")


@pytest.mark.parametrize("compression", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_bomb_is_refused_before_it_unfolds(compression: int, folder: Path) -> None:
    bomb = zipped({"manifest.json": b"{}", "weights.safetensors": bytes(10**7)}, b"", compression)
    assert len(bomb) < 10**5
    refused(bomb, folder, "compressed")


def test_a_header_that_claims_too_much_is_refused(folder: Path) -> None:
    content = bytearray(zipped({"manifest.json": b"{}", "weights.safetensors": b"w"}))
    second = content.rindex(b"PK\x01\x02")
    content[second + 20 : second + 28] = struct.pack("<II", 2**31, 2**31)
    refused(bytes(content), folder, "claims")


def with_weights(folder: Path, **changes: np.ndarray | None) -> bytes:
    manifest, weights = parts()
    weights = {n: w for n, w in {**weights, **changes}.items() if w is not None}
    return file.write(folder / "made.lamina", manifest, weights).read_bytes()


def test_weights_that_are_not_finite_are_refused(folder: Path) -> None:
    _, weights = parts()
    for bad in (np.nan, np.inf):
        broken = weights["network.output.bias"].copy()
        broken.flat[0] = bad
        refused(with_weights(folder, **{"network.output.bias": broken}), folder, "not finite")
    huge = weights["network.output.bias"].astype(np.float64) + 1e300  # finite until it is cast
    refused(with_weights(folder, **{"network.output.bias": huge}), folder, "fit")


@pytest.mark.parametrize(
    "name", ["network.output.bias", "baseline.weights", "baseline.constant", "baseline.bias"]
)
def test_weights_that_do_not_fit_are_refused(name: str, folder: Path) -> None:
    _, weights = parts()
    refused(with_weights(folder, **{name: None}), folder, "fit")
    refused(with_weights(folder, **{name: np.zeros((3, 3, 3, 3), np.float32)}), folder, "fit")
    refused(with_weights(folder, **{name: weights[name].astype(np.int32)}), folder, "fit")
    refused(with_weights(folder, **{f"{name}.more": weights[name]}), folder, "fit")


@pytest.mark.parametrize(
    "changes",
    [
        {"architecture": {}},
        {"features": []},
        {"target": {"answer": "classes"}},
        {"schema": None},
        {"architecture": None},
        {"validation": "good"},
        {"settings": {"quality": "superb"}},
    ],
)
def test_a_manifest_that_does_not_fit_is_refused(changes: dict[str, object], folder: Path) -> None:
    manifest, weights = parts()
    content = file.write(folder / "made.lamina", {**manifest, **changes}, weights).read_bytes()
    refused(content, folder, "do not fit|does not fit|is not here")


def test_a_kind_that_nobody_has_is_named(folder: Path) -> None:
    manifest, weights = parts()
    unknown = {**manifest, "features": [{"kind": "pickle"}]}
    refused(file.write(folder / "made.lamina", unknown, weights).read_bytes(), folder, "the kind 'pickle'")


def test_a_manifest_that_asks_for_a_giant_is_refused_without_memory(folder: Path) -> None:
    manifest, weights = parts()
    giant = {**manifest["architecture"], "hidden": [2**30, 2**30]}
    content = file.write(folder / "made.lamina", {**manifest, "architecture": giant}, weights).read_bytes()
    refused(content, folder, "fit")


def test_more_labels_than_scores_are_refused(folder: Path) -> None:
    manifest, weights = parts()
    target = {**manifest["target"], "labels": ["a", "b", "c"]}
    content = file.write(folder / "made.lamina", {**manifest, "target": target}, weights).read_bytes()
    refused(content, folder, "fit")


def test_a_failure_while_writing_leaves_the_old_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = folder / "kept.lamina"
    path.write_bytes(good())

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    for name in ("fsync", "replace"):
        with monkeypatch.context() as patch:
            patch.setattr(os, name, full)
            with pytest.raises(LaminaError, match="No space"):
                model().save(path)
        assert path.read_bytes() == good()
    assert not list(folder.glob(".*")), "nothing half-written stays behind"
