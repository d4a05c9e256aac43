"""One row of plain cells → its answer, in a fraction of a millisecond.

A frame of one row costs milliseconds whatever it holds, so none is made. What a cell means is still decided
by the code that reads whole columns: a number as it is, any other cell by conforming and encoding a column of
it alone, remembered for the next time. What is unusual (a cell that cannot be read, a column that is not
there) is left to the ordinary way, which warns or refuses.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from functools import partial
from typing import Any, Final

import numpy as np
import polars as pl

from lamina.data.conform import conform
from lamina.data.frames import from_columns
from lamina.data.media_cells import MEDIA_KINDS
from lamina.data.table import Table
from lamina.errors import ColumnError
from lamina.features.base import Arrays, Feature
from lamina.features.category import CategoryFeature
from lamina.features.flag import FlagFeature
from lamina.features.number import NumberFeature, scaled
from lamina.features.targets.told import Told
from lamina.predictions.answers import judge_of, told
from lamina.records import Field, Schema
from lamina.training.fitted import Fitted

REMEMBERED: Final = 8 * 2**20  # bytes of cells and arrays of one column, or of one block
EACH: Final = 400  # of them for what holds one
LARGEST: Final = 2**63  # whole numbers beyond are no column of whole numbers
KNOWN: Final = np.ones(1, bool)
PLAIN: Final = frozenset({type(None), str, int, float, bool, date, datetime})

# Cells by column → the arrays of one block, each with one row
Read = Callable[[Mapping[str, Any]], Arrays]


class UnusualError(Exception):
    """The row needs the ordinary way."""


class OneRow:
    """The reader of single rows of one network."""

    def __init__(self, fitted: Fitted) -> None:
        self._fitted = fitted
        media = any(each.kind in MEDIA_KINDS for each in fitted.features)
        by = fitted.confidence is not None and fitted.confidence.by is not None
        self._able = not media and not by
        self._judge = judge_of(fitted)
        self._blocks = [_reader(each, fitted.schema) for each in fitted.features]

    def answer(
        self, cells: Mapping[str, Any], *, probabilities: bool | None, coverage: float | None
    ) -> list[Told]:
        """What is told of the row with these cells. Raises UnusualError where it takes the ordinary way."""
        raw = self._fitted.engine.answered(self.arrays(cells), self._judge)
        return told(self._fitted, raw, KNOWN, probabilities=probabilities, coverage=coverage)

    def arrays(self, cells: Mapping[str, Any]) -> Arrays:
        """The row as the network reads it. Raises UnusualError as ``answer`` does."""
        if not self._able:
            raise UnusualError
        arrays: Arrays = {}
        try:
            for read in self._blocks:
                arrays.update(read(cells))
        except KeyError as missing:
            raise UnusualError from missing
        return arrays


def _reader(feature: Feature, schema: Schema) -> Read:
    """How the block of a feature is read."""
    if isinstance(feature, NumberFeature):
        return _numbers(feature, schema)
    if isinstance(feature, CategoryFeature | FlagFeature):
        return _codes(feature, schema)
    return _block(feature, schema)


def _numbers(feature: NumberFeature, schema: Schema) -> Read:
    """Numbers as they are; words for numbers are read as a column of them is."""
    columns = feature.columns
    others = [_remembered(partial(_number_of, schema[name])) for name in columns]
    centre, spread, width = np.array(feature.centre), np.array(feature.spread), len(columns)

    def read(cells: Mapping[str, Any]) -> Arrays:
        raw = np.empty((1, width))
        row = raw[0]
        for j, name in enumerate(columns):
            value = cells[name]
            kind = type(value)
            if kind is float or (kind is int and -LARGEST <= value < LARGEST):
                row[j] = value
            elif value is None:
                row[j] = np.nan
            else:
                row[j] = others[j]((value,))
        if np.isinf(row).any():
            raise UnusualError
        return {feature.name: scaled(raw, centre, spread).astype(np.float32)}

    return read


def _number_of(field: Field, cells: tuple[Any, ...]) -> float:
    number = _conformed([field], cells)[field.name][0]
    return float("nan") if number is None else float(number)


def _codes(feature: CategoryFeature | FlagFeature, schema: Schema) -> Read:
    """Every column by itself: what was met once is known."""
    columns, dtype = feature.columns, np.int32 if isinstance(feature, CategoryFeature) else np.int8

    def code(column: int) -> Callable[[tuple[Any, ...]], Any]:
        name = columns[column]
        if isinstance(feature, CategoryFeature):
            known, rare = (feature.known[column],), (feature.rare[column],)
            alone: Feature = CategoryFeature(feature.name, (name,), known, rare)
        else:
            alone = FlagFeature(feature.name, (name,))
        field = schema[name]
        return lambda cells: alone.transform(_conformed([field], cells))[feature.name][0, 0]

    known = [_remembered(code(column)) for column in range(len(columns))]

    def read(cells: Mapping[str, Any]) -> Arrays:
        codes = [each((cells[name],)) for each, name in zip(known, columns, strict=True)]
        return {feature.name: np.array([codes], dtype)}

    return read


def _block(feature: Feature, schema: Schema) -> Read:
    """Several columns that are seen together."""
    fields = [schema[name] for name in feature.columns]
    arrays = _remembered(lambda cells: feature.transform(_conformed(fields, cells)))
    return lambda cells: arrays(tuple(cells[name] for name in feature.columns))


def _conformed(fields: Sequence[Field], cells: tuple[Any, ...]) -> pl.DataFrame:
    """The cells of one row as columns in their types, by the code that reads tables."""
    raw = from_columns({f.name: [cell] for f, cell in zip(fields, cells, strict=True)})
    try:
        frame, findings = conform(Table(raw, "the row"), Schema(tuple(fields)), need_target=False)
    except ColumnError as error:  # told of together with what is wrong in other columns
        raise UnusualError from error
    if findings:
        raise UnusualError
    return frame


def _remembered(compute: Callable[[tuple[Any, ...]], Any]) -> Callable[[tuple[Any, ...]], Any]:
    """The function with a memory: the same cells, of the same types, are computed once. It forgets all when
    it is full, and keeps nothing that would fill it alone."""
    memory: dict[Any, Any] = {}
    taken = 0

    def known(cells: tuple[Any, ...]) -> Any:
        nonlocal taken
        kinds = tuple(map(type, cells))
        try:
            found = memory.get((kinds, cells))
        except TypeError:  # a list or a dict in a cell
            raise UnusualError from None
        if found is None:
            if not PLAIN.issuperset(kinds):
                raise UnusualError
            found = compute(cells)
            size = _bytes_of(cells, found)
            if taken + size > REMEMBERED:
                memory.clear()
                taken = 0
            if size < REMEMBERED:
                memory[kinds, cells] = found
                taken += size
        return found

    return known


def _bytes_of(cells: tuple[Any, ...], found: Any) -> int:
    """What remembering takes, about."""
    words = sum(len(cell) for cell in cells if isinstance(cell, str))
    arrays = sum(each.nbytes for each in found.values()) if isinstance(found, dict) else 0
    return EACH + words + arrays


def cells_of(data: Any) -> Mapping[str, Any] | None:
    """The cells by column, where the data is one row: a list of one dict, a dict of lists or of values, a
    polars frame; else None."""
    if isinstance(data, pl.DataFrame):
        return data.row(0, named=True) if data.height == 1 and _flat(data) else None
    if isinstance(data, list) and len(data) == 1 and isinstance(data[0], dict):
        return data[0] if all(type(key) is str for key in data[0]) else None
    if not isinstance(data, dict) or not data:
        return None
    row = {}
    for name, column in data.items():
        if type(name) is not str:
            return None
        if type(column) in (list, tuple):
            if len(column) != 1:
                return None
            column = column[0]
        elif type(column) not in PLAIN:
            return None
        row[name] = column
    return row


def _flat(frame: pl.DataFrame) -> bool:
    """Whether its cells are plain Python values, read back without loss."""
    return all(
        kind.is_integer() or kind in (pl.Float64, pl.String, pl.Boolean, pl.Date, pl.Null)
        for kind in frame.dtypes
    )


def in_kind(told: Sequence[Told], data: Any) -> Any:
    """The answer in the type that the row came in."""
    if isinstance(data, pl.DataFrame):
        return pl.DataFrame([pl.Series(each.name, [each.cell()], dtype=each.dtype) for each in told])
    if isinstance(data, list):
        return [{each.name: each.cell() for each in told}]
    return {each.name: [each.cell()] for each in told}
