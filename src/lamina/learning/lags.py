"""The last known answers as inputs: in many a stream what happened last says most about what happens next."""

from __future__ import annotations

import re

import polars as pl

from lamina.data.parse import to_text
from lamina.records import Schema


def lag_columns(target: str, lags: int, delay: int) -> dict[str, int]:
    """Name → how many rows before, for the ``lags`` last answers that are known ``delay`` rows late.

    >>> lag_columns("price", 2, delay=3)
    {'price 4 rows before': 4, 'price 5 rows before': 5}
    """
    return {_name(target, back): back for back in range(delay + 1, delay + 1 + lags)}


def lag_columns_of(schema: Schema, target: str) -> dict[str, int]:
    """Those among the inputs of a network; the names tell."""
    pattern = re.compile(re.escape(target) + r" (\d+) rows before")
    found = {each.name: pattern.fullmatch(each.name) for each in schema.with_role("input")}
    return {name: int(match[1]) for name, match in found.items() if match}


def with_lags(frame: pl.DataFrame, columns: dict[str, int], answers: pl.Series) -> pl.DataFrame:
    """The rows with their lag columns.

    ``answers``: those of the rows before the first one, and of these rows, the last ``len(frame)``; of the
    rows themselves at least all but the last ``min(columns.values())`` have to be known. What is not there is
    missing.
    """
    before = len(answers) - frame.height
    text = to_text(answers)
    return frame.with_columns(
        text.shift(back).slice(before, frame.height).alias(name) for name, back in columns.items()
    )


def _name(target: str, back: int) -> str:
    return f"{target} {back} rows before"
