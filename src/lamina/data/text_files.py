"""Text tables (CSV, TSV, any delimiter): find out how the file is written, then read it at once.

The dialect is decided on the head of the file, the types too; polars then reads everything in one
pass. Whatever later rows contradict (a word among numbers, a leading zero) is looked at again as
text, so nothing is lost. Rows with too many or too few fields are set aside and reported.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from lamina.data.compression import COMPRESSED, recognise, unpack
from lamina.data.parse import MISSING, is_missing
from lamina.data.table import Table
from lamina.errors import SourceError, TableError
from lamina.records import Finding

SAMPLE_BYTES: Final = 256 << 10
SAMPLE_ROWS: Final = 2000
CHUNK: Final = 8 << 20
MAX_RAGGED: Final = 0.10
# Columns looked at a second time are held as text, which is large: so many at once.
_SECOND_LOOK: Final = 6
# A file is either on disk (plain UTF-8) or its content, decoded to UTF-8.
Content = Path | bytes

# The order decides between delimiters that explain the sample equally well.
_DELIMITERS: Final = (",", ";", "\t", "|", "^", "~", "\x1f", "\x01", ":", " ")
# These stand inside ordinary values, so they must explain every line.
_DOUBTFUL: Final = (":", " ")
# A table of one column has none; this one stands in no text.
_NO_DELIMITER: Final = "\x1f"
_INTEGER: Final = re.compile(r"-?(?:0|[1-9]\d{0,17})")
_NUMBER: Final = re.compile(r"[-+]?(?:(?:0|[1-9]\d*)(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?")
# A float would lose the last digits of these.
_LONG: Final = re.compile(r"[-+]?\d{16,}")
_WRITTEN_NUMBER: Final = re.compile(r"[^\w\s]?\s*[-+]?[\d.,' \u00a0]*\d[\d.,' \u00a0]*\s*[^\s\d,;|]{0,6}")
_NAME: Final = "column_{}"


@dataclass(frozen=True)
class Dialect:
    """How a text table is written.

    ``skip`` lines stand before the first row of data, the header included; ``names`` are the
    columns; ``quote`` is the mark around fields, ``None`` where marks are ordinary text.
    """

    encoding: str
    delimiter: str
    quote: str | None
    header: bool
    skip: int
    names: tuple[str, ...]


# ------------------------------------------------------------------------------------------- door


def read_text(source: Path | bytes, name: str | None = None) -> Table:
    """Reads a text table from a file, or from the bytes of one.

    Columns that are plain numbers become Int64 or Float64 (missing markers become null), all
    others stay String as written (an empty cell is null).

    Raises ``SourceError`` where it is empty, has no rows or is no text; ``TableError`` where a
    name is used twice or more than a tenth of the rows are ragged.
    """
    name = name or (source.name if isinstance(source, Path) else "the data")
    content = _load(source, name)
    content, encoding = _as_utf8(content, name)
    dialect = replace(detect_dialect(_head(content), name), encoding=encoding)
    _refuse_duplicates(dialect.names, name)
    written = _describe(dialect)
    content, dialect, findings = _regular(content, dialect, name)
    sample = list(islice(_rows(_head(content), dialect), SAMPLE_ROWS))
    if not sample:
        raise SourceError(
            f"{name} has no rows: only the header {_shown(dialect.names)}.",
            "Give a file that has rows under its header.",
            source=name,
        )
    frame = _read_columns(content, dialect, sample)
    frame, notes = _drop_nameless(frame, dialect)
    return Table(frame, name, (written, *notes), findings=findings)


def _load(source: Path | bytes, name: str) -> Content:
    """The file where it is plain, else its unpacked content. Raises ``SourceError`` if empty."""
    if isinstance(source, Path):
        with source.open("rb") as file:
            head = file.read(1024)
        if recognise(head) in COMPRESSED:
            source = unpack(source)
    if not (source.stat().st_size if isinstance(source, Path) else len(source)):
        raise SourceError(f"{name} is empty (0 bytes).", "Give a file that has rows.", source=name)
    return source


def _describe(dialect: Dialect) -> str:
    """One line about the dialect, for the notes of the table."""
    shown = {"\t": "tab", " ": "space"}.get(dialect.delimiter, repr(dialect.delimiter))
    shown = "one column" if dialect.delimiter == _NO_DELIMITER else f"delimiter {shown}"
    header = "" if dialect.header else ", no header"
    return f"{shown}, encoding {dialect.encoding}{header}"


def _shown(names: Sequence[str], most: int = 8) -> str:
    """Names for a message, shortened."""
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(repr(name) for name in names[:most]) + rest


# --------------------------------------------------------------------------------------- encoding


def _chunks(content: Content) -> Iterator[bytes]:
    """The content in pieces of some MiB."""
    if isinstance(content, bytes):
        for start in range(0, len(content), CHUNK):
            yield content[start : start + CHUNK]
        return
    with content.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk


def _head(content: Content) -> bytes:
    """The head of the content, cut after a whole line where it goes on."""
    if isinstance(content, bytes):
        head = content[: SAMPLE_BYTES + 1]
    else:
        with content.open("rb") as file:
            head = file.read(SAMPLE_BYTES + 1)
    if len(head) > SAMPLE_BYTES and b"\n" in head:
        head = head[: head.rindex(b"\n") + 1]
    return head.removeprefix(codecs.BOM_UTF8)


def _as_utf8(content: Content, name: str) -> tuple[Content, str]:
    """The content as UTF-8 with line feeds, and the encoding it had.

    Raises ``SourceError`` where it is not text.
    """
    head = next(_chunks(content))[:SAMPLE_BYTES]
    encoding = _encoding(head, content)
    old_mac = b"\r" in head and b"\n" not in head and not encoding.startswith("utf-16")
    if encoding in ("utf-8", "utf-8-sig") and not old_mac:
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
    outside = any(byte in chunk for chunk in _chunks(content) for byte in undefined)
    return "latin-1" if outside else "cp1252"


def _is_utf8(content: Content) -> bool:
    """Whether the whole content is valid UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for chunk in _chunks(content):
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


# ---------------------------------------------------------------------------------------- dialect


def detect_dialect(head: bytes, name: str = "the data") -> Dialect:
    """The dialect that explains the head of a file (UTF-8 bytes) best.

    Raises ``SourceError`` where there is no line.
    """
    text = head.decode("utf-8", "replace")
    if not text.strip():
        raise SourceError(
            f"{name} is empty: it holds blank lines only.",
            "Give a file that has rows.",
            source=name,
        )
    told = re.match(r"\s*\"?sep=(.)\"?\r?\n", text)
    delimiters = (told[1],) if told else _DELIMITERS
    quotes = ('"', "'") if _quoted_by_apostrophe(text, delimiters) else ('"',)
    scored = [
        (_score(text, delimiter, quote), delimiter, quote) for quote in quotes for delimiter in delimiters
    ]
    best, delimiter, quote = max(scored, key=lambda each: each[0])
    if best <= 0 and not told:
        delimiter = _NO_DELIMITER
    return _lay_out(text, delimiter, quote)


def _quoted_by_apostrophe(text: str, delimiters: Sequence[str]) -> bool:
    """Whether fields begin and end with an apostrophe, and none with a double quote."""
    marks = "".join(map(re.escape, delimiters))
    quoted = re.findall(rf"(?:^|[{marks}])'[^'\n]*'(?=[{marks}\r\n]|$)", text, re.MULTILINE)
    return len(quoted) > 1 and '"' not in text


def _score(text: str, delimiter: str, quote: str) -> float:
    """How well a delimiter explains the text: lines of equal width, with cells that look whole."""
    rows = [row for row in islice(_parse(text, delimiter, quote), 300) if row]
    widths = Counter(len(row) for row in rows)
    if not widths:
        return 0.0
    width, lines = max(widths.items(), key=lambda each: (each[1], each[0]))
    if width == 1:
        return 0.0
    consistent = lines / len(rows)
    cells = [cell.strip() for row in rows[:100] for cell in row if len(row) == width]
    if len(rows[0]) == 1 and sum(row[-1].startswith(" ") for row in rows) > 0.5 * len(rows):
        return 0.0  # one column of prose: a space follows its commas
    whole = sum(_whole(cell, delimiter) for cell in cells) / len(cells)
    if delimiter in _DOUBTFUL and (consistent < 1 or len(rows) < 2 or not _numeric(cells)):
        return 0.0
    # The header counts for more: a decimal comma never stands in it.
    header = 1.0 if len(rows[0]) == width else 0.6
    return consistent * header * whole**2 * (0.5 if delimiter in _DOUBTFUL else 1.0)


def _whole(cell: str, delimiter: str) -> bool:
    """Whether a cell looks like one value: no other delimiter, unless in numbers or in prose."""
    if _WRITTEN_NUMBER.fullmatch(cell):
        return True
    others = (mark for mark in _DELIMITERS[:6] if mark != delimiter)
    return not any(re.search(rf"\S{re.escape(mark)}\S", cell) for mark in others)


def _numeric(cells: list[str]) -> bool:
    """Whether most cells are plain numbers."""
    return sum(bool(_NUMBER.fullmatch(cell)) for cell in cells) > 0.5 * len(cells)


def _parse(text: str, delimiter: str, quote: str | None) -> Iterator[list[str]]:
    """The rows of a text by Python's csv reader; stops where it cannot go on."""
    quoting: Any = csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE
    with _long_fields(), suppress(csv.Error):
        yield from csv.reader(
            io.StringIO(text, newline=""), delimiter=delimiter, quotechar=quote, quoting=quoting
        )


@contextmanager
def _long_fields() -> Iterator[None]:
    """Python's csv reader refuses long texts by default; the limit is global, so it is put back."""
    before = csv.field_size_limit(1 << 30)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _lay_out(text: str, delimiter: str, quote: str) -> Dialect:
    """Finds preamble, header and names, the delimiter being known."""
    with _long_fields():
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, quotechar=quote)
        lines, rows = [], []
        for row in islice(reader, SAMPLE_ROWS):
            lines.append(reader.line_num)
            rows.append(row)
    width = Counter(len(row) for row in rows if row).most_common(1)[0][0]
    first = next(
        (place for place, row in enumerate(rows[:20]) if not _is_preamble(row, width)),
        next(place for place, row in enumerate(rows) if row),
    )
    body = [row for row in rows[first + 1 :] if row]
    if not _is_header(rows[first], body):
        names = tuple(_NAME.format(place) for place in range(1, len(rows[first]) + 1))
        skip = lines[first - 1] if first else 0
        return Dialect("utf-8", delimiter, quote, False, skip, names)
    return Dialect("utf-8", delimiter, quote, True, lines[first], _names(rows[first], body, width))


def _is_preamble(row: list[str], width: int) -> bool:
    """A blank line, a comment, a title, or the line that tells a spreadsheet the delimiter."""
    if not any(cell.strip() for cell in row) or row[0].lower().startswith("sep="):
        return True
    return len(row) != width and (row[0].startswith("#") or (len(row) == 1 and width > 2))


def _names(header: list[str], body: list[list[str]], width: int) -> tuple[str, ...]:
    """The column names; a header one name short leaves the row names of R without one."""
    names = [cell.strip() for cell in header]
    if len(names) == width - 1 and any(row[-1].strip() for row in body if len(row) == width):
        names = ["", *names]
    return tuple(name or _NAME.format(place) for place, name in enumerate(names, 1))


def _is_header(first: list[str], body: list[list[str]]) -> bool:
    """Whether the first row names the columns: words over numbers, or words not seen again."""
    cells = [cell.strip() for cell in first]
    if not body:
        return not any(_NUMBER.fullmatch(cell) for cell in cells)
    if len(cells) > 2 and cells in ([str(n + s) for n in range(len(cells))] for s in (0, 1)):
        return True
    if any(_WRITTEN_NUMBER.fullmatch(cell) for cell in cells):
        # Years over numbers may still be names.
        return _years_over_numbers(cells, body)
    if len(cells) > 1 and sum(cell.lower() in MISSING and cell != "" for cell in cells) > 1:
        return False
    columns = [[row[place].strip() for row in body if place < len(row)] for place in range(len(cells))]
    if any(_numeric(column) for column in columns):
        return True
    back = sum(cell != "" and cell in column for cell, column in zip(cells, columns, strict=True))
    return back <= 0.5 * len(cells) and (back == 0 or len(cells) > 2)


def _years_over_numbers(cells: list[str], body: list[list[str]]) -> bool:
    """``country, 2019, 2020`` over ``Chile, 3.1, 4.7``: the numbers in the first row are names."""
    numbers = [cell for cell in cells if _WRITTEN_NUMBER.fullmatch(cell)]
    years = all(re.fullmatch(r"(?:19|20)\d\d", cell) for cell in numbers)
    rising = len(numbers) > 1 and numbers == sorted(set(numbers))
    below = {row[cells.index(numbers[0])].strip() for row in body if len(row) == len(cells)}
    return years and rising and not any(re.fullmatch(r"(?:19|20)\d\d", cell) for cell in below)


def _refuse_duplicates(names: Sequence[str], source: str) -> None:
    """Raises ``TableError`` naming every name that is used twice, and its positions."""
    twice = {name for name, count in Counter(names).items() if count > 1}
    if not twice:
        return
    places = {
        name: [place for place, each in enumerate(names, 1) if each == name]
        for name in names
        if name in twice
    }
    shown = "; ".join(
        f"{name!r} is column {' and column '.join(map(str, at))}" for name, at in places.items()
    )
    raise TableError(
        f"{source} uses a column name twice: {shown}.",
        "Rename the columns in the header so that every name stands once.",
        source=source,
        columns=places,
    )


# ------------------------------------------------------------------------------------ ragged rows


def _regular(content: Content, dialect: Dialect, name: str) -> tuple[Content, Dialect, tuple[Finding, ...]]:
    """The content with rows of equal width only, its dialect, and what was set aside."""
    if _is_regular(content, dialect):
        return content, dialect, ()
    text = (content if isinstance(content, bytes) else content.read_bytes()).decode("utf-8-sig")
    clean, ragged, rows = _set_aside(text, dialect)
    if len(ragged) > MAX_RAGGED * rows:
        # Perhaps quotation marks are ordinary text here.
        again = _set_aside(text, replace(dialect, quote=None))
        if len(again[1]) < len(ragged):
            clean, ragged, rows = again
    if len(ragged) > MAX_RAGGED * rows:
        raise _ragged_error(name, dialect, ragged, rows)
    rewritten = replace(dialect, quote='"', delimiter=",", skip=0)
    findings = (_ragged_finding(name, dialect, ragged),) if ragged else ()
    return clean, rewritten, findings


def _is_regular(content: Content, dialect: Dialect) -> bool:
    """Whether all rows have the width of the header, counted on the raw bytes (numpy, fast)."""
    delimiter, width = ord(dialect.delimiter), len(dialect.names)
    quote = ord(dialect.quote) if dialect.quote else None
    inside, left, to_skip = False, 0, dialect.skip
    previous_end = True
    for chunk in _chunks(content):
        if to_skip:
            start = _after_lines(chunk, to_skip)
            chunk, to_skip = chunk[start:], 0
        data = np.frombuffer(chunk, np.uint8)
        if not len(data):
            continue
        breaks = data == 10
        marks = breaks | (data == delimiter)
        if quote is not None and (inside or (data == quote).any()):
            within = np.bitwise_xor.accumulate((data == quote).view(np.uint8)) ^ np.uint8(inside)
            inside = bool(within[-1])
            marks &= within == 0
        places = np.flatnonzero(marks)
        ends = np.flatnonzero(breaks[places])
        counts = np.diff(ends, prepend=-1 - left)
        if (counts != width).any():
            return False
        left = len(places) - (int(ends[-1]) + 1 if len(ends) else -left)
        previous_end = chunk[-1] == 10
    return not inside and (previous_end or left == width - 1)


def _after_lines(chunk: bytes, lines: int) -> int:
    """The place after so many line feeds (the header stands within the first chunk)."""
    place = 0
    for _ in range(lines):
        place = chunk.find(b"\n", place) + 1
        if place == 0:
            return len(chunk)
    return place


def _set_aside(text: str, dialect: Dialect) -> tuple[bytes, list[tuple[int, int, int]], int]:
    """Parses row by row: the good rows as plain CSV, and (row, line, fields) of the ragged ones.

    Also how many rows there are. A quotation mark that is never closed swallows the lines after
    it, so of a ragged row of several lines only the first is set aside; reading goes on after it.
    """
    width, clean = len(dialect.names), io.StringIO()
    write = csv.writer(clean, lineterminator="\n").writerow
    ragged: list[tuple[int, int, int]] = []
    lines = text.split("\n")
    number = 0
    for line, after, row in _records(lines, dialect):
        fields = len(row)
        if fields > width and not any(row[width:]):
            row = row[:width]  # a delimiter at the end of every line
        good = len(row) == width and not _is_unclosed(lines[line:after], dialect.quote)
        if good or (width == 1 and not row):
            write(row or [""])
        else:
            ragged.append((number, line + 1, fields))
        number += 1
    return clean.getvalue().encode(), ragged, number


def _records(lines: list[str], dialect: Dialect) -> Iterator[tuple[int, int, list[str]]]:
    """Each record: the first line it stands on (from 0), the line after it, its fields.

    Blank lines are left out, except the ones of a table with a single column.
    """
    width, at = len(dialect.names), dialect.skip
    end = len(lines) - (lines[-1] == "")
    quoting: Any = csv.QUOTE_MINIMAL if dialect.quote else csv.QUOTE_NONE
    with _long_fields():
        while at < end:
            reader = csv.reader(
                (lines[place] + "\n" for place in range(at, end)),
                delimiter=dialect.delimiter,
                quotechar=dialect.quote,
                quoting=quoting,
            )
            first = start = at
            for row in reader:
                at = start + reader.line_num
                several = at - first > 1
                if several and (len(row) != width or _is_unclosed(lines[first:at], dialect.quote)):
                    at = first + 1
                    yield first, at, []
                    break
                if row or width == 1:
                    yield first, at, row
                first = at


def _is_unclosed(lines: list[str], quote: str | None) -> bool:
    """Whether a record of several lines holds an odd number of quotation marks."""
    if quote is None or len(lines) < 2:
        return False
    return sum(line.count(quote) for line in lines) % 2 == 1


def _ragged_error(name: str, dialect: Dialect, ragged: list[tuple[int, int, int]], rows: int) -> TableError:
    """The error where too many rows are ragged for the table to be believed."""
    _, line, fields = ragged[0]
    shown = str(fields) if fields else "a quotation mark that is never closed"
    return TableError(
        f"{name}: {len(ragged):,} of {rows:,} rows ({len(ragged) / rows:.0%}) do not have the "
        f"{len(dialect.names)} fields of the header; the first is line {line} with {shown} "
        f"(delimiter {dialect.delimiter!r}).",
        "Look at that line: a text that holds the delimiter must stand in double quotes.",
        source=name,
        line=line,
        ragged=len(ragged),
        rows=rows,
    )


def _ragged_finding(name: str, dialect: Dialect, ragged: list[tuple[int, int, int]]) -> Finding:
    """The finding on rows set aside; its rows count all rows of the file, those included."""
    _, line, fields = ragged[0]
    shown = f"{fields} fields" if fields else "a quotation mark that is never closed"
    what, were = ("row does", "was") if len(ragged) == 1 else ("rows do", "were")
    return Finding(
        severity="warning",
        code="ragged-row",
        message=f"{len(ragged):,} {what} not have the {len(dialect.names)} fields of the header "
        f"and {were} set aside; the first is line {line} of {name} with {shown}.",
        remedy="Correct these lines: a text that holds the delimiter must stand in double quotes.",
        rows=tuple(row for row, _, _ in ragged[:100]),
        count=len(ragged),
    )


# ---------------------------------------------------------------------------------------- columns


def _rows(head: bytes, dialect: Dialect) -> Iterator[list[str]]:
    """The rows of data in the head of a file."""
    text = head[_after_lines(head, dialect.skip) :].decode("utf-8", "replace")
    return (row for row in _parse(text, dialect.delimiter, dialect.quote) if row)


def _read_columns(content: Content, dialect: Dialect, sample: list[list[str]]) -> pl.DataFrame:
    """All columns, typed as the sample suggests and as all rows confirm."""
    columns = zip(*(row for row in sample if len(row) == len(dialect.names)), strict=True)
    guesses = [_guess(column) for column in columns]
    types: dict[str, pl.DataType] = {
        name: guess[0] for name, guess in zip(dialect.names, guesses, strict=True)
    }
    marks = {name: guess[1] for name, guess in zip(dialect.names, guesses, strict=True) if guess[1]}
    try:
        frame = _scan(content, dialect, types, null_values=marks or None)
        doubts = set[str]()
    except pl.exceptions.PolarsError:
        frame = _scan(content, dialect, types, ignore_errors=True)
        doubts = {n for n, t in types.items() if t != pl.String and frame[n].null_count()}
    if any(kind == pl.Int64 for kind in types.values()) and _has_leading_zero(content, dialect):
        doubts |= {name for name, kind in types.items() if kind == pl.Int64}
    frame = _look_again(content, dialect, frame, [name for name in dialect.names if name in doubts])
    texts = [name for name, kind in frame.schema.items() if kind == pl.String]
    for name in texts:
        if (frame[name] == "").any():
            filled = frame[name].set(frame[name] == "", None)
            frame = frame.with_columns(filled)
    return frame


def _guess(cells: Sequence[str]) -> tuple[pl.DataType, str | None]:
    """The type of a column by its sample, and the one word that marks a missing number there."""
    filled = {cell.strip() for cell in cells if cell.strip().lower() not in MISSING}
    if not filled or not all(_NUMBER.fullmatch(cell) for cell in filled):
        return pl.String(), None
    words = Counter(cell for cell in cells if cell and cell.strip().lower() in MISSING)
    mark = words.most_common(1)[0][0] if words else None
    integers = all(_INTEGER.fullmatch(cell) for cell in filled)
    if not integers and any(_LONG.fullmatch(cell) for cell in filled):
        return pl.String(), None
    return (pl.Int64() if integers else pl.Float64()), mark


def _scan(content: Content, dialect: Dialect, types: dict[str, pl.DataType], **options: Any) -> pl.DataFrame:
    """One pass of polars over the content."""
    return pl.read_csv(
        content,
        has_header=False,
        skip_lines=dialect.skip,
        separator=dialect.delimiter,
        quote_char=dialect.quote,
        schema=types,
        **options,
    )


def _has_leading_zero(content: Content, dialect: Dialect) -> bool:
    """Whether some cell is a whole number with a leading zero ("01234"): numbers would lose it."""
    borders = [ord(dialect.delimiter), 10, *([ord(dialect.quote)] if dialect.quote else [])]
    is_border = np.zeros(256, bool)
    is_border[borders] = True
    tail = b"\n"
    for chunk in _chunks(content):
        # A few bytes of the last piece come again, so that no cell is cut.
        data = np.frombuffer(tail + chunk + b"\n", np.uint8)
        zeros = np.flatnonzero(data[1:-2] == 48) + 1
        zeros = zeros[is_border[data[zeros - 1]] | (data[zeros - 1] == 45)] + 1
        zeros = zeros[(data[zeros] >= 48) & (data[zeros] <= 57)]
        while len(zeros):
            zeros = zeros[zeros < len(data) - 1] + 1
            after = data[zeros]
            if (is_border[after] | (after == 13)).any():
                return True
            zeros = zeros[(after >= 48) & (after <= 57)]
        tail = chunk[-32:]
    return False


def _look_again(content: Content, dialect: Dialect, frame: pl.DataFrame, names: list[str]) -> pl.DataFrame:
    """Reads doubtful columns as text and settles them by all their cells."""
    for start in range(0, len(names), _SECOND_LOOK):
        batch = names[start : start + _SECOND_LOOK]
        as_text: dict[str, pl.DataType] = {name: pl.String() for name in dialect.names}
        texts = _lazy_texts(content, dialect, as_text, batch)
        frame = frame.with_columns(settle(texts[name]) for name in batch)
    return frame


def _lazy_texts(
    content: Content, dialect: Dialect, types: dict[str, pl.DataType], names: list[str]
) -> pl.DataFrame:
    """A few columns as text."""
    return (
        pl.scan_csv(
            content,
            has_header=False,
            skip_lines=dialect.skip,
            separator=dialect.delimiter,
            quote_char=dialect.quote,
            schema=types,
        )
        .select(names)
        .collect()
    )


def settle(texts: pl.Series) -> pl.Series:
    """A text column as Int64 or Float64 where every cell is a plain number or missing, else itself.

    Leading zeros and whole numbers too long for a float keep a column text.
    """
    cells = texts.str.strip_chars()
    numbers = cells.cast(pl.Float64, strict=False)
    filled = ~is_missing(cells)
    if (filled & numbers.is_null()).any() or cells.str.contains(r"^[-+]?0\d").any():
        return texts
    integers = cells.cast(pl.Int64, strict=False)
    if not (filled & integers.is_null()).any():
        return integers
    if cells.str.contains(r"^[-+]?\d{16,}$").any():
        return texts
    return numbers.set(~filled, None)


def _drop_nameless(frame: pl.DataFrame, dialect: Dialect) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Without the empty last column that a delimiter at the end of each line makes."""
    last = frame.columns[-1]
    nameless = dialect.header and frame.width > 1 and last == _NAME.format(frame.width)
    if nameless and frame[last].null_count() == frame.height:
        return frame.drop(last), ("empty last column without a name left out",)
    return frame, ()
