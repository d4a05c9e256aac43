"""The columns of a text table: types by a sample, then one pass of polars over everything.

Whatever later rows contradict (a word among numbers, a leading zero) is looked at again as text, so
nothing is lost.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
import polars as pl

from lamina.data.dialect import NAME, NUMBER, Dialect, after_lines, parse_rows
from lamina.data.encoding import Content, chunks
from lamina.data.parse import MISSING, is_missing

# Columns looked at a second time are held as text, which is large: so many at once.
_SECOND_LOOK: Final = 6
_INTEGER: Final = re.compile(r"-?(?:0|[1-9]\d{0,17})")
# A float would lose the last digits of these.
_LONG: Final = re.compile(r"[-+]?\d{16,}")


def data_rows(head: bytes, dialect: Dialect) -> Iterator[list[str]]:
    """The rows of data in the head of a file."""
    text = head[after_lines(head, dialect.skip) :].decode("utf-8", "replace")
    return (row for row in parse_rows(text, dialect.delimiter, dialect.quote) if row)


def read_columns(content: Content, dialect: Dialect, sample: list[list[str]]) -> pl.DataFrame:
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
    if not filled or not all(NUMBER.fullmatch(cell) for cell in filled):
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
    for chunk in chunks(content):
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


def drop_nameless(frame: pl.DataFrame, dialect: Dialect) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Without the empty last column that a delimiter at the end of each line makes."""
    last = frame.columns[-1]
    nameless = dialect.header and frame.width > 1 and last == NAME.format(frame.width)
    if nameless and frame[last].null_count() == frame.height:
        return frame.drop(last), ("empty last column without a name left out",)
    return frame, ()
