"""The last answers of a stream and what came: on them its network's answers are made honest."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import Final

import numpy as np
import polars as pl

from lamina.network.engine import Answered
from lamina.predictions.confidence import Confidence
from lamina.training.fitted import Fitted

ROOM: Final = 1000  # rows kept
ENOUGH: Final = 400  # rows that correct probabilities and give bounds


class Lately:
    """What a network said of the last rows, each before it was learnt, and the true answers."""

    def __init__(self, by: str | None) -> None:
        self._by, self._rows = by, 0
        self._parts: deque[tuple[Answered, np.ndarray, pl.Series | None]] = deque()

    def add(self, said: Answered, answers: np.ndarray, frame: pl.DataFrame) -> None:
        """Takes rows in the order in which they came; the oldest leave."""
        values = frame[self._by] if self._by in frame.columns else None
        self._parts.append((said, answers, values))
        self._rows += len(answers)
        while self._rows - len(self._parts[0][1]) >= ROOM:
            self._rows -= len(self._parts.popleft()[1])

    def clear(self) -> None:
        """Forgets all: they were said by another network."""
        self._parts.clear()
        self._rows = 0

    def honest(self, fitted: Fitted) -> Fitted:
        """The network with calibrated probabilities and bounds, where there are rows enough."""
        if self._rows < ENOUGH:
            return fitted
        said, answers, values = zip(*self._parts, strict=True)
        found = Confidence.found(
            fitted.target,
            Answered.joined(said),
            np.concatenate(answers),
            coverage=fitted.settings.coverage,
            by=fitted.settings.coverage_by,
            values=None if values[0] is None else pl.concat(values),
        )
        return replace(fitted, confidence=found)
