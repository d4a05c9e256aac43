"""A column read as the kind the user names, whatever the rules say of it."""

from __future__ import annotations

from typing import Any, Final

import msgspec
import polars as pl

from lamina.catalog import KINDS
from lamina.data.columns import Column, Reading
from lamina.data.dates import DateForm, detect_date
from lamina.data.flags import FlagForm, detect_flag
from lamina.data.lists import LONGEST_VECTOR, ListForm, detect_numbers, inner, is_list, parse_numbers
from lamina.data.numbers import NumberForm, detect_number
from lamina.data.plugins import plugged
from lamina.data.rules import category_form, plain_form, show
from lamina.data.sets import detect_words, guess_words, words_form
from lamina.errors import UsageError

_SINGLE: Final = frozenset({"number", "flag", "date", "category"})  # cells that hold one value


def read_as(column: Column, kind: str) -> Reading:
    """A column read as the kind the user names. Raises ``UsageError`` if it cannot be."""
    why = f"you set the kind to {kind}"
    if column.values.dtype.is_nested() and kind in KINDS and KINDS[kind].cells in _SINGLE:
        raise _refusal(column, kind)
    if kind == "number":
        number = detect_number(column.sample) or _closest_number(column)
        return Reading(kind, why, unit=number.unit, form=plain_form(number))
    if kind == "date":
        date = detect_date(column.sample, counts=True)
        return Reading(kind, why, form=plain_form(date or _refuse(column, kind)))
    if kind == "flag":
        flag = detect_flag(column.sample) or _two_words(column)
        return Reading(kind, f"{why}; {flag.true} counts as true", form=plain_form(flag))
    if kind == "category":
        return Reading(kind, why, form=category_form(column))
    if kind in ("series", "vector"):
        return _list_of_numbers(column, kind, why)
    if kind == "set":
        return Reading(kind, why, form=_words(column))
    if kind == "place":
        number = detect_number(column.sample) or _closest_number(column, kind)
        return Reading(kind, why, form={**plain_form(number), "cells": "number"})
    added = plugged(column, kind)
    return Reading(kind, why, form=added.form if added is not None else {})


def _list_of_numbers(column: Column, kind: str, why: str) -> Reading:
    """Lists of numbers; for a series also single numbers, which join those of other columns."""
    number = detect_number(column.sample) if kind == "series" and column.values.dtype != pl.Null else None
    if number is not None:
        return Reading(kind, why, form={**plain_form(number), "cells": "number"})
    form = (
        detect_numbers(column.sample)
        if column.is_text
        else ListForm()
        if is_list(column.values.dtype)
        else None
    )
    if form is None or (not column.is_text and not inner(column.values.dtype).is_numeric()):
        raise _refusal(column, kind)
    if kind == "vector":
        lengths = parse_numbers(column.sample, form).list.len().drop_nulls()
        usual = int(lengths.mode().to_numpy().min()) if len(lengths) else 0
        if not 1 <= usual <= LONGEST_VECTOR:
            raise _refusal(column, kind)
        form = msgspec.structs.replace(form, length=usual)
    return Reading(kind, why, form=msgspec.to_builtins(form))


def _words(column: Column) -> dict[str, Any]:
    if is_list(column.values.dtype):
        return {}
    found = detect_words(column.sample)
    form = guess_words(column.sample) if found is None else found[0]
    if form is None:
        raise _refusal(column, "set")
    return words_form(form)


def _closest_number(column: Column, kind: str = "number") -> NumberForm:
    """The form of the cells that are numbers, in a column where many are not."""
    if column.is_text:
        digits = column.sample.filter(column.sample.str.contains(r"^\W*\d[\d.,' ]*\W*$").fill_null(False))
        form = detect_number(digits)
        if form is not None:
            return form
    raise _refusal(column, kind)


def _two_words(column: Column) -> FlagForm:
    """Two words of any meaning as false and true, in alphabetical order."""
    found = sorted(set(column.text.str.to_lowercase().unique().to_list()))
    if len(found) != 2:
        raise _refusal(column, "flag")
    return FlagForm(true=found[1], false=found[0])


def _refuse(column: Column, kind: str) -> DateForm:
    raise _refusal(column, kind)


def _refusal(column: Column, kind: str) -> UsageError:
    filled = column.sample.drop_nulls()
    example = f" It holds values such as {show(filled[0])}." if len(filled) else " It is empty."
    nested = column.values.dtype.is_nested()
    other = "" if nested else f", or use kinds={{{column.name!r}: 'category'}}"
    return UsageError(
        f"Column {column.name!r} cannot be read as kind {kind!r}.{example}",
        f"Take the kind away to let the values decide{other}.",
        column=column.name,
        kind=kind,
    )
