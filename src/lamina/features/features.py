"""All features of a schema as one: the whole way from a conformed frame to the network's arrays."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import polars as pl

from lamina.catalog import KINDS, Kind, part
from lamina.errors import ModelFileError
from lamina.features.base import Arrays, Feature
from lamina.features.encoded import READ, with_encoded
from lamina.records import Field, Finding, Schema

# Names of columns and numbers of rows → those columns of those rows
Take = Callable[[list[str], np.ndarray], pl.DataFrame]


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
        rows = np.arange(frame.height) if rows is None else rows
        return cls.fit_on(lambda names, chosen: frame.select(names)[chosen], schema, rows, options)

    @classmethod
    def fit_on(
        cls,
        take: Take,
        schema: Schema,
        rows: np.ndarray,
        options: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> Self:
        """The same where columns are read as they are wanted: ``take`` gives some of them, of some rows."""
        parts: list[Feature] = []
        for kind in KINDS.values():
            chosen = (options or {}).get(kind.name, {})
            for name, block in _blocks(kind, schema.of_kind(kind.name)):
                feature: type[Feature] = part(kind.feature)
                seen = _evenly(rows, feature.enough)
                # one block at a time: a copy of all training rows would double a large table
                each = [[column] for column in block] if feature.by_column else [block]
                fitted = [feature.fit(name, take(columns, seen), columns, **chosen) for columns in each]
                parts.append(feature.joined(fitted))
        return cls(tuple(parts))

    def transform(self, frame: pl.DataFrame) -> Arrays:
        """Every block's arrays by name, row-aligned with ``frame``; of rows that are kept encoded those they
        hold."""
        if any(name.startswith(READ) for name in frame.columns):
            return with_encoded(frame, self._transform)
        return self._transform(frame)

    def _transform(self, frame: pl.DataFrame) -> Arrays:
        arrays: Arrays = {}
        for each in self.parts:
            arrays |= each.transform(frame)
        return arrays

    def extend(self, frame: pl.DataFrame) -> Self:
        return type(self)(tuple(each.extend(frame) for each in self.parts))

    def with_columns(self, frame: pl.DataFrame, fields: Sequence[Field]) -> Self:
        """And these columns, in blocks of their own behind the others, fitted on the rows of ``frame``."""
        parts = list(self.parts)
        for kind in KINDS.values():
            new = [field for field in fields if field.kind == kind.name]
            for name, block in _blocks(kind, new):
                taken = {each.name for each in parts}
                free = next(n for k in range(2, len(parts) + 3) if (n := f"{name} {k}") not in taken)
                feature: type[Feature] = part(kind.feature)
                rows = _evenly(np.arange(frame.height), feature.enough)
                parts.append(feature.fit(free if name in taken else name, frame.select(block)[rows], block))
        return type(self)(tuple(parts))

    def __iter__(self) -> Iterator[Feature]:
        return iter(self.parts)

    def to_json(self) -> list[dict[str, Any]]:
        return [_state(each) for each in self.parts]

    @classmethod
    def from_json(cls, states: Sequence[Mapping[str, Any]]) -> Self:
        """Raises ModelFileError where a kind comes from a package that is not installed."""
        return cls(tuple(part(_known(s).feature).from_json(s) for s in states))


def _state(feature: Feature) -> dict[str, Any]:
    package = KINDS[feature.kind].package
    return {"kind": feature.kind, **({"package": package} if package else {}), **feature.to_json()}


def _known(state: Mapping[str, Any]) -> Kind:
    name = str(state["kind"])
    if name in KINDS:
        return KINDS[name]
    # The name stands in a file that anybody may have written: shown only if it can be one
    package = re.fullmatch(r"[A-Za-z0-9._-]{1,60}( [A-Za-z0-9.+!-]{1,30})?", str(state.get("package", "")))
    who = f"the package {package[0]}" if package else "a package that the file does not name"
    raise ModelFileError(
        f"The model reads columns of the kind {name[:40]!r}, which {who} brings, and that is not here.",
        KINDS.problems.get(name)
        or (
            f"Install it if you trust it: pip install {package[0].split()[0]}"
            if package
            else "Ask who made it."
        ),
        kind=name,
    )


def _blocks(kind: Kind, fields: Sequence[Field]) -> list[tuple[str, list[str]]]:
    """(array name, columns) of each block."""
    if kind.together:
        return [(kind.name, [each.name for each in fields])] if fields else []
    blocks: dict[str, list[Field]] = {}
    for each in fields:
        blocks.setdefault(each.form.get("block", each.name), []).append(each)
    return [
        (f"{kind.name}:{name}", [f.name for f in sorted(block, key=lambda f: f.form.get("place", 0))])
        for name, block in blocks.items()
    ]


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
    """One finding per media column with cells that cannot be read."""
    return [
        Finding(
            severity="warning",
            code="broken-media",
            column=column,
            rows=tuple(int(row) for row in rows[:100]),
            count=len(rows),
            message=f"{len(rows):,} cell(s) of {column!r} cannot be read and were set "
            f"aside; the first is in row {rows[0]}.",
            remedy="Repair the files or remove the rows; the others are used.",
        )
        for column, rows in unreadable.items()
    ]
