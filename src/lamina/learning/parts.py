"""Which rows are learnt from, and which judge and make confidence honest.

A row learnt from tells nothing of how good a network is, and a row on which a correction of probabilities was
found tells too well of it. All is decided by a row's own hash: the same row always serves the same.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import polars as pl

from lamina.learning.memory import ID, UPDATE, Memory, bare
from lamina.learning.replay import uniform

HALF = 0.5  # of the rows held back make confidence honest, and judge what was found on the other half


class Half(NamedTuple):
    """Half of all rows held back, conformed, the newest first, and their ids: so many came ``today``, so many
    since the champion (``recent``, those of today among them)."""

    frame: pl.DataFrame
    ids: list[str]
    today: int
    recent: int


class Parts(NamedTuple):
    """Conformed rows by what they serve. ``new``: learnt from for the first time; ``old``: remembered, with
    bookkeeping; ``first`` and ``second``: held back."""

    new: pl.DataFrame
    old: pl.DataFrame
    first: Half
    second: Half


def held_back(ids: pl.Series, groups: pl.Series | None, share: float) -> np.ndarray:
    """Which of the new rows are judged on and never learnt from, bool ``(rows,)``.

    Where ``groups`` of rows belong together, a group is held back whole.
    """
    if groups is None:
        own = uniform(ids, 0)
        chosen = np.zeros(len(ids), bool)
        chosen[np.argsort(own, kind="stable")[: round(share * len(ids))]] = True
        return chosen
    first = pl.DataFrame({"group": groups, "own": uniform(ids, 0)})
    held: np.ndarray = first.select(pl.col("own").min().over("group"))["own"].to_numpy()
    counts = first.select(pl.len().over("group"))["len"].to_numpy()
    lowest: np.ndarray = 1 - (1 - held) ** counts < share  # as likely for a large group as for a small one
    return lowest


def parted(frame: pl.DataFrame, ids: pl.Series, judge: np.ndarray, memory: Memory, since: int) -> Parts:
    """The new rows, and those of the memory; what came after the update ``since``, the champion's, is new to
    the champion too, and serves beside the rows of today."""
    own, learn = pl.Series(judge), memory.to_learn()
    recent = pl.col(UPDATE) > since
    judged = memory.to_judge().sort(UPDATE, descending=True, maintain_order=True)
    halves = []
    for first in (True, False):
        mine = own & pl.Series((uniform(ids, 1) < HALF) == first)
        today = frame.filter(mine)
        before = judged.filter(pl.Series((uniform(judged[ID], 1) < HALF) == first))
        count = today.height + before.filter(recent).height
        names = [*ids.filter(mine), *before[ID]]
        halves.append(Half(_joined(today, before), names, today.height, count))
    return Parts(
        _joined(frame.filter(~own), learn.filter(recent)),
        _joined(frame[:0], learn.filter(~recent), as_is=True),
        *halves,
    )


def _joined(frame: pl.DataFrame, rows: pl.DataFrame, *, as_is: bool = False) -> pl.DataFrame:
    """New rows and those of the memory, all with the columns of the new ones."""
    return pl.concat([frame, rows if as_is else bare(rows)], how="diagonal_relaxed")
