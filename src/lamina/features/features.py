"""All features of a schema as one: the whole way from a conformed frame to the network's arrays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import polars as pl

from lamina.catalog import KINDS, part
from lamina.features.base import Arrays, Feature
from lamina.records import Finding, Schema


@dataclass(frozen=True)
class Features:
    """The blocks that the network reads, in the order of the catalog."""

    parts: tuple[Feature, ...]

    @classmethod
    def fit(
        cls,
        frame: pl.DataFrame,
        schema: Schema,
        rows: np.ndarray | None = None,
        options: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> Self:
        """One feature per kind or per column, as the catalog says, fitted on these ``rows`` (default all).

        ``options`` are further arguments of a kind's feature, by kind.
        """
        parts: list[Feature] = []
        rows = np.arange(frame.height) if rows is None else rows
        for kind in KINDS.values():
            feature: type[Feature] = part(kind.feature)
            chosen = (options or {}).get(kind.name, {})
            columns = [field.name for field in schema.of_kind(kind.name)]
            for name, block in _blocks(kind.name, columns, kind.together):
                # one block at a time: a copy of all training rows would double a large table
                seen = frame.select(block)[_evenly(rows, feature.enough)]
                parts.append(feature.fit(name, seen, block, **chosen))
        return cls(tuple(parts))

    def transform(self, frame: pl.DataFrame) -> Arrays:
        """Every block's arrays by name, row-aligned with ``frame``."""
        arrays: Arrays = {}
        for each in self.parts:
            arrays |= each.transform(frame)
        return arrays

    def extend(self, frame: pl.DataFrame) -> Self:
        return type(self)(tuple(each.extend(frame) for each in self.parts))

    def __iter__(self) -> Iterator[Feature]:
        return iter(self.parts)

    def to_json(self) -> list[dict[str, Any]]:
        return [{"kind": each.kind, **each.to_json()} for each in self.parts]

    @classmethod
    def from_json(cls, states: Sequence[Mapping[str, Any]]) -> Self:
        return cls(tuple(part(KINDS[s["kind"]].feature).from_json(s) for s in states))


def _blocks(kind: str, columns: list[str], together: bool) -> list[tuple[str, list[str]]]:
    """(array name, columns) of each block."""
    if not columns:
        return []
    return [(kind, columns)] if together else [(f"{kind}:{each}", [each]) for each in columns]


def _evenly(rows: np.ndarray, most: int | None) -> np.ndarray:
    if most is None or len(rows) <= most:
        return rows
    return rows[np.linspace(0, len(rows) - 1, most).astype(np.int64)]


def broken(arrays: Arrays, frame: pl.DataFrame, features: Features) -> dict[str, np.ndarray]:
    """Rows (0-based) by column whose media is there but cannot be read."""
    found = {}
    for each in features:
        present = arrays.get(f"{each.name}.present")
        if present is not None:
            column = each.columns[0]
            rows = np.flatnonzero(~present & frame[column].is_not_null().to_numpy())
            if len(rows):
                found[column] = rows
    return found


def broken_findings(unreadable: Mapping[str, np.ndarray]) -> list[Finding]:
    """One finding per media column with files that cannot be read."""
    return [
        Finding(
            severity="warning",
            code="broken-media",
            column=column,
            rows=tuple(int(row) for row in rows[:100]),
            count=len(rows),
            message=f"{len(rows):,} file(s) of {column!r} cannot be read as pictures and were set "
            f"aside; the first is in row {rows[0]}.",
            remedy="Repair or remove them; the other rows are used.",
        )
        for column, rows in unreadable.items()
    ]
