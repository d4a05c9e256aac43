"""How a candidate's answers differ from the champion's, for the same rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

PREDICTED = "predicted_"
PROBABILITY = "probability_"


class Differences:
    """Of one column of numbers: candidate less champion, over all rows in which both are told."""

    def __init__(self) -> None:
        self.rows, self.sum, self.distance, self.largest = 0, 0.0, 0.0, 0.0

    def add(self, apart: np.ndarray) -> None:
        self.rows += len(apart)
        self.sum += float(apart.sum())
        self.distance += float(np.abs(apart).sum())
        self.largest = max(self.largest, float(np.abs(apart).max(initial=0.0)))

    def told(self) -> dict[str, Any]:
        rows = max(self.rows, 1)
        return {
            "rows": self.rows,
            "mean_difference": self.sum / rows,
            "mean_absolute_difference": self.distance / rows,
            "largest_difference": self.largest,
        }


class Comparison:
    """``agreed`` of ``rows`` rows had the same answer, of several targets all of them; predicted numbers, and
    probabilities of classes and labels, are compared by their differences."""

    def __init__(self) -> None:
        self.rows = self.agreed = self.failed = self.skipped = 0
        self.columns: dict[str, Differences] = {}

    def add(self, champion: pl.DataFrame, candidate: pl.DataFrame) -> None:
        """Two frames of answers for the same rows."""
        both = [name for name in champion.columns if name in candidate.columns]
        same = np.ones(champion.height, bool)
        for name in both:
            if name.startswith(PREDICTED):
                same &= champion[name].eq_missing(candidate[name]).to_numpy()
            if name.startswith((PREDICTED, PROBABILITY)) and champion[name].dtype.is_numeric():
                apart = (candidate[name].cast(pl.Float64) - champion[name].cast(pl.Float64)).drop_nulls()
                self.columns.setdefault(name, Differences()).add(apart.to_numpy())
        self.rows += champion.height
        self.agreed += int(same.sum())

    def told(self) -> dict[str, Any]:
        return {
            "rows": self.rows,
            "agreement": self.agreed / self.rows if self.rows else None,
            "failed": self.failed,
            "skipped": self.skipped,
            "columns": {name: each.told() for name, each in self.columns.items()},
        }
