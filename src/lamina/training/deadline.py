"""When a whole fit has to be done: reading, training and judging share one time limit."""

from __future__ import annotations

import time
from dataclasses import dataclass

from lamina.errors import TrainingError
from lamina.records import Finding


@dataclass
class Deadline:
    """``limit`` seconds after the fit ``began`` (of ``time.monotonic``); the last ``reserve`` seconds of them
    are kept for judging the trained network."""

    limit: float
    reserve: float = 0.0

    def __post_init__(self) -> None:
        self.began = time.monotonic()

    @property
    def left(self) -> float:
        """Seconds that training may take from now on.

        Raises TrainingError where there are none.
        """
        spent = time.monotonic() - self.began
        left = self.limit - spent - self.reserve
        if left <= 0:
            needed = spent + self.reserve
            raise TrainingError(
                f"The time limit of {self.limit:g} seconds leaves no time to learn: reading and checking the "
                f"data takes {spent:.1f} s here, judging the network {self.reserve:.1f} s.",
                f"Give a time_limit well above {needed:.1f}, or fewer rows or columns.",
                time_limit=self.limit,
                needed=needed,
            )
        return left

    def short(self, rows: int, table: int) -> tuple[Finding, ...]:
        """What to say where the time was enough for fewer rows than the table has."""
        if rows >= table:
            return ()
        return (
            Finding(
                severity="warning",
                code="time-limit",
                message=f"The time limit of {self.limit:g} seconds was enough to learn from {rows:,} of "
                f"{table:,} rows only.",
                remedy="Give a longer time_limit, or leave it away.",
            ),
        )
