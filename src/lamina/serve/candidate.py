"""A candidate beside the champion: it answers a share of the rows, and the others silently, to be compared.

Which rows are its own follows from their keys alone: the same row is always answered by the same of the two,
in every process. What it answers silently nobody waits for: rows queue for it, bounded, and are answered in a
thread; what it cannot keep up with is skipped, and counted.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import polars as pl

from lamina.errors import UsageError
from lamina.serve import bodies
from lamina.serve.comparison import Comparison
from lamina.serve.limits import Limits
from lamina.serve.served import Answers, Served
from lamina.serve.shares import keys_of, place_of

log = logging.getLogger("lamina.serve")
MOST_WAITING: Final = 20_000  # rows that wait to be answered silently
AT_ONCE: Final = 2000  # rows answered silently in one go


class Silent(NamedTuple):
    """Rows that the champion has answered, and how."""

    rows: pl.DataFrame | Sequence[bodies.Row]
    answers: Sequence[Answers]
    height: int
    champion: Served


class Candidate:
    """``share`` of the rows are answered by it; ``key`` is the column that tells which ones."""

    def __init__(self, served: Served, share: float, key: str | None) -> None:
        self.served, self.share, self.key = served, share, key
        self.comparison = Comparison()
        self.waiting: deque[Silent] = deque()
        self.rows_waiting = 0

    def takes(self, rows: pl.DataFrame | Sequence[Mapping[str, Any]]) -> list[bool]:
        """For each row, whether the candidate answers it."""
        if not self.share:
            return [False] * len(rows)
        return [place_of(key, "candidate") < self.share for key in keys_of(rows, self.key)]

    def see(self, silent: Silent) -> None:
        """Puts rows in line to be answered silently."""
        if self.rows_waiting + silent.height > MOST_WAITING:
            self.comparison.skipped += silent.height
            return
        self.rows_waiting += silent.height
        self.waiting.append(silent)

    def compare(self, limits: Limits) -> None:
        """Answers what waits, and compares; whatever fails is counted, and harms nobody."""
        while self.waiting:
            silent = self.waiting.popleft()
            self.rows_waiting -= silent.height
            try:
                self._compare(silent, limits)
            except Exception:
                self.comparison.failed += silent.height
                log.exception("the candidate of %s did not answer", self.served.name)

    def _compare(self, silent: Silent, limits: Limits) -> None:
        frame = silent.rows
        if not isinstance(frame, pl.DataFrame):
            frame = bodies.frame_of_rows(frame, self.served.schema, limits)
        champion = pl.concat([each.frame() for each in silent.answers])
        for start in range(0, frame.height, AT_ONCE):
            (told,) = self.served.answer([self.served.asked(frame.slice(start, AT_ONCE))])
            self.comparison.add(champion.slice(start, AT_ONCE), told.frame())

    def about(self, champion: Served) -> dict[str, Any]:
        """Both versions, and how they compare."""
        return {
            "model": champion.name,
            "champion": champion.version,
            "candidate": self.served.version,
            "share": self.share,
            **self.comparison.told(),
        }


def check_alike(champion: Served, candidate: Served) -> None:
    """Raises UsageError where the two answer different questions."""
    ours, theirs = champion.model.fitted.target, candidate.model.fitted.target
    if (ours.targets, ours.answer) != (theirs.targets, theirs.answer):
        raise UsageError(
            f"The candidate of {champion.name!r} predicts {', '.join(theirs.targets)} ({theirs.answer}), and "
            f"the champion {', '.join(ours.targets)} ({ours.answer}).",
            "Name a model that answers the same question.",
        )
