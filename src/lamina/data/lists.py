"""Raw cells → lists: several numbers, or several words, in one cell.

Cells are lists already (Parquet, JSON, frames) or text ("[1, 2, 3]", "1;2;3", "red|blue"). Like ``numbers``
and ``dates`` this has a form, a ``detect_…`` that finds it on a sample or answers ``None``, and a
``parse_…``.
"""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec
import numpy as np
import polars as pl

from lamina.data.parse import MISSING, MISSING_TEXT, READABLE_ROWS, is_missing, levels

MOST_BYTES: Final = 4_000_000  # of one text cell: a longer one is not read
MOST_WORDS: Final = 1000  # of one cell: further ones are left out
LOOKED_AT: Final = 2000  # distinct cells that detection reads
LONGEST_VECTOR: Final = 16_384  # numbers in every cell; more are a series, whatever their order
_BRACKETS: Final = "[](){}<> \t\r\n"
# mark between numbers → how many numbers a cell must have in the middle, where no brackets stand around them:
# "3,5" may be a decimal comma and "555 123 4567" a phone number
_NUMBER_MARKS: Final = {";": 3, "|": 3, ",": 4, " ": 6}
_BRACKETED: Final = r"(?s)^\s*[\[({<].*[\])}>]\s*$"
_QUOTES: Final = "'\" \t\r\n"


class ListForm(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How several values stand in one text cell, and how many in every cell where that is fixed."""

    separator: str = ","
    decimal: str = "."
    length: int | None = None


def is_list(dtype: pl.DataType) -> bool:
    """Whether cells of this type are lists of plain values."""
    return isinstance(dtype, pl.List | pl.Array) and not inner(dtype).is_nested()


def inner(dtype: Any) -> pl.DataType:
    """The type of the values in a list or an array of one dimension."""
    one = isinstance(dtype, pl.List) or len(dtype.shape) == 1
    return dtype.inner if one else pl.List(pl.Float64)


# ---------------------------------------------------------------------------------------------- numbers


def detect_numbers(sample: pl.Series) -> ListForm | None:
    """The form of a text column whose cells are lists of numbers, else ``None``."""
    if sample.dtype != pl.String:
        return None
    cells = levels(sample).head(LOOKED_AT)
    if cells.is_empty():
        return None
    bracketed = cells["text"].str.contains(_BRACKETED).to_numpy().mean() >= READABLE_ROWS
    for mark, least in _NUMBER_MARKS.items():
        marked = cells["text"].str.contains(r"\s" if mark == " " else re.escape(mark))
        if not (marked & cells["text"].str.contains(r"\d")).any():
            continue  # the usual case, told without reading
        for decimal in (".", ",") if mark != "," else (".",):
            form = ListForm(separator=mark, decimal=decimal)
            if _reads(cells, form, 1 if bracketed else least):
                return form
    return None


def _reads(cells: pl.DataFrame, form: ListForm, least: int) -> bool:
    """Whether nearly all cells are lists of numbers in this form, at least so long in the middle."""
    read = parse_numbers(cells["text"], form)
    lengths = read.drop_nulls().list.len().to_numpy()
    if not len(lengths) or lengths.max() < 2 or np.median(lengths) < least:
        return False
    rows = cells["rows"].to_numpy()
    return bool(rows[read.is_not_null().to_numpy()].sum() >= READABLE_ROWS * rows.sum())


def parse_numbers(values: pl.Series, form: ListForm) -> pl.Series:
    """The cells as lists of Float64, same length; null where missing, unreadable or of another length.

    Inside a list null stands for what is missing or infinite. A single number is a list of one.
    """
    lists = _numbers(values, form)
    finite = pl.when(pl.element().is_finite()).then(pl.element())
    lists = lists.list.eval(finite)
    if form.length is None:
        return lists
    fits = (lists.list.len() == form.length).fill_null(False)
    return _where(fits, lists)


def _numbers(values: pl.Series, form: ListForm) -> pl.Series:
    wanted = pl.List(pl.Float64)
    if is_list(values.dtype):
        lists = values.arr.to_list() if isinstance(values.dtype, pl.Array) else values
        return lists.cast(wanted, strict=False)
    if values.dtype.is_numeric():
        numbers = values.cast(pl.Float64)
        return _where(numbers.is_not_null(), numbers.reshape((len(values), 1)).arr.to_list())
    if values.dtype != pl.String:
        return pl.Series(values.name, [None] * len(values), dtype=wanted)
    return _numbers_of_text(values, form)


def _numbers_of_text(values: pl.Series, form: ListForm) -> pl.Series:
    parts = _parts(values, form, MISSING).explode("part")
    text = parts["part"]
    written = text.str.replace(",", ".", literal=True) if form.decimal == "," else text
    numbers = written.cast(pl.Float64, strict=False)
    unread = numbers.is_null() & ~is_missing(text)
    blank = (pl.len() == 1) & (pl.col("text").first() == "")  # nothing between the brackets
    lists = (
        pl.DataFrame({"row": parts["row"], "text": text, "number": numbers, "unread": unread})
        .group_by("row", maintain_order=True)
        .agg(pl.col("number").head(pl.when(blank).then(0).otherwise(pl.len())), pl.col("unread").any())
    )
    return _spread(lists.filter(~pl.col("unread")).select("row", list="number"), values)


# ------------------------------------------------------------------------------------------------ words


def parse_words(values: pl.Series, form: ListForm) -> pl.Series:
    """The cells as lists of distinct String, in their order; null where missing or unreadable."""
    if is_list(values.dtype):
        lists = values.arr.to_list() if isinstance(values.dtype, pl.Array) else values
        lists = _as_words(lists)
    elif values.dtype == pl.String:
        lists = _spread(_parts(values, form, MISSING_TEXT).select("row", list="part"), values)
    else:
        return pl.Series(values.name, [None] * len(values), dtype=pl.List(pl.String))
    word = pl.element().str.strip_chars(_QUOTES)
    missing = word.str.to_lowercase().is_in(sorted(MISSING_TEXT)) | word.is_null()
    return lists.list.eval(word.filter(~missing).unique(maintain_order=True).head(MOST_WORDS))


def _as_words(lists: pl.Series) -> pl.Series:
    """Lists of any plain type as lists of String; whole floats lose their ".0", as ``to_text`` does it."""
    each, text = pl.element(), pl.element().cast(pl.String)
    if inner(lists.dtype).is_float():
        whole = (each == each.round()) & (each.abs() < 2**53)
        text = pl.when(whole).then(each.cast(pl.Int64, strict=False).cast(pl.String)).otherwise(text)
        return lists.list.eval(text)
    return lists.cast(pl.List(pl.String), strict=False)


# ------------------------------------------------------------------------------------------ text in parts


def _parts(values: pl.Series, form: ListForm, markers: frozenset[str]) -> pl.DataFrame:
    """``row`` and its list of stripped parts; rows that are missing or too long are not there.

    A cell of nothing but brackets has one part, which is blank.
    """
    known = ~is_missing(values, markers) & (values.str.len_bytes() <= MOST_BYTES).fill_null(False)
    rows = np.flatnonzero(known.to_numpy())
    bodies = values.filter(known).str.strip_chars(_BRACKETS)
    if form.separator == " ":
        bodies = bodies.str.replace_all(r"\s+", " ")
    parts = bodies.str.split(form.separator).list.eval(pl.element().str.strip_chars())
    return pl.DataFrame({"row": pl.Series(rows, dtype=pl.UInt32), "part": parts})


def _spread(found: pl.DataFrame, like: pl.Series) -> pl.Series:
    """The ``list`` of some ``row`` each as a column of all rows; null elsewhere."""
    every = pl.DataFrame({"row": pl.Series(np.arange(len(like)), dtype=pl.UInt32)})
    return every.join(found, on="row", how="left", maintain_order="left")["list"].alias(like.name)


def _where(kept: pl.Series, lists: pl.Series) -> pl.Series:
    nothing = pl.Series([None], dtype=lists.dtype).new_from_index(0, len(lists))
    return lists.zip_with(kept, nothing)
