"""Rows to show how to ask: typical values that the features know, nobody's data."""

from __future__ import annotations

from functools import singledispatch
from typing import Any, NamedTuple

import numpy as np

from lamina.features.base import Feature
from lamina.features.category import CategoryFeature
from lamina.features.number import NumberFeature
from lamina.features.targets.classes import ClassTarget
from lamina.features.text import TextFeature
from lamina.records import Field, Schema
from lamina.training.fitted import Fitted


class Example(NamedTuple):
    """How to ask a model: its schema, rows that it can answer, and costs to decide by where it tells
    classes apart."""

    schema: Schema
    rows: list[dict[str, Any]]
    costs: dict[str, Any] | None


def example_of(fitted: Fitted) -> Example:
    """How to ask this network."""
    target = fitted.target
    costs = None
    if isinstance(target, ClassTarget):
        actions = (("do nothing", 0), ("act", 1))
        costs = {"table": {name: dict.fromkeys(target.labels, cost) for name, cost in actions}}
    return Example(fitted.schema, example_rows(fitted), costs)


def example_rows(fitted: Fitted) -> list[dict[str, Any]]:
    """One row that the model can answer; media are left empty."""
    row: dict[str, Any] = {}
    for feature in fitted.features:
        row |= typical(feature, fitted.schema)
    return [{field.name: row.get(field.name) for field in fitted.schema.with_role("input")}]


@singledispatch
def typical(feature: Feature, schema: Schema) -> dict[str, Any]:
    """A value for each column of the feature, by kind."""
    return {column: _of_kind(schema[column]) for column in feature.columns if column in schema}


@typical.register
def _(feature: NumberFeature, schema: Schema) -> dict[str, Any]:
    return {
        column: _rounded(centre, schema[column])
        for column, centre in zip(feature.columns, feature.centre, strict=True)
        if column in schema
    }


@typical.register
def _(feature: CategoryFeature, schema: Schema) -> dict[str, Any]:
    return {
        column: known[0] if known else None
        for column, known in zip(feature.columns, feature.known, strict=True)
    }


@typical.register
def _(feature: TextFeature, schema: Schema) -> dict[str, Any]:
    return {column: " ".join(feature.words[:6]) for column in feature.columns}


def _rounded(value: float, field: Field) -> float | int:
    if "whole" in field.why or float(value).is_integer():
        return round(value)
    return float(np.format_float_positional(value, precision=4, fractional=False))


def _of_kind(field: Field) -> Any:
    """A value of a kind whose feature says nothing of its own."""
    words = field.form.get("true") or field.form.get("yes")
    if field.kind == "flag":
        return words[0] if isinstance(words, list | tuple) and words else True
    if field.kind == "date":
        return "2026-01-31"
    if field.kind == "place":
        return 0.0
    if field.kind == "vector":
        return [0.0] * int(field.form.get("length", 1))
    return {"series": [0.0], "set": []}.get(field.kind)
