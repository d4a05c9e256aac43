"""Rows as a network reads them, encoded once however often they are asked for."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from lamina.features.base import Arrays
from lamina.features.features import Features
from lamina.network.engine import Answered
from lamina.predictions.answers import encoded, rows_encoded
from lamina.training.fitted import Fitted


class Arrayed:
    """Conformed rows as arrays. Those that take little memory are kept; more of them are encoded again, some
    at a time."""

    def __init__(self, features: Features, frame: pl.DataFrame) -> None:
        self.features, self.frame = features, frame
        few = frame.height <= rows_encoded(features)
        self._kept = next(encoded(features, frame))[0] if few else None

    def first(self, count: int | None = None) -> Iterator[Arrays]:
        """The first ``count`` rows (None: all), in parts; of no rows one part."""
        count = self.frame.height if count is None else count
        if self._kept is None:
            yield from (arrays for arrays, _ in encoded(self.features, self.frame[:count]))
        else:
            yield {name: each[:count] for name, each in self._kept.items()}

    def answered(self, fitted: Fitted) -> Answered:
        """What a network that reads them says of them, as it is."""
        return Answered.joined(fitted.engine.answered(each) for each in self.first())
