"""How a text table is written: delimiter, quotation mark, header and names, by the head of the file."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from lamina.data.parse import MISSING
from lamina.errors import SourceError

SAMPLE_ROWS: Final = 2000

# The order decides between delimiters that explain the sample equally well.
_DELIMITERS: Final = (",", ";", "\t", "|", "^", "~", "\x1f", "\x01", ":", " ")
# These stand inside ordinary values, so they must explain every line.
_DOUBTFUL: Final = (":", " ")
# A table of one column has none; this one stands in no text.
NO_DELIMITER: Final = "\x1f"
NUMBER: Final = re.compile(r"[-+]?(?:(?:0|[1-9]\d*)(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?")
_WRITTEN_NUMBER: Final = re.compile(r"[^\w\s]?\s*[-+]?[\d.,' \u00a0]*\d[\d.,' \u00a0]*\s*[^\s\d,;|]{0,6}")
# What a column is called that has no name, by its position.
NAME: Final = "column_{}"


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
        delimiter = NO_DELIMITER
    return _lay_out(text, delimiter, quote)


def _quoted_by_apostrophe(text: str, delimiters: Sequence[str]) -> bool:
    """Whether fields begin and end with an apostrophe, and none with a double quote."""
    marks = "".join(map(re.escape, delimiters))
    quoted = re.findall(rf"(?:^|[{marks}])'[^'\n]*'(?=[{marks}\r\n]|$)", text, re.MULTILINE)
    return len(quoted) > 1 and '"' not in text


def _score(text: str, delimiter: str, quote: str) -> float:
    """How well a delimiter explains the text: lines of equal width, with cells that look whole."""
    rows = [row for row in islice(parse_rows(text, delimiter, quote), 300) if row]
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
    return sum(bool(NUMBER.fullmatch(cell)) for cell in cells) > 0.5 * len(cells)


def parse_rows(text: str, delimiter: str, quote: str | None) -> Iterator[list[str]]:
    """The rows of a text by Python's csv reader; stops where it cannot go on."""
    quoting: Any = csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE
    with long_fields(), suppress(csv.Error):
        yield from csv.reader(
            io.StringIO(text, newline=""), delimiter=delimiter, quotechar=quote, quoting=quoting
        )


@contextmanager
def long_fields() -> Iterator[None]:
    """Python's csv reader refuses long texts by default; the limit is global, so it is put back."""
    before = csv.field_size_limit(1 << 30)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def after_lines(chunk: bytes, lines: int) -> int:
    """The place after so many line feeds (the header stands within the first chunk)."""
    place = 0
    for _ in range(lines):
        place = chunk.find(b"\n", place) + 1
        if place == 0:
            return len(chunk)
    return place


def _lay_out(text: str, delimiter: str, quote: str) -> Dialect:
    """Finds preamble, header and names, the delimiter being known."""
    with long_fields():
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
        names = tuple(NAME.format(place) for place in range(1, len(rows[first]) + 1))
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
    return tuple(name or NAME.format(place) for place, name in enumerate(names, 1))


def _is_header(first: list[str], body: list[list[str]]) -> bool:
    """Whether the first row names the columns: words over numbers, or words not seen again."""
    cells = [cell.strip() for cell in first]
    if not body:
        return not any(NUMBER.fullmatch(cell) for cell in cells)
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
