"""An alarm when a network errs more than it did: Page's test on its own losses."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final

import numpy as np

BLOCK: Final = 50  # losses whose mean is one observation: means of so many are nearly normal
FIRST: Final = 20  # blocks from which mean and spread are known before the test begins
SLACK: Final = 0.5  # half the shift, in standard deviations of a block mean, that is to be found fastest


@dataclass
class Alarm:
    """Page's cumulative sum (Page 1954, "Continuous inspection schemes") of standardised block means.

    ``apart``: how many rows lie between two false alarms on average where nothing changes. The limit
    follows from it by Siegmund's approximation (1985, "Sequential analysis"). Mean and spread are those of
    all blocks since the last alarm, so that a network that gets better moves them.
    """

    apart: float = 50_000
    waiting: list[float] = field(default_factory=list)
    blocks: int = 0
    mean: float = 0.0
    squares: float = 0.0
    total: float = 0.0

    def __post_init__(self) -> None:
        self.limit = limit_for(self.apart / BLOCK)

    def see(self, losses: np.ndarray) -> bool:
        """Takes further losses, float ``(rows,)``; whether something changed among them."""
        self.waiting += losses.tolist()
        changed = False
        while len(self.waiting) >= BLOCK:
            block, self.waiting = self.waiting[:BLOCK], self.waiting[BLOCK:]
            changed |= self._block(float(np.mean(block)))
        return changed

    def _block(self, value: float) -> bool:
        if self.blocks >= FIRST:
            spread = max(math.sqrt(self.squares / (self.blocks - 1)), 1e-12)
            self.total = max(0.0, self.total + (value - self.mean) / spread - SLACK)
            if self.total > self.limit:
                self.blocks, self.mean, self.squares, self.total = 0, 0.0, 0.0, 0.0
                return True
        self.blocks += 1
        before = value - self.mean
        self.mean += before / self.blocks
        self.squares += before * (value - self.mean)
        return False


def limit_for(run: float) -> float:
    """The limit at which the mean number of observations before a false alarm is ``run``."""
    low, high = 0.0, 50.0
    for _ in range(60):
        middle = (low + high) / 2
        reach = 2 * SLACK * (middle + 1.166)
        low, high = (middle, high) if math.expm1(reach) - reach < run * 2 * SLACK**2 else (low, middle)
    return high
