"""The door: formats, several files, folders, and the messages for what cannot be read."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from lamina.data.read import read
from lamina.errors import SourceError, TableError, UsageError

FRAME = pl.DataFrame({"a": [1, 2, 3], "b": ["x", "y", None], "c": [0.5, None, 2.0]})


def test_reading_loads_neither_torch_nor_the_optional_parts():
    code = (
        "import sys, lamina.data.read; "
        "sys.exit(bool({'torch', 'pandas', 'pyarrow', 'fastexcel'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("form", ["parquet", "feather", "ndjson", "json", "csv", "tsv", "xlsx"])
def test_each_format_gives_the_same_table(tmp_path: Path, form: str):
    path = tmp_path / f"table.{form}"
    {
        "parquet": FRAME.write_parquet,
        "feather": FRAME.write_ipc,
        "ndjson": FRAME.write_ndjson,
        "json": FRAME.write_json,
        "csv": FRAME.write_csv,
        "tsv": lambda file: FRAME.write_csv(file, separator="\t"),
        "xlsx": FRAME.write_excel,
    }[form](path)
    assert read(path).frame.equals(FRAME)
    assert read(str(path)).source == str(path)


def test_the_bytes_decide_and_not_the_name(tmp_path: Path):
    path = tmp_path / "table.csv"
    FRAME.write_parquet(path)
    assert read(path).frame.equals(FRAME)


@pytest.mark.parametrize(
    "value",
    [
        [{"a": 1, "b": "x"}, {"a": 2}],
        {"a": [1, 2], "b": ["x", None]},
        {"data": [{"a": 1, "b": "x"}, {"a": 2, "b": None}]},
        {"a": {"0": 1, "1": 2}, "b": {"0": "x", "1": None}},
    ],
)
def test_json_shapes(tmp_path: Path, value: object):
    path = tmp_path / "t.json"
    path.write_text(json.dumps(value))
    assert read(path).frame.to_dict(as_series=False) == {"a": [1, 2], "b": ["x", None]}


def test_json_structs_become_columns_and_mixed_values_text(tmp_path: Path):
    path = tmp_path / "t.json"
    path.write_text(json.dumps([{"a": {"b": {"c": 1}, "d": 2}, "m": 1}, {"a": None, "m": "x"}]))
    frame = read(path).frame
    assert frame.columns == ["a.b.c", "a.d", "m"]
    assert frame["m"].to_list() == ["1", "x"]


def test_ndjson_with_another_ending_and_a_broken_line(tmp_path: Path):
    path = tmp_path / "t.json"
    path.write_text('{"a": 1}\n{"a": 2}\n')
    assert read(path).frame["a"].to_list() == [1, 2]
    path = tmp_path / "t.jsonl"
    path.write_text('{"a": 1}\n{"a": \n')
    with pytest.raises(SourceError, match="line 2"):
        read(path)


def test_ndjson_packed(tmp_path: Path):
    path = tmp_path / "t.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"a": 1}\n{"a": 2.5}\n'))
    assert read(path).frame["a"].to_list() == [1.0, 2.5]


def test_json_that_is_no_table(tmp_path: Path):
    path = tmp_path / "t.json"
    path.write_text("[1, 2, 3]")
    with pytest.raises(SourceError, match="no table"):
        read(path)
    path.write_text("[]")
    with pytest.raises(SourceError, match="no rows"):
        read(path)


def test_excel_sheets(tmp_path: Path):
    import xlsxwriter

    path = tmp_path / "book.xlsx"
    with xlsxwriter.Workbook(path) as book:
        FRAME.write_excel(book, worksheet="first")
        FRAME.with_columns(a=pl.col("a") * 10).write_excel(book, worksheet="second")
    assert read(path).frame.equals(FRAME)
    assert read(path, sheet="second").frame["a"].to_list() == [10, 20, 30]
    with pytest.raises(SourceError, match="no sheet 'secnd'") as caught:
        read(path, sheet="secnd")
    assert "second" in caught.value.remedy


def test_excel_without_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from lamina.data import structured
    from lamina.errors import MissingExtraError

    path = tmp_path / "book.xlsx"
    FRAME.write_excel(path)
    monkeypatch.setattr(structured.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"lamina\[excel\]"):
        read(path)


def test_several_files_and_folders(tmp_path: Path):
    (tmp_path / "1.csv").write_text("a,b\n1,5\n")
    (tmp_path / "2.csv").write_text("b,a\nsix,2\n")
    for source in (tmp_path, [tmp_path / "1.csv", str(tmp_path / "2.csv")]):
        table = read(source)
        assert table.frame.to_dict(as_series=False) == {"a": [1, 2], "b": ["5", "six"]}
        assert "2 files" in table.notes
    (tmp_path / "3.csv").write_text("a,c\n1,5\n")
    with pytest.raises(TableError, match=r"3\.csv lacks 'b' and has 'c' besides"):
        read(tmp_path)
    (tmp_path / "4.parquet").write_bytes(b"")
    with pytest.raises(SourceError, match="several formats"):
        read(tmp_path)


def test_a_folder_of_train_and_test_tables(tmp_path: Path):
    for part, rows in (("train", "1\n2\n"), ("test", "3\n")):
        (tmp_path / f"{part}.csv").write_text(f"a\n{rows}")
    assert read(tmp_path, part="train").frame["a"].to_list() == [1, 2]
    assert read(tmp_path, part="test").frame["a"].to_list() == [3]
    assert len(read(tmp_path)) == 3


def test_missing_file_offers_the_nearest(tmp_path: Path):
    (tmp_path / "churn.csv").write_text("a\n1\n")
    with pytest.raises(SourceError, match="no file or folder") as caught:
        read(tmp_path / "chrun.csv")
    assert "'churn.csv'" in caught.value.remedy
    with pytest.raises(SourceError, match="no folder"):
        read(tmp_path / "absent" / "churn.csv")


def test_empty_things(tmp_path: Path):
    with pytest.raises(SourceError, match="nothing that can be read"):
        read(tmp_path)
    path = tmp_path / "empty.csv"
    path.write_bytes(b"")
    with pytest.raises(SourceError, match="empty"):
        read(path)
    with pytest.raises(SourceError, match="no rows"):
        read(pl.DataFrame({"a": []}))
    with pytest.raises(UsageError, match="part 'training'"):
        read(path, part="training")  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["t.parquet", "t.feather", "t.json", "t.xlsx"])
def test_files_that_are_not_what_their_name_says_or_are_cut(tmp_path: Path, name: str):
    path = tmp_path / name
    path.write_bytes(b"hello, here is no table")
    with pytest.raises(SourceError, match=r"t\."):
        read(path)
    writers = {"t.parquet": FRAME.write_parquet, "t.feather": FRAME.write_ipc}
    writers |= {"t.json": FRAME.write_json, "t.xlsx": FRAME.write_excel}
    writers[name](path)
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(SourceError, match=r"t\."):
        read(path)


def test_cut_gzip(tmp_path: Path):
    path = tmp_path / "t.csv.gz"
    path.write_bytes(gzip.compress(b"a,b\n" + b"1,2\n" * 1000)[:-9])
    with pytest.raises(SourceError, match="damaged"):
        read(path)
