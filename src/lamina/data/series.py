"""Series: many numbers in one cell, or columns t1, t2, … that belong together.

x1 to x30 may be thirty unrelated measurements: order is believed only where the numbers show it, that is
where nearly every place resembles the place beside it more than any other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import numpy as np
import polars as pl

from lamina.data.columns import Column, Reading
from lamina.data.lists import LONGEST_VECTOR, ListForm, detect_numbers, parse_numbers
from lamina.data.numbers import NumberForm, parse_number
from lamina.data.sets import numbers_as_names, words_form
from lamina.errors import UsageError
from lamina.records import Field

LEAST_PLACES: Final = 8  # a shorter row of columns is a few numbers
MOST_ROWS: Final = 2000  # that the order is looked for in
MOST_PLACES: Final = 256  # that the order is looked for in, the first: the work grows with the square
NEAREST: Final = 0.7  # share of places whose closest relative is a neighbour
LEAST_CORRELATION: Final = 0.2  # between neighbours
LEAST_FALL: Final = 0.1  # from neighbours to all pairs
LEAST_BY_LAG: Final = 0.5  # share of what makes correlations differ that the distance of places explains
LEAST_SWING: Final = 0.1  # standard deviation of the mean correlation from distance to distance
_NUMBERED: Final = re.compile(r"^(.*?)(\d{1,6})$")


@dataclass(frozen=True)
class Order:
    """How the places of a block of numbers hang together: mean absolute correlations, the share of places
    whose closest relative stands beside them, and how far distance alone tells the correlation.
    """

    neighbours: float
    pairs: float
    nearest: float
    by_lag: float
    swing: float

    @property
    def shown(self) -> bool:
        """Whether this is a series and not a heap of numbers."""
        falls = self.neighbours - self.pairs >= LEAST_FALL
        near = self.nearest >= NEAREST and self.neighbours >= LEAST_CORRELATION and falls
        return near or self.waves

    @property
    def waves(self) -> bool:
        """Whether places resemble each other by their distance, near or far: half a wave on, say."""
        return self.by_lag >= LEAST_BY_LAG and self.swing >= LEAST_SWING


def order_of(matrix: np.ndarray) -> Order | None:
    """The order in float64 ``(rows, places)``, NaN where missing; None where too little varies to tell."""
    values = matrix[:, :MOST_PLACES]
    if len(values) > MOST_ROWS:
        values = values[np.linspace(0, len(values) - 1, MOST_ROWS).astype(np.int64)]
    values = np.where(np.isfinite(values), values, np.nan)
    values = values[:, np.isfinite(values).any(0)]
    values = np.where(np.isnan(values), np.nanmedian(values, axis=0), values) if values.size else values
    varies = values.std(0) > 0 if values.size else np.zeros(values.shape[1], bool)
    values = values.argsort(0).argsort(0)[:, varies].astype(np.float64)  # ranks: no outlier decides
    places = values.shape[1]
    if places < LEAST_PLACES or len(values) < LEAST_PLACES:
        return None
    signed = np.corrcoef(values, rowvar=False)
    related = np.abs(signed)
    np.fill_diagonal(related, np.nan)
    reach = 1 if places < 2 * LEAST_PLACES else 2  # of a wave, the place after next may resemble more
    gap = np.abs(np.nanargmax(related, axis=1) - np.arange(places))
    beside = np.diagonal(related, 1)
    near = float((gap <= reach).mean())
    return Order(float(beside.mean()), float(np.nanmean(related)), near, *_by_lag(signed))


def _by_lag(related: np.ndarray) -> tuple[float, float]:
    """What share of the variance of correlations ``(places, places)`` the distance of two places explains
    (adjusted R²), and how much the means by distance vary (their standard deviation over all pairs).
    """
    first, second = np.triu_indices(len(related), 1)
    lags, pairs = second - first, related[first, second]
    means = np.bincount(lags, pairs) / np.maximum(np.bincount(lags), 1)
    total, left = pairs.var(), (pairs - means[lags]).var()
    fair = (len(pairs) - 1) / max(len(pairs) - len(related) + 1, 1)
    return float(1 - fair * left / max(total, 1e-12)), float(means[lags].std())


# --------------------------------------------------------------------------------------------- in one cell


def read_lists(column: Column) -> Reading | None:
    """A column whose cells are lists of numbers, typed or as text: a series, a vector, or a set of numbers
    that are names.
    """
    form = ListForm() if not column.is_text else detect_numbers(column.sample)
    if form is None:
        return None
    lists = parse_numbers(column.sample, form).drop_nulls()
    lengths = lists.list.len()
    written = f", written with {form.separator!r} between them" if column.is_text else ""
    if lists.explode().is_null().all():  # of lists without a number, too
        return Reading("series", "no cell holds a number", useless=True)
    if lengths.n_unique() != 1:
        names = numbers_as_names(lists)
        if names is not None:
            return Reading("set", f"{names}{written}", form=words_form(form) if column.is_text else {})
        low, high = lengths.to_numpy().min(), lengths.to_numpy().max()
        why = f"series of {low:,} to {high:,} numbers in a cell{written}"
        return Reading("series", why, form=_plain(form))
    length = int(lengths[0])
    if length > LONGEST_VECTOR:
        return Reading("series", f"{length:,} numbers in every cell{written}", form=_plain(form))
    order = order_of(np.array(lists.to_list(), np.float64)) if length >= LEAST_PLACES else None
    if order is not None and order.shown:
        why = f"{length:,} numbers in every cell{written}; {_evidence(order)}: a series"
        return Reading("series", why, form=_plain(form))
    form = msgspec.structs.replace(form, length=length)
    return Reading("vector", f"{length:,} numbers in every cell{written}", form=_plain(form))


def _plain(form: ListForm) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(form)
    return plain


def _evidence(order: Order) -> str:
    if order.waves:
        return f"their distance tells {order.by_lag:.0%} of how they correlate"
    return f"neighbours correlate {order.neighbours:.2f}, all pairs {order.pairs:.2f}"


# ----------------------------------------------------------------------------------------- over columns


def join_series(fields: Sequence[Field], sample: pl.DataFrame, kinds: dict[str, str]) -> list[Field]:
    """Number columns with a stem and a running number that show an order become one series.

    A column that the user calls a series brings all of its stem along; one that the user calls something
    else keeps the whole stem apart.

    Raises ``UsageError`` for a single column of single numbers that the user calls a series.
    """
    joined = {field.name: field for field in fields}
    for stem, block in _numbered(fields).items():
        named = [kinds[field.name] for field in block if field.name in kinds]
        asked = "series" in named
        if any(kind != "series" for kind in named) or (not asked and not _running(block)):
            continue
        why = "you set the kind to series" if asked else _ordered(block, sample)
        if why is not None and len(block) > 1:
            for place, field in enumerate(block):
                joined[field.name] = _member(field, stem, place, len(block), why)
    _refuse_single(joined.values())
    return list(joined.values())


def _refuse_single(fields: Iterable[Field]) -> None:
    for field in fields:
        if field.kind == "series" and field.form.get("cells") == "number" and "block" not in field.form:
            raise UsageError(
                f"Column {field.name!r} cannot be read as kind 'series': it holds one number per cell, and "
                "no other column has its name with another running number.",
                "Name the columns of a series alike (t1, t2, t3), or put its numbers into one cell: "
                "[1, 2, 3].",
                column=field.name,
            )


def _numbered(fields: Sequence[Field]) -> dict[str, list[Field]]:
    """Number columns by the stem of their names, in the order of their numbers."""
    blocks: dict[str, list[tuple[int, Field]]] = {}
    for field in fields:
        parts = _NUMBERED.match(field.name)
        single = field.kind == "number" or field.form.get("cells") == "number"
        if parts is not None and single and field.role == "input":
            blocks.setdefault(parts[1], []).append((int(parts[2]), field))
    return {stem: [f for _, f in sorted(block, key=lambda each: each[0])] for stem, block in blocks.items()}


def _running(block: Sequence[Field]) -> bool:
    """Whether there are enough columns, and few gaps between their numbers."""
    numbers = [int(_NUMBERED.match(field.name)[2]) for field in block]  # type: ignore[index]
    return len(block) >= LEAST_PLACES and len(block) >= 0.8 * (numbers[-1] - numbers[0] + 1)


def _ordered(block: Sequence[Field], sample: pl.DataFrame) -> str | None:
    """The reason why these columns are a series, ``None`` where their numbers show no order."""
    rows = np.linspace(0, sample.height - 1, min(MOST_ROWS, sample.height)).astype(np.int64)
    columns = [
        parse_number(sample[f.name][rows], msgspec.convert(f.form, NumberForm)).to_numpy()
        for f in block[:MOST_PLACES]
    ]
    order = order_of(np.stack(columns, axis=1).astype(np.float64))
    return _evidence(order) if order is not None and order.shown else None


def _member(field: Field, stem: str, place: int, places: int, why: str) -> Field:
    form = {**field.form, "cells": "number", "block": stem or "series", "place": place}
    shown = f"one of {places:,} columns {stem}… that follow one another: {why}"
    return msgspec.structs.replace(field, kind="series", why=shown, form=form)
