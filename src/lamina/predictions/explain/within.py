"""A time within which explanations must be found; where it is over, they are given up."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from lamina.errors import UsageError

_UNTIL: Final[ContextVar[tuple[float, float]]] = ContextVar("until", default=(math.inf, math.inf))


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """What is explained in this block takes at most so long; see ``check_time``."""
    token = _UNTIL.set((time.monotonic() + seconds, seconds))
    try:
        yield
    finally:
        _UNTIL.reset(token)


def check_time() -> None:
    """Called before every batch of answers that an explanation asks for. Raises UsageError when the time is
    over."""
    until, seconds = _UNTIL.get()
    if time.monotonic() > until:
        raise UsageError(
            f"Explaining these rows takes longer than the {seconds:g} seconds allowed.",
            "Explain fewer rows at once, or compare with fewer.",
            seconds=seconds,
        )
