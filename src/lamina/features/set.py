"""Sets: several names in one cell, in no order: tags, choices, ingredients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl

from lamina.features.base import Arrays, Feature
from lamina.features.category import FIRST, MISSING, MOST_LINEAR, RARE, codes_of, vocabulary

NOTHING = -1  # fills the places after the last value of a set
MOST_VALUES = 64  # of one set that the network sees


@dataclass(frozen=True)
class SetFeature(Feature):
    """One column of lists of words → int32 codes ``(rows, places)`` and ``name.count``, float32 ``(rows,
    1)``.

    Codes are those of categories (missing, unseen, rare, then known values, the most frequent first), in
    rising order, then ``NOTHING``. A set with more values than ``places`` keeps the most frequent;
    ``name.count``, the logarithm of one plus their number, still tells of all. An empty set is not a missing
    one.
    """

    kind: ClassVar[str] = "set"
    name: str
    columns: tuple[str, ...]
    places: int
    known: tuple[str, ...]
    rare: tuple[str, ...]

    @classmethod
    def fit(cls, name: str, frame: pl.DataFrame, columns: Sequence[str]) -> Self:
        pairs = _pairs(frame[columns[0]])
        most = int(np.bincount(pairs["row"].to_numpy()).max(initial=0))
        places = min(MOST_VALUES, max(2, most))
        return cls(name, tuple(columns), places, *vocabulary(pairs["value"]))

    def transform(self, frame: pl.DataFrame) -> Arrays:
        cells = frame[self.columns[0]]
        pairs = _pairs(cells)
        codes = pl.Series("code", codes_of(pairs["value"], self.known, self.rare), dtype=pl.Int32)
        pairs = pairs.select("row").with_columns(codes).sort("row", "code")
        rows, values = pairs["row"].to_numpy(), pairs["code"].to_numpy()
        counts = np.bincount(rows, minlength=len(cells)).astype(np.int64)
        place = np.arange(len(rows)) - np.repeat(counts.cumsum() - counts, counts)
        rows, values, place = _most_frequent(rows, values, place, counts, self.places)
        out = np.full((len(cells), self.places), NOTHING, np.int32)
        out[rows, place] = values
        out[cells.is_null().to_numpy(), 0] = MISSING
        return {self.name: out, f"{self.name}.count": np.log1p(counts).astype(np.float32)[:, None]}

    def extend(self, frame: pl.DataFrame) -> Self:
        """New values that are frequent enough are appended; known codes stay."""
        frequent, once = vocabulary(_pairs(frame[self.columns[0]])["value"])
        known = (*self.known, *(value for value in frequent if value not in set(self.known)))
        return replace(self, known=known, rare=tuple(sorted({*self.rare, *once} - set(known))))

    @property
    def size(self) -> int:
        """How many codes there are, the three special ones included."""
        return FIRST + len(self.known)

    @property
    def row_bytes(self) -> int:
        return 4 * (self.places + 1)

    @property
    def linear_width(self) -> int:
        return min(self.size, FIRST + MOST_LINEAR) + 1

    def linear(self, arrays: Arrays) -> np.ndarray:
        """For each of the most frequent values whether it is there, and how many there are."""
        codes = arrays[self.name]
        out = np.zeros((len(codes), self.linear_width), np.float32)
        rows, places = np.nonzero((codes >= 0) & (codes < self.linear_width - 1))
        out[rows, codes[rows, places]] = 1.0
        out[:, -1:] = arrays[f"{self.name}.count"]
        return out

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "columns": list(self.columns),
            "places": self.places,
            "known": list(self.known),
            "rare": list(self.rare),
        }

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> Self:
        places = int(state["places"])
        if not 1 <= places <= MOST_VALUES:
            raise ValueError(f"sets of {places:,} values")
        return cls(
            str(state["name"]),
            tuple(state["columns"]),
            places,
            tuple(map(str, state["known"])),
            tuple(map(str, state["rare"])),
        )

    def describe(self) -> str:
        return f"set: {self.columns[0]}, {len(self.known):,} values"


def _pairs(cells: pl.Series) -> pl.DataFrame:
    """``row`` and ``value`` of every distinct value of every set."""
    frame = pl.DataFrame({"row": np.arange(len(cells)), "value": cells.cast(pl.List(pl.String))})
    return frame.explode("value").drop_nulls("value").unique(maintain_order=True)


def _most_frequent(
    rows: np.ndarray, codes: np.ndarray, place: np.ndarray, counts: np.ndarray, places: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of sets with too many values, those that say most: known ones before rare and unseen ones."""
    if not len(counts) or counts.max() <= places:
        return rows, codes, place
    special = np.bincount(rows[codes <= RARE], minlength=len(counts))  # they stand first, and give way
    spare = np.minimum(special, np.maximum(counts - places, 0))
    place = place - spare[rows]
    kept = (place >= 0) & (place < places)
    return rows[kept], codes[kept], place[kept]
