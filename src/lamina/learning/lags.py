"""What was in the last known rows as inputs: in many a stream these say most."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

import polars as pl

from lamina.data.parse import to_text
from lamina.records import Schema

NAME = re.compile(r"(.+) (\d+) rows before")


class Lag(NamedTuple):
    """An input that is another ``column``, so many rows ``back``."""

    name: str
    column: str
    back: int


def lags_for(counts: Mapping[str, int], delay: int) -> tuple[Lag, ...]:
    """Of every column the values in so many of the last rows that are known ``delay`` rows late.

    >>> [each.name for each in lags_for({"price": 2}, delay=3)]
    ['price 4 rows before', 'price 5 rows before']
    """
    return tuple(
        Lag(f"{column} {back} rows before", column, back)
        for column, count in counts.items()
        for back in range(delay + 1, delay + 1 + count)
    )


def lags_of(schema: Schema) -> tuple[Lag, ...]:
    """Those among the inputs of a network; their names tell."""
    names = {each.name for each in schema}
    found = (NAME.fullmatch(each.name) for each in schema.with_role("input"))
    return tuple(Lag(m[0], m[1], int(m[2])) for m in found if m is not None and m[1] in names)


def with_lags(frame: pl.DataFrame, lags: tuple[Lag, ...], past: pl.DataFrame) -> pl.DataFrame:
    """Rows of a stream with their lag columns, as text; ``past`` are the rows right before them, as
    ``past_of`` gives them. What is not there is missing."""
    known = pl.concat([past, past_of(frame, lags)], how="diagonal")
    return frame.with_columns(
        known[lag.column].shift(lag.back).slice(past.height, frame.height).alias(lag.name) for lag in lags
    )


def past_of(frame: pl.DataFrame, lags: tuple[Lag, ...]) -> pl.DataFrame:
    """The columns of these rows that later rows read, as text."""
    names = dict.fromkeys(lag.column for lag in lags)
    return pl.DataFrame([to_text(frame[name]) for name in names], schema=dict.fromkeys(names, pl.String))
