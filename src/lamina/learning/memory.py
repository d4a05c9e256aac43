"""The memory: rows kept to learn from again, and rows that are only ever judged on."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final, Literal, Self

import msgspec
import numpy as np
import polars as pl

from lamina.data.media_cells import MEDIA_KINDS
from lamina.features.media import content
from lamina.learning.hashing import row_ids
from lamina.records import Schema

ID: Final = "_lamina.id"
WHEN: Final = "_lamina.when"
PART: Final = "_lamina.part"
UPDATE: Final = "_lamina.update"
LOSS: Final = "_lamina.loss"
WEIGHT: Final = "_lamina.weight"
ASIDE: Final = "_lamina.aside"
BOOKKEEPING: Final[dict[str, pl.DataType]] = {
    ID: pl.String(),
    WHEN: pl.Datetime("us"),
    PART: pl.String(),
    UPDATE: pl.Int64(),
    LOSS: pl.Float64(),
    WEIGHT: pl.Float64(),
    ASIDE: pl.Int64(),
}
LARGEST_FILE: Final = 64 * 2**20  # bytes of one picture or recording that the memory keeps

Part = Literal["learn", "judge"]


class MemoryLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What the memory may hold.

    ``learn`` rows to learn from and ``judge`` rows to judge on at most; ``oldest``: days after which a row
    leaves; ``without``: columns whose cells are not kept; ``mode``: "rows" keeps them; "features" keeps
    their answers and what the network reads of them, as numbers, and no cell (see ``encoded_rows``); "none"
    keeps nothing at all, and the champion itself is then all that holds old knowledge.
    """

    learn: int = 20_000
    judge: int = 5_000
    oldest: float | None = None
    without: tuple[str, ...] = ()
    mode: Literal["rows", "features", "none"] = "rows"


@dataclass(frozen=True)
class Memory:
    """One frame of conformed rows with seven columns of bookkeeping, so that it is one Parquet file.

    ``_lamina.id`` is the hash of the row, ``_lamina.when`` when it was learnt (UTC), ``_lamina.part``
    "learn" or "judge", ``_lamina.update`` the number of the update that brought it (0: the first training),
    ``_lamina.loss`` how badly the network answered it when it came, ``_lamina.weight`` how many rows it
    stands for since others had to go, ``_lamina.aside`` the number of the update that put it aside, because
    it tells of a world that is gone (missing: it is in use). Rows put aside serve nobody, unless a store goes
    back to before that update.
    """

    rows: pl.DataFrame
    limits: MemoryLimits = field(default_factory=MemoryLimits)

    @classmethod
    def empty(cls, limits: MemoryLimits | None = None) -> Self:
        """A memory of nothing yet."""
        return cls(pl.DataFrame(schema=BOOKKEEPING), limits or MemoryLimits())

    def __len__(self) -> int:
        return self.rows.height

    @property
    def updates(self) -> int:
        """The number of the last update that brought rows; -1 for a memory of nothing."""
        last = self.rows[UPDATE].max()
        return int(last) if isinstance(last, int) else -1

    @property
    def in_use(self) -> pl.DataFrame:
        """The rows that are not put aside, bookkeeping included."""
        return self.rows.filter(pl.col(ASIDE).is_null())

    def to_learn(self) -> pl.DataFrame:
        """The rows to learn from again, bookkeeping included."""
        return self.in_use.filter(pl.col(PART) == "learn")

    def to_judge(self) -> pl.DataFrame:
        """The rows that no update has learnt from, bookkeeping included."""
        return self.in_use.filter(pl.col(PART) == "judge")

    def knows(self, ids: Sequence[str]) -> np.ndarray:
        """Which of these rows are in use, bool ``(rows,)``."""
        return pl.Series(ids, dtype=pl.String).is_in(self.in_use[ID].implode()).to_numpy()

    def forget(self, ids: Collection[str]) -> Self:
        """The memory without these rows, for good."""
        gone = pl.col(ID).is_in(list(ids))
        return replace(self, rows=self.rows.filter(~gone))

    def put_aside(self, ids: Collection[str], update: int) -> Self:
        """The memory with those of these rows that are in use put aside by an update."""
        gone = pl.col(ID).is_in(list(ids)) & pl.col(ASIDE).is_null()
        number = pl.when(gone).then(pl.lit(update, pl.Int64)).otherwise(ASIDE).alias(ASIDE)
        return replace(self, rows=self.rows.with_columns(number))

    def after(self, updates: Collection[int]) -> Self:
        """The memory of a state that these updates led to: the rows that they brought; what others put aside
        is in use again."""
        known = [*updates]
        number = pl.when(pl.col(ASIDE).is_in(known)).then(ASIDE).otherwise(None).alias(ASIDE)
        return replace(self, rows=self.rows.filter(pl.col(UPDATE).is_in(known)).with_columns(number))

    def without_old(self, now: datetime) -> Self:
        """The memory without rows older than the limits allow."""
        if self.limits.oldest is None:
            return self
        since = now - timedelta(days=self.limits.oldest)
        return replace(self, rows=self.rows.filter(pl.col(WHEN) >= since))

    def with_rows(
        self,
        frame: pl.DataFrame,
        schema: Schema,
        *,
        judge: np.ndarray,
        losses: np.ndarray,
        when: datetime,
        update: int,
        ids: Sequence[str] | None = None,
    ) -> Self:
        """The memory with the rows of a conformed frame, no limits kept yet: see ``replay.kept``.

        ``judge`` says which rows are never to be learnt from, bool ``(rows,)``; ``losses`` how badly each is
        answered, float64 ``(rows,)``; ``ids`` their hashes, where they are known. Rows that it holds already
        are not taken twice.
        """
        if self.limits.mode == "none" or not frame.height:
            return self
        ids = row_ids(frame, schema) if ids is None else ids
        new = frame.drop(*(name for name in self.limits.without if name in frame.columns))
        new = with_files(new, schema).with_columns(
            pl.Series(ID, ids, dtype=pl.String),
            pl.lit(when).cast(pl.Datetime("us")).alias(WHEN),
            pl.Series(PART, np.where(judge, "judge", "learn"), dtype=pl.String),
            pl.lit(update).cast(pl.Int64).alias(UPDATE),
            pl.Series(LOSS, losses, dtype=pl.Float64),
            pl.lit(1.0).alias(WEIGHT),
            pl.lit(None, pl.Int64).alias(ASIDE),
        )
        new = new.filter(pl.Series(~self.knows(ids))).unique(ID, keep="first", maintain_order=True)
        return replace(self, rows=pl.concat([self.rows, new], how="diagonal_relaxed"))


def bare(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows of the memory without its bookkeeping."""
    return rows.drop(*(name for name in BOOKKEEPING if name in rows.columns))


def with_files(frame: pl.DataFrame, schema: Schema) -> pl.DataFrame:
    """Media named by paths become the files' bytes: the files may be gone when they are needed again."""
    for each in schema:
        if each.kind in MEDIA_KINDS and each.name in frame.columns:
            cells = frame[each.name]
            if cells.dtype == pl.String:
                files = [None if cell is None else content(cell, LARGEST_FILE) for cell in cells]
                frame = frame.with_columns(pl.Series(each.name, files, dtype=pl.Binary))
    return frame
