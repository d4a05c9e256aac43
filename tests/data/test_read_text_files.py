"""Text tables: dialects, types, what is set aside, and what is refused."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import lzma
import shutil
import subprocess
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamina.data import compression
from lamina.data.read import read
from lamina.data.text_files import read_text
from lamina.errors import SourceError, TableError


def rows_of(text: str | bytes) -> list[tuple[object, ...]]:
    return read_text(text.encode() if isinstance(text, str) else text).frame.rows()


def schema_of(text: str) -> dict[str, pl.DataType]:
    return dict(read_text(text.encode()).frame.schema)


WORDS = st.text(st.sampled_from("abcXYZ éüñ,;|\"'\t\n"), max_size=8).map(lambda t: f"w{t}z")

SIZES = st.floats(-1e6, 1e6).map(lambda size: round(size, 3))


@settings(max_examples=120, deadline=None)
@given(
    rows=st.lists(
        st.tuples(WORDS, st.integers(-999, 999), WORDS, SIZES),
        min_size=3,
        max_size=12,
    ),
    delimiter=st.sampled_from(",;\t|"),
    quoting=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL, csv.QUOTE_NONNUMERIC]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]),
    end=st.sampled_from(["\n", "\r\n"]),
)  # fmt: skip
def test_round_trip_of_dialects(rows, delimiter, quoting, encoding, end):
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, quoting=quoting, lineterminator=end)
    writer.writerows([("name", "count", "note", "size"), *rows])
    frame = read_text(text.getvalue().encode(encoding)).frame
    assert frame.columns == ["name", "count", "note", "size"]
    assert frame.rows() == rows


@pytest.mark.parametrize("mark", [",", ";", "\t", "|", "^", "~", "\x01"])
def test_delimiters(mark: str):
    text = f"a{mark}b{mark}c\n1{mark}x{mark}2.5\n3{mark}y{mark}4\n"
    assert rows_of(text) == [(1, "x", 2.5), (3, "y", 4.0)]


def test_decimal_commas_do_not_pass_for_delimiters():
    table = read_text(b"price;area\n1.234,5;2,25\n2.000,0;3,50\n12,75;1,00\n")
    assert table.frame.rows() == [("1.234,5", "2,25"), ("2.000,0", "3,50"), ("12,75", "1,00")]
    assert table.notes[0] == "delimiter ';', encoding utf-8"
    assert rows_of("1,5;2,5\n3,5;4,5\n") == [("1,5", "2,5"), ("3,5", "4,5")]


def test_spaces_and_one_column():
    assert "tab" in read_text(b'n\ttext\n1\t"open\n2\tworld\n').notes[0]
    assert rows_of("1.0 2.0\n3.0 4.0\n") == [(1.0, 2.0), (3.0, 4.0)]
    assert rows_of("text\nhello world\nhow are you\n") == [("hello world",), ("how are you",)]
    prose = read_text(b"text\nhello, world\nwell, so be it\nyes, no, maybe\n")
    assert prose.frame.height == 3
    assert prose.notes == ("one column, encoding utf-8",)
    assert len(rows_of("text\nhello, world, all\nno comma\nyes, one\n")) == 3
    assert rows_of("n\n1\n\n3\n") == [(1,), (None,), (3,)]


def test_apostrophes_as_quotes():
    assert rows_of("a,b\n'x, y',1\n'z',2\n") == [("x, y", 1), ("z", 2)]
    assert rows_of("a,b\nit's,1\ndon't,2\n") == [("it's", 1), ("don't", 2)]


def test_headers_present_and_absent():
    assert read_text(b"1,2\n3,4\n").frame.columns == ["column_1", "column_2"]
    assert read_text(b"5.1,setosa\n4.9,virginica\n").frame.columns == ["column_1", "column_2"]
    assert read_text(b"yes,red\nno,blue\nyes,red\nno,red\n").frame.height == 4
    assert read_text(b"text,tag\ngood day,hi\nbye now,bye\n").frame.columns == ["text", "tag"]
    assert read_text(b"0,1,2\n0.5,2.5,3\n").frame.columns == ["0", "1", "2"]
    assert read_text(b"land,2019,2020\nChile,3.1,4.7\n").frame.columns == ["land", "2019", "2020"]
    assert read_text(b",a\n0,x\n1,y\n").frame.columns == ["column_1", "a"]
    assert "no header" in read_text(b"1,2\n3,4\n").notes[0]


def test_preambles():
    assert rows_of("sep=;\na;b\n1;2\n") == [(1, 2)]
    assert rows_of("# made by hand\n\na,b,c\n1,2,3\n") == [(1, 2, 3)]
    assert rows_of("Report 2024\na,b,c\n1,2,3\n4,5,6\n") == [(1, 2, 3), (4, 5, 6)]
    assert rows_of('"a\nlong",b\n1,2\n') == [(1, 2)]


def test_types_lose_nothing():
    late = "a,b,c,d\n" + "1,2.5,3,10\n" * 3000
    frame = read_text((late + "007,x,2.5,NA\n").encode()).frame
    assert frame.dtypes == [pl.String, pl.String, pl.Float64, pl.Int64]
    assert frame.row(-1) == ("007", "x", 2.5, None)
    assert frame.row(0) == ("1", "2.5", 3.0, 10)
    assert schema_of("zip,n\n01234,1\n99999,2\n") == {"zip": pl.String, "n": pl.Int64}
    assert schema_of("card,n\n1234567890123456789012,1\n5,2\n")["card"] == pl.String


def test_markers_are_null_among_numbers_and_stay_among_texts():
    frame = read_text(b"n,t\n1,NA\n?,x\nNA,?\n,\n2.5,None\n").frame
    assert frame["n"].to_list() == [1.0, None, None, None, 2.5]
    assert frame["t"].to_list() == ["NA", "x", "?", None, "None"]


def test_a_last_delimiter_on_every_line():
    assert read_text(b"a,b,\n1,2,\n3,4,\n").frame.columns == ["a", "b"]
    assert rows_of("a,b\n1,2,\n3,4,\n") == [(1, 2), (3, 4)]


def test_row_names_of_r():
    frame = read_text(b"mpg,cyl\nMazda,21,6\nFord,15,8\n").frame
    assert frame.columns == ["column_1", "mpg", "cyl"]


def test_ragged_rows_are_set_aside_and_counted():
    lines = [f"{n},x{n}" for n in range(40)]
    lines[10], lines[20] = "10", "20,x,y"
    table = read_text(("a,b\n" + "\n".join(lines)).encode(), "t.csv")
    assert len(table) == 38
    (finding,) = table.findings
    assert (finding.code, finding.severity, finding.count) == ("ragged-row", "warning", 2)
    assert finding.rows == (10, 20)
    assert "line 12 of t.csv with 1 fields" in finding.message
    assert finding.remedy


def test_blank_lines_and_broken_quotes_are_no_ragged_rows():
    assert rows_of("a,b\n1,2\n\n3,4\n\n") == [(1, 2), (3, 4)]
    text = "a,b\n" + "".join(f'{n},"x{n}"\n' for n in range(30)) + '6,"never closed\n7,y\n8,z\n'
    table = read_text(text.encode())
    assert table.frame.rows()[-3:] == [(29, "x29"), (7, "y"), (8, "z")]
    assert "line 32 of the data with a quotation mark" in table.findings[0].message
    assert rows_of('size,n\n5" disk,1\n3" disk,2\n') == [('5" disk', 1), ('3" disk', 2)]


def test_too_many_ragged_rows():
    lines = ["1,2,3" if n % 4 == 0 else "1,2" for n in range(1, 21)]
    with pytest.raises(TableError, match=r"5 of 20 rows \(25%\).*first is line 5 with 3"):
        read_text(("a,b\n" + "\n".join(lines)).encode())


def test_duplicate_names():
    with pytest.raises(TableError, match="'a' is column 1 and column 3") as caught:
        read_text(b"a,b,a\n1,2,3\n")
    assert "Rename" in caught.value.remedy


def test_header_only_and_blank():
    with pytest.raises(SourceError, match="no rows: only the header 'a', 'b'"):
        read_text(b"a,b\n")
    with pytest.raises(SourceError, match="empty"):
        read_text(b"")
    with pytest.raises(SourceError, match="blank lines only"):
        read_text(b"\n \n\n")


def test_encodings():
    body = "name,city\nZoë,Köln\nJosé,Málaga\n"
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "cp1252", "utf-16-le"):
        table = read_text(body.encode(encoding))
        assert table.frame.rows() == [("Zoë", "Köln"), ("José", "Málaga")], encoding
        assert encoding in table.notes[0]
    assert "latin-1" in read_text(("a,b\n\x81é,1\n" + "some words,2\n" * 20).encode("latin-1")).notes[0]
    late = b"a,b\n" + b"x,1\n" * 100_000 + "é,2\n".encode("cp1252")
    assert read_text(late).frame["a"][-1] == "é"
    assert rows_of("a,b\r1,2\r3,4\r") == [(1, 2), (3, 4)]


def test_what_is_no_text(tmp_path: Path):
    path = tmp_path / "data.csv"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4)
    with pytest.raises(SourceError, match="a PNG picture"):
        read(path)
    path.write_bytes(bytes(range(256)) * 40)
    with pytest.raises(SourceError, match="binary data"):
        read(path)


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_packed(tmp_path: Path, pack):
    path = tmp_path / "t.csv.packed"
    path.write_bytes(pack(b"a;b\n1;x\n2;y\n"))
    assert read(path).frame.rows() == [(1, "x"), (2, "y")]


@pytest.mark.skipif(not shutil.which("zstd"), reason="needs the zstd program to make the file")
def test_packed_by_zstandard(tmp_path: Path):
    path = tmp_path / "t.csv"
    path.write_text('a;b\n1;"x\nz"\n2;y\n')
    subprocess.run(["zstd", "-q", "--rm", str(path)], check=True)
    assert read(tmp_path / "t.csv.zst").frame.rows() == [(1, "x\nz"), (2, "y")]


def test_a_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(compression, "_FREE", 10_000)
    monkeypatch.setattr(compression, "MAX_RATIO", 10)
    path = tmp_path / "t.csv.gz"
    path.write_bytes(gzip.compress(b"1,1\n" * 100_000))
    with pytest.raises(SourceError, match="unpacks to more than"):
        read(path)


def test_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch):
    from lamina.data import encoding

    text = "a,b\n" + "".join(f'{n},"x, {n}\n{n}"\n' for n in range(50)) + '51,"00"\n'
    whole = rows_of(text)
    for size in (64, 65, 67, 71):
        monkeypatch.setattr(encoding, "CHUNK", size)
        assert rows_of(text) == whole
    assert len(whole) == 51
