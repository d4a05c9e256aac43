"""The column to predict: a number, or classes."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import polars as pl

from lamina.data import rules
from lamina.data.columns import Column, Reading
from lamina.data.numbers import NumberForm, detect_number, parse_number
from lamina.errors import TargetError, UsageError
from lamina.records import Field
from lamina.tasks import Answer

CLASS_LEVELS: Final = 10  # a whole-number target with more distinct values is a number
CLASS_RANGE: Final = 20  # ... and so is one that spans more than this
_CLASS_WORDS = frozenset({"class", "label", "category", "type", "species", "target_class"})


def target_field(column: Column, answer: Answer | None, kind: str | None) -> Field:
    """The column to predict: a number, or classes as categories that keep their own words."""
    if kind is not None and kind not in ("number", "category", "flag"):
        raise UsageError(
            f"The target {column.name!r} was given the kind {kind!r}, which cannot be an answer.",
            "A target is of kind 'number' (predict a quantity) or 'category' (predict a class).",
            column=column.name,
        )
    if rules.empty(column) is not None:
        raise TargetError(
            f"The target {column.name!r} has no value in any row.",
            "Name another column, or fill it for the rows to learn from.",
            column=column.name,
        )
    wanted = answer or {"number": "number", None: None}.get(kind, "classes")
    if wanted == "classes":
        _refuse_kinds(column, ("image", "audio", "video", "set", "series", "vector"))
        reading = Reading("category", "you asked for classes", form=rules.category_form(column))
    elif wanted == "number":
        reading = _as_quantity(column)
    else:
        reading = _classes_or_number(column)
    return Field(
        name=column.name,
        kind=reading.kind,
        role="target",
        why=reading.why,
        unit=reading.unit,
        form=reading.form,
    )


def _as_quantity(column: Column) -> Reading:
    """A target that the user wants as a number."""
    form = detect_number(column.sample)
    if form is None:
        example = column.text[0] if len(column.text) else ""
        raise TargetError(
            f"The target {column.name!r} was asked for as a number, but holds values such as "
            f"{rules.show(example)}.",
            'Predict classes instead: Predict(target=…, answer="classes").',
            column=column.name,
        )
    return Reading("number", "you asked for a number", unit=form.unit, form=rules.plain_form(form))


def _classes_or_number(column: Column) -> Reading:
    """What a target is when nobody said: words are classes, quantities are numbers."""
    _refuse_kinds(column, ("image", "audio", "video", "set", "series", "vector", "date"))
    number = None if rules.written_as_code(column) else rules.number(column)
    if column.values.dtype == pl.Boolean or number is None:
        return Reading("category", f"classes: {rules.levels(column)}", form=rules.category_form(column))
    if not _few_wholes(column):
        return _hint_classes(column, number)
    override = 'to predict a number, use Predict(target=…, answer="number")'
    return Reading(
        "category",
        f"classes: only {column.distinct} distinct whole numbers ({override})",
        form=rules.category_form(column),
    )


def _hint_classes(column: Column, number: Reading) -> Reading:
    """A number that could as well be the number of a class says how to have it so."""
    if not column.whole or column.distinct > 100 or column.filled < 10 * column.distinct:
        return number
    hint = 'to predict classes, use Predict(target=…, answer="classes")'
    return replace(number, why=f"{number.why}, {column.distinct} distinct ({hint})")


def _refuse_kinds(column: Column, kinds: tuple[str, ...]) -> None:
    """Some kinds cannot be an answer."""
    found = next((r for rule in (rules.media, rules.nested, rules.date) if (r := rule(column))), None)
    if found is not None and found.kind in kinds:
        raise TargetError(
            f"The target {column.name!r} holds {found.why}; a {found.kind} cannot be predicted.",
            "Name a column of numbers or classes, or compute one (for a date: the days until it).",
            column=column.name,
        )


def _few_wholes(column: Column) -> bool:
    """Whether a numeric target is a handful of whole numbers that repeat: classes in disguise."""
    if not column.whole:
        return False
    numbers = parse_number(column.values, NumberForm()).drop_nulls()
    distinct = numbers.n_unique()
    if distinct <= 2:
        return len(numbers) > 2
    if column.values.dtype.is_float() or column.filled < 2 * distinct:
        return False
    if column.named(_CLASS_WORDS):
        return distinct <= 1000
    low, high = float(numbers.min()), float(numbers.max())  # type: ignore[arg-type]
    return distinct <= CLASS_LEVELS and high - low <= CLASS_RANGE
