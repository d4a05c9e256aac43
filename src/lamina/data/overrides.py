"""A column read as the kind the user names, whatever the rules say of it."""

from __future__ import annotations

from lamina.data.columns import Column, Reading
from lamina.data.dates import DateForm, detect_date
from lamina.data.flags import FlagForm, detect_flag
from lamina.data.numbers import NumberForm, detect_number
from lamina.data.rules import category_form, plain_form, show
from lamina.errors import UsageError


def read_as(column: Column, kind: str) -> Reading:
    """A column read as the kind the user names. Raises ``UsageError`` if it cannot be."""
    why = f"you set the kind to {kind}"
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
    return Reading(kind, why)


def _closest_number(column: Column) -> NumberForm:
    """The form of the cells that are numbers, in a column where many are not."""
    if column.is_text:
        digits = column.sample.filter(column.sample.str.contains(r"^\W*\d[\d.,' ]*\W*$").fill_null(False))
        form = detect_number(digits)
        if form is not None:
            return form
    raise _refusal(column, "number")


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
    return UsageError(
        f"Column {column.name!r} cannot be read as kind {kind!r}.{example}",
        f"Take the kind away to let the values decide, or use kinds={{{column.name!r}: 'category'}}.",
        column=column.name,
        kind=kind,
    )
