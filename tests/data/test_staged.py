"""Large text tables and JSON lines as Parquet: cell by cell what reading them whole gives, or left to it."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import lzma
import tempfile
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from lamina.data import staged as module
from lamina.data.large import LargeTable
from lamina.data.read import read
from lamina.data.staged import staged, worth_staging
from lamina.errors import LaminaError, TableError

MANY = 3000  # more rows than the types are guessed from
NUMBERS = "x,y,z\n" + "".join(f"{n},{n / 4},w{n}\n" for n in range(MANY))


def check_same(path: Path, folder: Path) -> None:
    """Staged, and read in parts, it is what reading it whole gives."""
    found, whole = staged(path, folder), read(path).frame
    assert found is not None
    assert len(found) == whole.height
    assert found.columns == whole.columns
    assert_frame_equal(found.frame, whole)
    assert_frame_equal(pl.concat(found.parts(7)), whole)
    assert [each.name for each in sorted(folder.iterdir())] == ["rows.json", "rows.parquet"]


TABLES = {
    "missing numbers": "x,y,z\n1,2.5,a\n,?,b\n3,4,\n",
    "semicolons, decimal commas, line breaks": 'id;n;t\n001;1,5;"a;b\nc"\n002;2,5;"say ""x"""\n',
    "no header": "1,2,a\n3,4,b\n5,6,c\n",
    "tabs and the lines of Windows": "x\ty\r\n1\t2\r\n3\t\r\n",
    "one column": "word\nred\nblue\n",
    "a mark at the start": "\ufeffx,y\n1,ä\n",
    "a preamble": "# made today\n\nx,y\n1,2\n3,4\n",
    "a delimiter at the end": "x,y,\n1,2,\n3,4,\n",
    "empty words": 'x,y\n"",1\nb,2\n',
    "a late word among numbers": NUMBERS + "late,1,\n",
    "a late leading zero": NUMBERS + "007,1,a\n",
    "a late fraction": NUMBERS + "1.5,?,a\n",
    "late missing markers": NUMBERS + "n/a,-,a\n",
    "late numbers too long": NUMBERS + "12345678901234567890,1,a\n",
    "only missing from some row on": NUMBERS + ",,\n" * 50,
}


@pytest.mark.parametrize("name", TABLES)
def test_text_tables(name: str, tmp_path: Path):
    (tmp_path / "a.csv").write_text(TABLES[name], newline="")
    check_same(tmp_path / "a.csv", tmp_path / "rows")


CELLS = st.one_of(
    st.integers(-(10**20), 10**20).map(str),
    st.floats(-1e6, 1e6).map(lambda size: f"{size:.4g}"),
    st.sampled_from(
        ["", "?", "NA", "007", "+5", "-", "1e5", ".5", "yes", "2020-01-31", " 3 ", "1,5", "a\nb"]
    ),
    st.text(st.sampled_from("abz é;|\"'\t"), max_size=5),
)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 4).flatmap(
        lambda width: st.lists(st.lists(CELLS, min_size=width, max_size=width), min_size=1)
    )
)
def test_any_text_table_is_read_the_same_or_left(rows: list[list[str]]):
    written = io.StringIO()
    csv.writer(written).writerows([[f"c{n}" for n in range(len(rows[0]))], *rows])
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "a.csv"
        path.write_text(written.getvalue(), newline="", encoding="utf-8")
        try:
            whole = read(path).frame
        except LaminaError:
            return
        found = staged(path, Path(place) / "rows")
        if found is not None:
            assert_frame_equal(found.frame, whole)


LINES: dict[str, list[dict[str, object]]] = {
    "plain": [{"x": 1, "y": "a", "z": None}, {"x": 2, "y": None, "z": 1.5}],
    "a late text among numbers": [*({"x": n} for n in range(MANY)), {"x": "late"}],
    "a late key": [*({"x": n} for n in range(MANY)), {"x": 1, "y": True}],
    "structs": [{"a": {"b": 1, "c": {"d": "x"}}, "e": 2}, {"a": {"b": 2, "c": {"d": None}}, "e": 3}],
    "lists": [{"a": [1.5, 2.0], "t": ["x"]}, {"a": [], "t": None}],
}


@pytest.mark.parametrize("name", LINES)
def test_json_lines(name: str, tmp_path: Path):
    path = tmp_path / "a.ndjson"
    path.write_text("\n".join(map(json.dumps, LINES[name])))
    check_same(path, tmp_path / "rows")


@pytest.mark.parametrize(
    ("ending", "pack"), [("gz", gzip.compress), ("bz2", bz2.compress), ("xz", lzma.compress)]
)
def test_packed_files(ending: str, pack: Callable[[bytes], bytes], tmp_path: Path):
    path = tmp_path / f"a.csv.{ending}"
    path.write_bytes(pack(NUMBERS.encode()))
    check_same(path, tmp_path / "rows")


@pytest.mark.parametrize(
    "content",
    [
        b"x,y\n1,2\n3\n5,6\n",
        "x,y\nä,2\n".encode("cp1252"),
        b"x,y\r1,2\r3,4\r",
        b"x,y\n",
        b"picture,y\nno/such.png,1\n",
    ],
)
def test_what_takes_the_whole_file_is_left_to_it(content: bytes, tmp_path: Path):
    (tmp_path / "a.csv").write_bytes(content)
    assert staged(tmp_path / "a.csv", tmp_path / "rows") is None


def test_lines_that_are_no_records_are_left(tmp_path: Path):
    (tmp_path / "a.jsonl").write_text('{"x": 1}\nnothing\n')
    assert staged(tmp_path / "a.jsonl", tmp_path / "rows") is None


def test_a_name_that_is_used_twice_is_refused(tmp_path: Path):
    (tmp_path / "a.csv").write_text("x,x\n1,2\n3,4\n")
    with pytest.raises(TableError, match="twice"):
        staged(tmp_path / "a.csv", tmp_path / "rows")


def test_an_earlier_run_is_found_again_and_another_file_is_not(tmp_path: Path):
    path, folder = tmp_path / "a.csv", tmp_path / "rows"
    path.write_text("x\n1\n2\n")
    staged(path, folder)
    before = (folder / "rows.parquet").stat().st_mtime_ns
    assert isinstance(staged(path, folder), LargeTable)
    assert (folder / "rows.parquet").stat().st_mtime_ns == before
    path.write_text("x\n1\n2\n3\n")
    found = staged(path, folder)
    assert found is not None
    assert len(found) == 3
    (folder / "rows.json").unlink()  # as after a run that was killed before it had written all
    assert staged(path, folder) is not None


def test_only_large_files_are_worth_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "a.csv"
    path.write_text("x\n1\n")
    assert not worth_staging(path)
    monkeypatch.setattr(module, "LARGE", 1)
    assert worth_staging(path)
    for name, content in (
        ("a.parquet", b"PAR1"),
        ("b.csv", b"PK\x03\x04"),
        ("c.csv.zst", b"\x28\xb5\x2f\xfd"),
    ):
        (tmp_path / name).write_bytes(content)
        assert not worth_staging(tmp_path / name)
    assert not worth_staging(tmp_path / "absent.csv")
