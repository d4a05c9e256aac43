"""The column to predict: a number, classes, labels, and what else was asked of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import polars as pl

from lamina.catalog import ANSWERS
from lamina.data import rules
from lamina.data.columns import Column, Reading
from lamina.data.labels import detect_labels
from lamina.data.numbers import NumberForm, detect_number, parse_number
from lamina.data.orders import order_of
from lamina.errors import TargetError, UsageError
from lamina.records import Field
from lamina.tasks import Asked

CLASS_LEVELS: Final = 10  # a whole-number target with more distinct values is a number
CLASS_RANGE: Final = 20  # ... and so is one that spans more than this
_CLASS_WORDS = frozenset({"class", "label", "category", "type", "species", "target_class"})


def target_field(column: Column, asked: Asked, kind: str | None) -> Field:
    """A column to predict: as asked, else a number, classes that keep their own words, or labels.

    The field's form says, besides how to read the cells, which ``answer`` it is (where it is neither plain
    classes nor a plain number), the ``order`` of its classes and the ``levels`` of its quantiles.
    """
    if kind is not None and kind not in ("number", "category", "flag", "set"):
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
    named = {"number": "number", "set": "labels", None: None}.get(kind, "classes")
    reading, answer = _reading(column, asked.answer or named), asked.answer or named
    if answer is None and reading.kind == "number" and asked.levels:
        answer = "quantiles"
    more: dict[str, Any] = {} if answer in (None, "classes", "number") else {"answer": answer}
    if answer == "ordered":
        more["order"] = list(asked.order or _natural_order(column))
    if answer == "quantiles":
        more["levels"] = list(asked.levels)
    reading = replace(reading, form={**reading.form, **more})
    return Field(
        name=column.name,
        kind=reading.kind,
        role="target",
        why=reading.why,
        unit=reading.unit,
        form=reading.form,
    )


def _reading(column: Column, answer: str | None) -> Reading:
    """How the cells are read for an answer of this kind."""
    if answer == "mask" or (answer is None and _is_mask(column)):
        return _as_mask(column)
    if answer is None:
        words = getattr(column.values.dtype, "inner", None) in (pl.String, pl.Categorical)
        return _as_labels(column, "lists of labels") if words else _classes_or_number(column)
    kind, what = ANSWERS[answer].kind, ANSWERS[answer].what
    if kind == "set":
        return _as_labels(column, "you asked for labels")
    if kind == "number":
        return _as_quantity(column, f"you asked for {what}")
    if kind == "text":
        _refuse_kinds(column, ("image", "audio", "video", "set", "series", "vector"))
        return Reading("text", f"you asked for {what}", form={"cells": "category"})
    _refuse_kinds(column, ("image", "audio", "video", "set", "series", "vector"))
    why = "you asked for classes" if answer == "classes" else f"you asked for {what}"
    return Reading("category", why, form=rules.category_form(column))


def _is_mask(column: Column) -> bool:
    """Whether the column holds pictures."""
    found = rules.media(column)
    return found is not None and found.kind == "image"


def _as_mask(column: Column) -> Reading:
    """A target that is a picture for every picture, whose pixels name what is there."""
    if not _is_mask(column):
        raise TargetError(
            f"The target {column.name!r} was asked for as masks, but holds no pictures.",
            "Masks are paths of picture files, encoded pictures, or pixels.",
            column=column.name,
        )
    return Reading("image", "masks: a picture whose pixels name what is there", form={"answer": "mask"})


def _as_labels(column: Column, why: str) -> Reading:
    """A target of any number of labels per row."""
    form = detect_labels(column.sample)
    if form is None:
        raise TargetError(
            f"The target {column.name!r} was asked for as labels, but holds {column.values.dtype} cells.",
            "Labels are lists of words, or words with ; | or , between them.",
            column=column.name,
        )
    between = f", {form.separator!r} between them" if form.separator else ""
    return Reading(
        "set", f"{why}{between}", form={**rules.plain_form(form), "cells": "labels", "answer": "labels"}
    )


def _natural_order(column: Column) -> tuple[str, ...]:
    """The order of classes whose words tell it."""
    words = column.text.unique().sort().to_list()
    order = order_of(words)
    if order is None:
        shown = ", ".join(map(rules.show, words[:12])) + (" …" if len(words) > 12 else "")
        raise TargetError(
            f"The classes of {column.name!r} ({shown}) are in no order that is known.",
            'Name it, lowest first: Predict(target=…, order=("low", "medium", "high")).',
            column=column.name,
            classes=words,
        )
    return order


def _as_quantity(column: Column, why: str) -> Reading:
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
    return Reading("number", why, unit=form.unit, form=rules.plain_form(form))


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
