"""What the server was given for requests that do not bring it themselves."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from lamina.decisions.costs import Costs


@dataclass(frozen=True)
class Givens:
    """``costs`` to decide by; ``background``: rows that explanations compare with."""

    costs: Costs | None = None
    background: pl.DataFrame | None = None
