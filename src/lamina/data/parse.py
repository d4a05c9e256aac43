"""What reading numbers, dates and flags has in common: missing cells, text, distinct values.

Each kind has a module of its own (``numbers``, ``dates``, ``flags``) with three parts: a *form* (how
the values of one column are written), a ``detect_…`` that finds the form on a sample, or answers
``None`` where the column is something else, and a ``parse_…`` that reads a column of any length with
that form. Cells that are missing or cannot be read become null; which of the two it was,
``is_missing`` tells. Everything is vectorised polars.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from typing import Final

import polars as pl

# What stands for "no value" among categories: lower case, stripped. Words that can be a level of
# their own (a fence of type "None", a colour "unknown") are not here.
MISSING_TEXT: Final[frozenset[str]] = frozenset(
    {"", "?", "na", "n/a", "n.a.", "#n/a", "#na", "<na>", "nan", "null", "\\n", "(null)", "#null!"}
)

# What stands for "no value" among numbers, dates and flags, where a word is never a value.
MISSING: Final[frozenset[str]] = MISSING_TEXT | {
    *("none", "-", "--", "---", "–", "—", ".", "..", "...", "??", "*"),
    *("missing", "nil", "unknown", "undefined", "not available", "not applicable", "nat", "-nan"),
    *("no data", "n.d.", "nd", "tbd", "blank", "empty", "(blank)", "[null]", "#value!", "#div/0!"),
    *("#ref!", "#num!", "#name?", "1.#qnan", "-1.#ind", "1.#ind"),
}

# A column is taken for numbers (or dates) when this share of its filled cells reads as such, and
# nearly this share of its distinct values: among few levels, one that cannot be read makes codes.
READABLE_ROWS: Final = 0.95
READABLE_LEVELS: Final = 0.90

MANY: Final = 2048  # cells, from which on distinct values are looked for

_SPACES = "[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]"


def is_missing(values: pl.Series, markers: AbstractSet[str] = MISSING) -> pl.Series:
    """Which cells say "no value": null, NaN, or a marker word. Boolean, same length, no nulls."""
    if values.dtype == pl.String:
        levels = recurring(values)
        if levels is None:
            return _says_nothing(values, markers)
        said = levels.filter(_says_nothing(levels, markers)).drop_nulls()
        return values.is_in(said).fill_null(True) if len(said) else values.is_null()
    if values.dtype.is_float():
        return values.is_nan().fill_null(True)
    return values.is_null()


def _says_nothing(values: pl.Series, markers: AbstractSet[str]) -> pl.Series:
    words = values.str.strip_chars().str.to_lowercase()
    return words.is_in(sorted(markers)).fill_null(True)


def recurring(values: pl.Series) -> pl.Series | None:
    """The distinct values of a long column in which they recur, null among them; else None."""
    if len(values) < MANY or values.head(MANY // 2).n_unique() > MANY // 8:
        return None
    return values.unique()


def by_level(values: pl.Series, read: Callable[[pl.Series], pl.Series]) -> pl.Series:
    """``read(values)``, which makes text of text, cell by cell: computed once for every distinct value where
    they recur. Most often nothing has to be changed."""
    levels = recurring(values)
    if levels is None:
        return read(values)
    told = read(levels)
    changed = levels.ne_missing(told)
    return values.replace(levels.filter(changed), told.filter(changed)) if changed.any() else values


def to_text(values: pl.Series) -> pl.Series:
    """Any scalar column as text; whole floats lose their ".0", so that 3, 3.0 and "3" agree.

    Raises ``polars.exceptions.PolarsError`` for nested columns.
    """
    if values.dtype == pl.String:
        return values
    if values.dtype.is_float() or values.dtype.is_decimal():
        numbers = values.cast(pl.Float64).fill_nan(None)
        whole = numbers.is_not_null() & (numbers == numbers.round()) & (numbers.abs() < 2**53)
        texts = numbers.cast(pl.String)
        integers = numbers.zip_with(whole, pl.Series([None], dtype=pl.Float64)).cast(pl.Int64)
        return integers.cast(pl.String).zip_with(whole, texts)
    return values.cast(pl.String)


def levels(sample: pl.Series, markers: AbstractSet[str] = MISSING) -> pl.DataFrame:
    """The distinct filled values of a text column: ``text`` (tidied), ``rows`` (most first)."""
    texts = tidy(sample)
    texts = texts.filter(~is_missing(texts, markers)).alias("text")
    return texts.value_counts(sort=True, name="rows")


def tidy(texts: pl.Series) -> pl.Series:
    """Text without outer blanks, with every kind of blank as a space and every minus as ``-``."""
    spaced = texts.str.replace_all(_SPACES, " ").str.replace_all("[\u2212\u2012]", "-")
    return spaced.str.strip_chars()


def enough(read: pl.DataFrame, cells: pl.DataFrame) -> bool:
    """Whether what could be read is nearly all: of the rows, and of the distinct values."""
    rows = int(read["rows"].sum()) >= READABLE_ROWS * int(cells["rows"].sum())
    return rows and read.height >= READABLE_LEVELS * cells.height
