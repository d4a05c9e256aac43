"""How a network learns from a stream, as plain numbers."""

from __future__ import annotations

import msgspec

from lamina.errors import UsageError


class StreamSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How a network learns from a stream.

    - ``batch``: rows that are learnt in one go; fewer learn sooner and take longer
    - ``memory``: how many of the last rows may be learnt again; ``replay``: how many of them are, per new one
    - ``rate``: of the learning rate that its first training had; after an alarm ``boost`` times as much,
      falling back within ``fade`` rows
    - ``apart``: rows between two false alarms, on average, where nothing changes
    - ``grow_every``: rows between two looks for new categories and classes (0: never)
    - ``seed``: of every random choice
    """

    batch: int = 8
    memory: int = 1000
    replay: float = 3.0
    rate: float = 0.3
    boost: float = 3.0
    fade: int = 500
    apart: int = 50_000
    grow_every: int = 500
    seed: int = 0

    def __post_init__(self) -> None:
        for name, least in (("batch", 1), ("memory", 1), ("fade", 1), ("apart", 100), ("grow_every", 0)):
            _at_least(name, getattr(self, name), least)
        for name in ("replay", "rate", "boost"):
            _at_least(name, getattr(self, name), 0)
        if self.batch > self.memory:
            raise UsageError(
                f"batch={self.batch} rows do not fit into a memory of {self.memory}.",
                "Give a `memory` of at least `batch` rows.",
            )


def _at_least(name: str, value: float, least: float) -> None:
    if not least <= value < float("inf"):
        raise UsageError(f"{name}={value!r} cannot be.", f"Give a number from {least} on.", **{name: value})
