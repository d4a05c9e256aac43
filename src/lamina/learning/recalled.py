"""What the champion says of rows, asked once: drift, gate and memory look at the same ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from lamina.learning.arrayed import Arrayed
from lamina.training.fitted import Fitted


class Recalled:
    """Decoded answers of a network as it is, by the ids of rows."""

    def __init__(self, fitted: Fitted) -> None:
        self.fitted = fitted
        self._places: dict[str, int] = {}
        self._decoded: np.ndarray | None = None

    def note(self, ids: Sequence[str], decoded: np.ndarray) -> None:
        """Keeps what was said of rows, ``(rows, …)``."""
        before = decoded[:0] if self._decoded is None else self._decoded
        self._places |= {each: len(before) + k for k, each in enumerate(ids)}
        self._decoded = np.concatenate([before, decoded])

    def decoded(self, frame: pl.DataFrame, ids: Sequence[str]) -> np.ndarray:
        """What it says of conformed rows, ``(rows, …)``; of those it was not asked about it is asked now."""
        unknown = np.array([each not in self._places for each in ids], bool)
        if unknown.any() or self._decoded is None:
            rows = Arrayed(self.fitted.features, frame.filter(pl.Series(unknown, dtype=pl.Boolean)))
            asked = [each for each, new in zip(ids, unknown, strict=True) if new]
            self.note(asked, rows.answered(self.fitted).decoded)
        assert self._decoded is not None
        found: np.ndarray = self._decoded[[self._places[each] for each in ids]]
        return found
