"""All sizes of a network as plain data."""

from __future__ import annotations

from typing import Any

import msgspec


class Architecture(msgspec.Struct, frozen=True, kw_only=True):
    """All sizes of a network as plain data: with the features it rebuilds the same layers.

    ``teams``: the members are divided among groups that share no weight with each other, each with the
    dropout told here; none: all share, with ``dropout``. ``output`` is the kind of answer
    (``catalog.ANSWERS``), ``answer`` what its layer is told besides.
    """

    inputs: dict[str, dict[str, Any]]
    hidden: tuple[int, ...]
    activation: str
    members: int
    output: str
    scores: int
    smoothing: float = 0.0
    gain: float = 1.0
    dropout: float = 0.0
    teams: tuple[float, ...] = ()
    answer: dict[str, Any] = {}
    beside: bool = False
    additive: bool = False
