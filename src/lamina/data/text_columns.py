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
from lamina.data.parse import MISSING

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
    types, marks = guessed(dialect, sample)
    try:
        frame = _scan(content, dialect, types, null_values=marks or None)
        doubts = set[str]()
    except pl.exceptions.PolarsError:
        frame = _scan(content, dialect, types, ignore_errors=True)
        doubts = {n for n, t in types.items() if t != pl.String and frame[n].null_count()}
    doubts |= zero_doubts(content, dialect, types)
    frame = _look_again(content, dialect, frame, [name for name in dialect.names if name in doubts])
    texts = [name for name, kind in frame.schema.items() if kind == pl.String]
    for name in texts:
        if (frame[name] == "").any():
            filled = frame[name].set(frame[name] == "", None)
            frame = frame.with_columns(filled)
    return frame


def guessed(dialect: Dialect, sample: list[list[str]]) -> tuple[dict[str, pl.DataType], dict[str, str]]:
    """The types that a sample suggests, and the words that mark missing numbers, by column."""
    columns = zip(*(row for row in sample if len(row) == len(dialect.names)), strict=True)
    guesses = dict(zip(dialect.names, map(_guess, columns), strict=True))
    marks = {name: mark for name, (_, mark) in guesses.items() if mark}
    return {name: kind for name, (kind, _) in guesses.items()}, marks


def zero_doubts(content: Content, dialect: Dialect, types: dict[str, pl.DataType]) -> set[str]:
    """Columns of whole numbers, where some cell of the table has a leading zero."""
    whole = {name for name, kind in types.items() if kind == pl.Int64}
    return whole if whole and _has_leading_zero(content, dialect) else set()


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
    return pl.read_csv(content, **as_written(dialect, types), **options)


def as_written(dialect: Dialect, types: dict[str, pl.DataType]) -> dict[str, Any]:
    """How polars is to read a text table, whole or in parts."""
    return {
        "has_header": False,
        "skip_lines": dialect.skip,
        "separator": dialect.delimiter,
        "quote_char": dialect.quote,
        "schema": types,
    }


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
    frame = texts.to_frame()
    told = frame.select(what_cells_tell(texts.name)).row(0)
    return frame.select(as_kind(texts.name, kind_by(*told))).to_series()


def what_cells_tell(name: str) -> list[pl.Expr]:
    """What ``kind_by`` wants to know of all cells of a text column."""
    cells = pl.col(name).str.strip_chars()
    words = _filled(cells) & cells.cast(pl.Float64, strict=False).is_null()
    fractions = _filled(cells) & cells.cast(pl.Int64, strict=False).is_null()
    return [
        (words.any() | cells.str.contains(r"^[-+]?0\d").any()).alias(f"{name} words"),
        fractions.any().alias(f"{name} fractions"),
        cells.str.contains(r"^[-+]?\d{16,}$").any().alias(f"{name} long"),
    ]


def kind_by(words: bool, fractions: bool, long: bool) -> pl.DataType:
    """The type of a column that holds ``words`` (or leading zeros), ``fractions``, whole numbers too
    ``long`` for a float."""
    if words or (fractions and long):
        return pl.String()
    return pl.Float64() if fractions else pl.Int64()


def as_kind(name: str, kind: pl.DataType) -> pl.Expr:
    """A text column in the type it was found to have."""
    cells = pl.col(name).str.strip_chars()
    if kind == pl.String:
        return pl.col(name)
    if kind == pl.Int64:
        return cells.cast(pl.Int64, strict=False)
    return pl.when(_filled(cells)).then(cells.cast(pl.Float64, strict=False)).alias(name)


def _filled(cells: pl.Expr) -> pl.Expr:
    """Which stripped cells hold something, by ``is_missing``."""
    return ~cells.str.to_lowercase().is_in(sorted(MISSING)).fill_null(True)


def drop_nameless(frame: pl.DataFrame, dialect: Dialect) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Without the empty last column that a delimiter at the end of each line makes."""
    last = frame.columns[-1]
    nameless = dialect.header and frame.width > 1 and last == NAME.format(frame.width)
    if nameless and frame[last].null_count() == frame.height:
        return frame.drop(last), ("empty last column without a name left out",)
    return frame, ()
