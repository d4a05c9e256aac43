"""Which rows are learnt from, which the gate judges by, and which make the candidate's confidence honest.

No row serves two of these. A row learnt from tells nothing of how good a network is; a row that decided
between champion and candidate makes the winner look a little better than it is, so that bounds found on it
would not hold. All is decided by a row's own hash: the same row always serves the same.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import polars as pl

from lamina.learning.memory import ID, UPDATE, Memory, bare
from lamina.learning.replay import uniform

HALF = 0.5  # of the rows held back judge, the others make confidence honest


class Parts(NamedTuple):
    """Conformed rows by what they serve. ``new``: learnt from for the first time; ``old``: remembered, with
    bookkeeping; ``gate_new``, ``gate_old``: the gate's; ``honest``: for confidence, the newest first."""

    new: pl.DataFrame
    old: pl.DataFrame
    gate_new: pl.DataFrame
    gate_old: pl.DataFrame
    honest: pl.DataFrame


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
    gate = uniform(ids, 1) < HALF
    own = pl.Series(judge)
    learn, judged = memory.to_learn(), memory.to_judge()
    recent = pl.col(UPDATE) > since
    gate_rows = pl.Series(uniform(judged[ID], 1) < HALF)
    for_gate, for_bounds = judged.filter(gate_rows), judged.filter(~gate_rows)
    return Parts(
        new=_joined(frame.filter(~own), learn.filter(recent)),
        old=_joined(frame[:0], learn.filter(~recent), as_is=True),
        gate_new=_joined(frame.filter(own & pl.Series(gate)), for_gate.filter(recent)),
        gate_old=_joined(frame[:0], for_gate.filter(~recent)),
        honest=_joined(frame.filter(own & pl.Series(~gate)), for_bounds.sort(UPDATE, descending=True)),
    )


def _joined(frame: pl.DataFrame, rows: pl.DataFrame, *, as_is: bool = False) -> pl.DataFrame:
    """New rows and those of the memory, all with the columns of the new ones."""
    return pl.concat([frame, rows if as_is else bare(rows)], how="diagonal_relaxed")
