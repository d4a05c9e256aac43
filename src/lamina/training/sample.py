"""Some of the rows that a network was trained on, for whoever goes on learning: in memory only, never in a
file of the model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import polars as pl

from lamina.data.conform import conform
from lamina.data.split import Split
from lamina.data.table import Table
from lamina.records import Schema

Take = Callable[[list[str], np.ndarray], pl.DataFrame]  # columns, row numbers → these rows
MOST: Final = 20_000  # training rows; of the rows held out there are never more


@dataclass(frozen=True)
class Sample:
    """Conformed rows, their numbers in the table, int64 ``(rows,)`` rising, and whether the network has never
    learnt from them, bool ``(rows,)``."""

    frame: pl.DataFrame
    numbers: np.ndarray
    unseen: np.ndarray

    @classmethod
    def of(cls, take: Take, schema: Schema, split: Split, seed: int) -> Self:
        """All rows held out, and at most ``MOST`` of the others, by chance; nothing is said to be unseen
        yet."""
        learnt = split.train
        if len(learnt) > MOST:
            learnt = np.random.default_rng((seed, 2)).permutation(learnt)[:MOST]
        numbers = np.sort(np.concatenate([learnt, split.validation]))
        names = [field.name for field in schema if field.role != "ignored"]
        return cls(take(names, numbers), numbers, np.zeros(len(numbers), bool))

    def marked(self, unseen: np.ndarray) -> Self:
        """The same rows; those with these numbers were never learnt from."""
        return type(self)(self.frame, self.numbers, np.isin(self.numbers, unseen))

    @classmethod
    def known(cls, table: Table, schema: Schema, seed: int = 0) -> Self:
        """Rows of a table from which a network is known to have learnt; at most ``MOST``, by chance."""
        frame, _ = conform(table, schema, need_target=True)
        numbers = np.sort(np.random.default_rng((seed, 2)).permutation(frame.height)[:MOST])
        return cls(frame[pl.Series(numbers)], numbers, np.zeros(len(numbers), bool))
