"""Raw cells → lists of labels: cells that are lists already, JSON lists, or words with a mark between."""

from __future__ import annotations

from typing import Final, Literal

import msgspec
import polars as pl

from lamina.data.parse import MISSING_TEXT, is_missing

SEPARATORS: Final = (";", "|", ",", " ")  # in this order, where several would do
JSON: Final = "json"


class LabelsForm(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What stands between the labels of a text cell; "" where a cell holds one label or is a list."""

    separator: Literal["", ";", "|", ",", " ", "json"] = ""


def detect_labels(sample: pl.Series) -> LabelsForm | None:
    """How cells hold labels, or ``None`` where they hold something else."""
    dtype = sample.dtype
    if isinstance(dtype, pl.List | pl.Array):
        inner = dtype.inner
        plain = inner in (pl.String, pl.Null, pl.Boolean, pl.Categorical) or inner.is_integer()
        return LabelsForm() if plain or isinstance(inner, pl.Enum) else None
    if dtype != pl.String:
        return None
    texts = sample.filter(~is_missing(sample, MISSING_TEXT)).str.strip_chars()
    if len(texts) and bool((texts.str.starts_with("[") & texts.str.ends_with("]")).mean() > 0.9):  # type: ignore[operator]
        return LabelsForm(separator=JSON)
    for mark in SEPARATORS:
        if texts.str.contains(mark, literal=True).any():
            return LabelsForm(separator=mark)
    return LabelsForm()


def parse_labels(raw: pl.Series, form: LabelsForm) -> pl.Series:
    """List(String), each label stripped and once; null where the cell is missing or cannot be read.

    ``[]`` is an answer: none of the labels. An empty text cell is missing.
    """
    nothing = pl.Series(raw.name, [None] * len(raw), dtype=pl.List(pl.String))
    if isinstance(raw.dtype, pl.List | pl.Array):
        inner = raw.dtype.inner
        if inner.is_nested() or inner == pl.Object:
            return nothing
        return _tidy(raw.cast(pl.List(inner)).cast(pl.List(pl.String)))
    if raw.dtype != pl.String:
        return nothing
    texts = nothing.cast(pl.String).zip_with(is_missing(raw, MISSING_TEXT), raw.str.strip_chars())
    if form.separator == JSON:
        return _tidy(pl.Series(raw.name, [_json_list(each) for each in texts], dtype=pl.List(pl.String)))
    none = texts.str.contains(r"^\[\s*\]$").fill_null(False)
    words = texts.zip_with(~none, pl.Series([""], dtype=pl.String))
    return _tidy(words.str.split(form.separator or "\0").alias(raw.name))


def _tidy(lists: pl.Series) -> pl.Series:
    """Labels without outer blanks, none of them empty, each once."""
    label = pl.element().str.strip_chars()
    filled = lists.list.eval(label.filter(label.is_not_null() & (label != "")))
    return filled.list.unique(maintain_order=True).alias(lists.name)


def _json_list(text: str | None) -> list[str] | None:
    if text is None:
        return None
    try:
        return [str(each) for each in msgspec.json.decode(text.encode(), type=list[str | int | float | bool])]
    except msgspec.DecodeError:
        return None
