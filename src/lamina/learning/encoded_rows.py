"""A memory without cells: of every row its answer and the numbers that the network reads."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import polars as pl

from lamina.errors import UsageError
from lamina.features.encoded import READ, columns_of, is_encoded
from lamina.learning.memory import BOOKKEEPING, Memory
from lamina.training.fitted import Fitted

KINDS: Final = ("number", "category", "flag", "date")  # whose arrays do not change as a network grows
STAY: Final = ("target", "weight")  # roles whose cells are kept


def encoded_rows(memory: Memory, fitted: Fitted) -> Memory:
    """The memory as its mode asks for: with "features" the rows that hold cells become what this network
    reads of them, its answers and weights beside. Others are returned as they are.

    Numbers are there as the network reads them, so that who has the network can work out a number's cell,
    and a category by its code; what the network does not read is gone. Raises UsageError where a column is of
    a kind whose arrays change with the rows: texts, sets, pictures, recordings.
    """
    if memory.limits.mode != "features":
        return memory
    for field in fitted.schema.with_role("input"):
        if field.kind not in KINDS:
            raise UsageError(
                f"A memory of features cannot hold {field.name!r}, which is of the kind {field.kind}.",
                'Set mode="none", or mode="rows" with a limit on their age.',
                column=field.name,
            )
    fields = [each.name for role in STAY for each in fitted.schema.with_role(role)]
    names = [name for name in memory.rows.columns if name in fields or name in BOOKKEEPING]
    arrays = fitted.features.transform(memory.rows) if len(memory) else {}
    return replace(memory, rows=memory.rows.select(names).with_columns(columns_of(arrays)))


def with_cells(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows that hold cells, and nothing else: what a network can be trained on from the beginning."""
    names = [name for name in rows.columns if not name.startswith(READ)]
    return rows.filter(pl.Series(~is_encoded(rows))).select(names)
