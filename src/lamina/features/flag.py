"""Flags: yes, no, or not known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl

from lamina.features.base import Arrays, Feature


@dataclass(frozen=True)
class FlagFeature(Feature):
    """Flag columns → one int8 array ``(rows, columns)``: 1 yes, -1 no, 0 missing."""

    kind: ClassVar[str] = "flag"
    enough: ClassVar[int | None] = 0
    name: str
    columns: tuple[str, ...]

    @classmethod
    def fit(cls, name: str, frame: pl.DataFrame, columns: Sequence[str]) -> Self:
        return cls(name, tuple(columns))

    def transform(self, frame: pl.DataFrame) -> Arrays:
        out = np.empty((frame.height, len(self.columns)), np.int8)
        for j, column in enumerate(self.columns):
            signed = frame[column].cast(pl.Boolean).cast(pl.Int8) * 2 - 1
            out[:, j] = signed.fill_null(0).to_numpy()
        return {self.name: out}

    def extend(self, frame: pl.DataFrame) -> Self:
        return self

    def to_json(self) -> dict[str, Any]:
        return {"name": self.name, "columns": list(self.columns)}

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> Self:
        return cls(str(state["name"]), tuple(state["columns"]))
