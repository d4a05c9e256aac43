"""Rows of a text table with too many or too few fields: found, set aside and reported."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

import numpy as np

from lamina.data.dialect import Dialect, after_lines, long_fields
from lamina.data.encoding import Content, chunks
from lamina.errors import TableError
from lamina.records import Finding

MAX_RAGGED: Final = 0.10


def regular(content: Content, dialect: Dialect, name: str) -> tuple[Content, Dialect, tuple[Finding, ...]]:
    """The content with rows of equal width only, its dialect, and what was set aside."""
    if is_regular(content, dialect):
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


def is_regular(content: Content, dialect: Dialect) -> bool:
    """Whether all rows have the width of the header, counted on the raw bytes (numpy, fast)."""
    delimiter, width = ord(dialect.delimiter), len(dialect.names)
    quote = ord(dialect.quote) if dialect.quote else None
    inside, left, to_skip = False, 0, dialect.skip
    previous_end = True
    for chunk in chunks(content):
        if to_skip:
            start = after_lines(chunk, to_skip)
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
    with long_fields():
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
