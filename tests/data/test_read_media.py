"""Folders and archives of pictures; idx files."""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from lamina.data import archives
from lamina.data.media_folders import lay_out, parts_for
from lamina.data.read import read
from lamina.errors import SourceError


def picture(shade: int = 0) -> bytes:
    out = io.BytesIO()
    Image.new("L", (4, 3), shade).save(out, "png")
    return out.getvalue()


FILES = {
    "train/cat/1.png": picture(1),
    "train/cat/2.png": picture(2),
    "train/dog/1.png": picture(3),
    "test/cat/9.png": picture(4),
}


def put(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def pack(path: Path, files: dict[str, bytes]) -> Path:
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as file:
            for name, content in files.items():
                file.writestr(name, content)
        return path
    mode = {".tar": "w", ".gz": "w:gz", ".xz": "w:xz", ".bz2": "w:bz2"}[path.suffix]
    with tarfile.open(path, mode) as file:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            file.addfile(entry, io.BytesIO(content))
    return path


def test_class_folders_and_parts(tmp_path: Path):
    put(tmp_path, FILES)
    train = read(tmp_path, part="train")
    assert train.label == "label"
    assert train.frame["label"].to_list() == ["cat", "cat", "dog"]
    assert train.frame["image"][0] == str(tmp_path.resolve() / "train/cat/1.png")
    assert len(read(tmp_path, part="test")) == 1
    assert len(read(tmp_path)) == 4
    alone = read(tmp_path / "train", part="test")
    assert len(alone) == 3
    assert not any("part" in note for note in alone.notes)


def test_parts_not_there_and_validation():
    assert parts_for("test", ["train", "validation"]) == {"validation"}
    assert parts_for("train", ["train", "validation"]) == {"train"}
    assert parts_for("train", ["train", "test", "validation"]) == {"train", "validation"}
    layout = lay_out(["train/a/1.png", "train/b/1.png"], "test")
    assert layout.labels == ("a", "b")
    assert "no test part among train" in layout.notes[0]
    classes = lay_out(["test/1.png", "real/1.png"], "test")
    assert classes.labels == ("real", "test")


def test_what_is_skipped_is_counted(tmp_path: Path):
    put(tmp_path, {"a/1.png": picture(), "a/.hidden.png": b"", "b/2.png": picture()})
    put(tmp_path, {"b/notes.md": b"x", "loose.png": picture()})
    (tmp_path / "c").mkdir()
    table = read(tmp_path)
    assert table.frame["label"].to_list() == ["a", "b"]
    found = {finding.code: finding.count for finding in table.findings}
    assert found == {"skipped-files": 2, "no-class": 1, "empty-class": 1}


def test_flat_folder_and_single_picture(tmp_path: Path):
    put(tmp_path, {"2.png": picture(), "1.png": picture()})
    table = read(tmp_path)
    assert table.label is None
    assert table.frame["file"].to_list() == ["1.png", "2.png"]
    assert read(tmp_path / "1.png").frame["image"].to_list() == [str(tmp_path.resolve() / "1.png")]


@pytest.mark.parametrize("values", [("1.png", "2.png"), ("img/1.png", "img/2.png"), ("1", "2")])
def test_a_table_that_names_the_pictures(tmp_path: Path, values: tuple[str, str]):
    files = {"img/1.png": picture(1), "img/2.png": picture(2)}
    lines = "".join(f"{value},n{n}\n" for n, value in enumerate(values))
    files["list.csv"] = f"file,what\n{lines}gone.png,n\n".encode()
    numbers = values == ("1", "2")
    put(tmp_path / "on", files)
    frame = read(tmp_path / "on").frame
    root = (tmp_path / "on").resolve()
    assert frame["file"][0] == str(root / "img/1.png")
    assert frame["file"][2] == str(root / "gone.png")
    packed = read(pack(tmp_path / "on.zip", files)).frame
    assert packed["file"].to_list() == [picture(1), picture(2), b""]
    assert packed["what"].to_list() == ["n0", "n1", "n"]
    assert not numbers or frame["file"].dtype == pl.String


def test_a_plain_csv_beside_its_pictures(tmp_path: Path):
    put(tmp_path, {"img/1.png": picture(), "img/2.png": picture()})
    (tmp_path / "t.csv").write_text("path,n\nimg/1.png,1\nimg/2.png,2\nimg/3.png,3\n")
    frame = read(tmp_path / "t.csv").frame
    assert frame["path"].to_list() == [str(tmp_path.resolve() / f"img/{n}.png") for n in (1, 2, 3)]


@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tar.gz", "a.tar.xz", "a.tar.bz2"])
def test_archives_of_class_folders(tmp_path: Path, name: str):
    path = pack(tmp_path / name, FILES)
    table = read(path, part="train")
    assert table.frame.schema == {"image": pl.Binary, "label": pl.String}
    assert table.frame["image"].to_list() == [picture(1), picture(2), picture(3)]
    assert len(read(path, part="test")) == 1


def test_an_archive_of_tables(tmp_path: Path):
    files = {"train.csv": b"a,b\n1,x\n", "test.csv": b"a,b\n2,y\n"}
    path = pack(tmp_path / "t.zip", files)
    assert read(path, part="train").frame.rows() == [(1, "x")]
    assert len(read(path)) == 2


def test_unsafe_members_are_skipped(tmp_path: Path):
    files = {"a/1.png": picture(), "b/2.png": picture(), "../evil/3.png": b"x", "/abs/4.png": b"x"}
    for name in ("u.zip", "u.tar"):
        table = read(pack(tmp_path / name, files))
        assert table.frame["label"].to_list() == ["a", "b"]
        assert [(f.code, f.count) for f in table.findings] == [("unsafe-members", 2)]
    with tarfile.open(tmp_path / "link.tar", "w") as file:
        entry = tarfile.TarInfo("a/link.png")
        entry.type, entry.linkname = tarfile.SYMTYPE, "/etc/passwd"
        file.addfile(entry)
    with pytest.raises(SourceError, match="holds no pictures"):
        read(tmp_path / "link.tar")


def test_bounds_and_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = pack(tmp_path / "t.tar.gz", FILES)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(SourceError, match="damaged"):
        read(path)
    path = pack(tmp_path / "t.zip", FILES)
    locked = bytearray(path.read_bytes())
    for magic, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        locked[locked.find(magic) + offset] |= 1
    (tmp_path / "locked.zip").write_bytes(locked)
    with pytest.raises(SourceError, match="encrypted"):
        read(tmp_path / "locked.zip")
    monkeypatch.setattr(archives, "MAX_MEMBERS", 2)
    with pytest.raises(SourceError, match="more than 2 files"):
        read(path)
    monkeypatch.setattr(archives, "MAX_UNPACKED", 100)
    with pytest.raises(SourceError, match="unpacks to more"):
        read(path)


def idx(array: np.ndarray, code: int = 8) -> bytes:
    head = struct.pack(f">BBBB{array.ndim}I", 0, 0, code, array.ndim, *array.shape)
    return head + array.tobytes()


@pytest.mark.parametrize("packed", [False, True])
def test_idx(tmp_path: Path, packed: bool):
    images = np.arange(5 * 4 * 3, dtype=np.uint8).reshape(5, 4, 3)
    labels = np.array([7, 0, 1, 7, 3], np.uint8)
    end = ".gz" if packed else ""
    for stem, rows in (("train", slice(None)), ("t10k", slice(2))):
        for name, array in (("images-idx3", images), ("labels-idx1", labels)):
            content = idx(array[rows])
            path = tmp_path / f"{stem}-{name}-ubyte{end}"
            path.write_bytes(gzip.compress(content) if packed else content)
    table = read(tmp_path, part="train")
    assert table.label == "label"
    assert table.frame["image"].dtype == pl.Array(pl.UInt8, (4, 3))
    assert (table.frame["image"].to_numpy() == images).all()
    assert table.frame["label"].to_list() == ["7", "0", "1", "7", "3"]
    assert len(read(tmp_path, part="test")) == 2
    assert len(read(tmp_path)) == 7
    for name in ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"):
        assert len(read(tmp_path / f"{name}{end}")) == 5


def test_idx_that_is_cut_or_does_not_match(tmp_path: Path):
    images = idx(np.zeros((5, 4, 3), np.uint8))
    path = tmp_path / "train-images-idx3-ubyte"
    path.write_bytes(images[:-1])
    with pytest.raises(SourceError, match=r"cut or altered.*60 bytes.*59 follow"):
        read(path)
    path.write_bytes(images)
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx(np.zeros(4, np.uint8)))
    with pytest.raises(SourceError, match=r"5 rows.*4 labels"):
        read(path)
    path.write_bytes(b"hello")
    with pytest.raises(SourceError, match="no idx file"):
        read(tmp_path)
    floats = tmp_path / "x-idx2-float"
    floats.write_bytes(idx(np.array([[1.5, 2.5]], ">f4"), 0x0D))
    assert read(floats).frame.rows() == [(1.5, 2.5)]
