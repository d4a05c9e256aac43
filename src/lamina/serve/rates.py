"""How often somebody may ask: a bucket per key that fills at a steady rate."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from lamina.serve.problems import Problem

MOST_CALLERS: Final = 10_000  # buckets kept; the one unused for longest is forgotten, and full again


class Rates:
    """At most ``rate`` requests a second and caller in the long run, ``burst`` at once; 0: no limit."""

    def __init__(self, rate: float, burst: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.rate = rate
        self.burst = max(1.0, burst)
        self.clock = clock
        self.buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, caller: str) -> None:
        """Counts one request. Raises Problem 429 with the seconds to wait where the bucket is empty."""
        if not self.rate:
            return
        now = self.clock()
        level, at = self.buckets.pop(caller, (self.burst, now))
        level = min(self.burst, level + (now - at) * self.rate)
        allowed = level >= 1.0
        self.buckets[caller] = (level - 1.0 if allowed else level, now)
        if len(self.buckets) > MOST_CALLERS:
            self.buckets.popitem(last=False)
        if not allowed:
            raise Problem(
                429,
                f"More than {self.rate:g} requests a second came from this caller.",
                "Wait, and send several rows in one request.",
                retry_after=(1.0 - level) / self.rate,
            )
