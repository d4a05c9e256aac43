"""One column of cells in the type of its kind: the same code for training and for serving."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final, Literal

import msgspec
import polars as pl

from lamina.catalog import KINDS
from lamina.data.dates import DateForm, parse_date
from lamina.data.flags import FlagForm, parse_flag
from lamina.data.labels import LabelsForm, parse_labels
from lamina.data.lists import ListForm, is_list, parse_numbers, parse_words
from lamina.data.lost import Lost, lost_of, nothing_lost
from lamina.data.media_cells import MEDIA_KINDS, as_paths, on_the_web
from lamina.data.numbers import NumberForm, parse_number
from lamina.data.parse import MISSING, MISSING_TEXT, by_level, is_missing, to_text
from lamina.data.places import LIMITS
from lamina.records import Field


def read_column(raw: pl.Series, field: Field) -> tuple[pl.Series, Lost]:
    """A column in the type of its kind, and what could not be read."""
    cells = _cells(field)
    if cells == "raw":
        return _media(raw, field) if field.kind in MEDIA_KINDS else (raw, nothing_lost(raw))
    reader, markers = _READERS[cells]
    wanted = is_list(raw.dtype) if cells in _LISTS else not raw.dtype.is_nested()
    if cells != "labels" and ((raw.dtype.is_nested() and not wanted) or raw.dtype in (pl.Binary, pl.Object)):
        return raw, lost_of(raw, raw.is_not_null(), raw.is_null(), "always")
    column = reader(raw, field.form)
    if cells != "labels" and column.null_count() == raw.null_count():  # nothing was lost
        return column, nothing_lost(column)
    missing = is_missing(raw, markers)
    # infinite, or off the Earth: numbers still, if none to compute with
    numbers = cells in ("number", "latitude", "longitude") and raw.dtype.is_numeric()
    refused: Literal["many", "never"] = "never" if cells == "labels" or numbers else "many"
    return column, lost_of(raw, column.is_null() & ~missing, missing, refused)


def _media(raw: pl.Series, field: Field) -> tuple[pl.Series, Lost]:
    """Paths, encoded files or pixels; addresses in a network are refused: nothing is fetched."""
    web = on_the_web(raw)
    if web.any():
        return raw, msgspec.structs.replace(lost_of(raw, web, raw.is_null(), "always"), web=True)
    if raw.dtype in (pl.String, pl.Binary, pl.Null) or raw.dtype.is_nested():
        return as_paths(raw), nothing_lost(raw)
    return as_paths(raw), lost_of(raw, raw.is_not_null(), raw.is_null(), "always")  # numbers, say


def _number(raw: pl.Series, form: dict[str, Any]) -> pl.Series:
    """Float64. An infinite number is none that can be computed with: null."""
    numbers = parse_number(raw, msgspec.convert(form, NumberForm))
    infinite = numbers.is_infinite()
    if not infinite.any():
        return numbers
    nothing = pl.Series([None], dtype=pl.Float64)
    return nothing.zip_with(infinite.fill_null(False), numbers).alias(raw.name)


def _latitude(raw: pl.Series, form: dict[str, Any]) -> pl.Series:
    """Float64, degrees north."""
    return _degrees(raw, form, LIMITS[0])


def _longitude(raw: pl.Series, form: dict[str, Any]) -> pl.Series:
    """Float64, degrees east."""
    return _degrees(raw, form, LIMITS[1])


def _degrees(raw: pl.Series, form: dict[str, Any], most: float) -> pl.Series:
    degrees = _number(raw, form)
    nothing = pl.Series([None], dtype=pl.Float64)
    return degrees.zip_with((degrees.abs() <= most).fill_null(True), nothing)


def _numbers(raw: pl.Series, form: dict[str, Any]) -> pl.Series:
    """List(Float64), null inside for what is missing."""
    return parse_numbers(raw, msgspec.convert(form, ListForm))


def _words(raw: pl.Series, form: dict[str, Any]) -> pl.Series:
    """List(String), every word once."""
    return parse_words(raw, msgspec.convert(form, ListForm))


def _flag(raw: pl.Series, form: dict[str, Any]) -> pl.Series:
    """Boolean."""
    return parse_flag(raw, msgspec.convert(form, FlagForm))


def _date(raw: pl.Series, form: dict[str, Any]) -> pl.Series:
    """Datetime("us"), UTC without a zone."""
    return parse_date(raw, msgspec.convert(form, DateForm))


def _category(raw: pl.Series, form: dict[str, Any]) -> pl.Series:
    """String: stripped, missing words as null; levels that are whole numbers lose their ".0"."""
    if raw.dtype == pl.String:
        return by_level(raw, partial(_tidied, whole=form.get("values") == "integer"))
    return _told(to_text(raw)).alias(raw.name)


def _tidied(texts: pl.Series, *, whole: bool) -> pl.Series:
    texts = texts.str.strip_chars()
    return _told(texts.str.replace(r"^([+-]?\d+)\.0+$", "${1}") if whole else texts)


def _told(texts: pl.Series) -> pl.Series:
    """Words that stand for no value as null."""
    missing = is_missing(texts, MISSING_TEXT)
    if not (missing & texts.is_not_null()).any():
        return texts
    nothing = pl.Series([None], dtype=pl.String)
    return nothing.zip_with(missing, texts).alias(texts.name)


def _labels(raw: pl.Series, form: dict[str, Any]) -> pl.Series:
    """List(String)."""
    return parse_labels(raw, msgspec.convert(form, LabelsForm))


_READERS: Final[dict[str, tuple[Callable[[pl.Series, dict[str, Any]], pl.Series], frozenset[str]]]] = {
    "number": (_number, MISSING),
    "flag": (_flag, MISSING),
    "date": (_date, MISSING),
    "category": (_category, MISSING_TEXT),
    "labels": (_labels, MISSING_TEXT),
    "numbers": (_numbers, MISSING),
    "words": (_words, MISSING_TEXT),
    "latitude": (_latitude, MISSING),
    "longitude": (_longitude, MISSING),
}
_LISTS: Final = frozenset({"numbers", "words"})


def _cells(field: Field) -> str:
    """How the cells of a field are brought into one type: as its form says, else as its kind's always are."""
    kind = KINDS.get(field.kind)
    return field.form.get("cells") or (kind.cells if kind is not None else "category")
