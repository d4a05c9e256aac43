"""What every check looks at: the conformed rows, their schema, and what was worked out about them once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final, Literal, NamedTuple

import numpy as np
import polars as pl

from lamina.data.doctor.strength import Strength, binned, coded, strength
from lamina.records import Field, Finding, Schema

FEW_ROWS: Final = 20
SHOWN_ROWS: Final = 100  # a finding names at most so many rows
MOST_ROWS: Final = 50_000  # looked at, evenly taken, by checks that need not see every row
PLAIN: Final = ("number", "category", "flag", "date")  # kinds with one plain value per cell


class Whole(NamedTuple):
    """The targets of all rows of a large table, and each row's number in the table as read."""

    targets: pl.DataFrame
    numbers: np.ndarray | None


@dataclass(frozen=True)
class Case:
    """A conformed frame with what is known of it.

    ``held_out`` are the rows kept for validation;
    ``numbers`` each row's number in the table as read, where rows were left out. ``details`` collects the
    rows behind the findings. Of a large table the frame is a sample of the rows; ``whole`` are the answers of
    all, so that classes are counted and neighbours compared as they are.
    """

    frame: pl.DataFrame
    schema: Schema
    held_out: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))
    numbers: np.ndarray | None = None
    whole: Whole | None = None
    details: list[pl.DataFrame] = field(default_factory=list)

    @cached_property
    def target(self) -> Field | None:
        """The target, where its cells hold one plain value each."""
        return next((f for f in self.schema.with_role("target") if f.kind in ("number", "category")), None)

    @cached_property
    def answer(self) -> Literal["classes", "number"] | None:
        """Whether the target is looked at as classes or as a number."""
        if self.target is None:
            return None
        return "number" if self.target.kind == "number" else "classes"

    @property
    def height(self) -> int:
        """How many rows there are in all."""
        return self.frame.height if self.whole is None else self.whole.targets.height

    @property
    def all_answers(self) -> pl.Series:
        """The target's cells in all rows."""
        assert self.target is not None
        return (self.frame if self.whole is None else self.whole.targets)[self.target.name]

    def answer_rows(self, places: np.ndarray) -> tuple[int, ...]:
        """Row numbers as read, of places in ``all_answers``; the first hundred."""
        if self.whole is None:
            return self.rows(places)
        first, numbers = places[:SHOWN_ROWS], self.whole.numbers
        return tuple(int(each) for each in (first if numbers is None else numbers[first]))

    def per_target(self) -> list[Case]:
        """Of several targets each one by itself, the others left aside."""
        targets = [each.name for each in self.schema.with_role("target")]
        if len(targets) < 2:
            return [self]
        return [self.without(_only(self.schema, name)) for name in targets]

    @cached_property
    def inputs(self) -> list[Field]:
        """The inputs with one plain value per cell."""
        have = set(self.frame.columns)
        return [f for f in self.schema.with_role("input") if f.kind in PLAIN and f.name in have]

    @cached_property
    def sampled(self) -> np.ndarray:
        """Row numbers, evenly taken of those with an answer, at most ``MOST_ROWS``."""
        rows = np.arange(self.frame.height)
        if self.target is not None and self.frame[self.target.name].null_count():
            rows = np.flatnonzero(self.frame[self.target.name].is_not_null().to_numpy())
        return rows[np.linspace(0, len(rows) - 1, min(len(rows), MOST_ROWS)).astype(np.int64)]

    @cached_property
    def sample(self) -> pl.DataFrame:
        """The sampled rows of the plain inputs and the target."""
        names = [each.name for each in self.inputs] + ([self.target.name] if self.target else [])
        return self.frame.select(names)[self.sampled]

    @cached_property
    def answers(self) -> np.ndarray:
        """The sampled answers: class codes int64 from 0, or float64 numbers. ``(sampled,)``."""
        if self.target is None:
            return np.empty(0)
        series = self.sample[self.target.name]
        if self.answer == "number":
            return series.cast(pl.Float64).fill_null(strategy="mean").to_numpy()
        return coded(series.cast(pl.String))[1]

    @cached_property
    def classes(self) -> list[str]:
        """The classes in the order of their codes, as words."""
        if self.target is None or self.answer != "classes":
            return []
        return coded(self.sample[self.target.name].cast(pl.String))[0]

    @cached_property
    def strengths(self) -> dict[str, Strength]:
        """What each plain input alone tells of the answer, out of fold."""
        return {
            each.name: strength(self.levels[each.name], self.answers, len(self.classes))
            for each in self.inputs
        }

    @cached_property
    def levels(self) -> dict[str, np.ndarray]:
        """The level of every sampled row in each plain input, int16 ``(sampled,)``; 0 is missing."""
        return {each.name: binned(self.sample[each.name]).astype(np.int16) for each in self.inputs}

    def codes(self, rows: np.ndarray) -> np.ndarray:
        """Class codes of these rows of the frame, int64; a class outside the sample counts as the first."""
        assert self.target is not None
        words = self.frame[self.target.name].gather(pl.Series(rows)).cast(pl.String)
        known = {name: code for code, name in enumerate(self.classes)}
        return words.replace_strict(known, default=0, return_dtype=pl.Int64).to_numpy()

    def without(self, schema: Schema) -> Case:
        """The same rows under a schema in which other columns are inputs."""
        return replace(self, schema=schema)

    def rows(self, places: np.ndarray) -> tuple[int, ...]:
        """Row numbers as read, of rows of the frame; the first hundred."""
        return tuple(int(each) for each in self.numbered(places[:SHOWN_ROWS]))

    def numbered(self, places: np.ndarray) -> np.ndarray:
        return places if self.numbers is None else self.numbers[places]

    def detail(self, code: str, column: str | None, places: np.ndarray, **facts: Any) -> None:
        """Keeps the rows behind a finding, with facts per row: given, likely, score, twin."""
        rows = pl.DataFrame({"row": self.numbered(places).astype(np.int64)})
        extra = [pl.Series(name, values) for name, values in facts.items()]
        said = rows.with_columns(*extra, finding=pl.lit(code), column=pl.lit(column, dtype=pl.String))
        self.details.append(said)


# A check answers with what it found; it never raises.
Check = Callable[[Case], Iterator[Finding]]


def some(count: int, one: str, many: str) -> str:
    """``some(2, "row", "rows")`` → "2 rows"."""
    return f"{count:,} {one if count == 1 else many}"


def listed(names: list[str], most: int = 8) -> str:
    """Names in quotes, shortened."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(repr(name) for name in names[:most]) + more


def places(mask: pl.Series) -> np.ndarray:
    """Where a mask is true; null is not."""
    return np.flatnonzero(mask.fill_null(False).to_numpy())


def _only(schema: Schema, target: str) -> Schema:
    """The schema with one of its targets, the others ignored."""
    for each in schema.with_role("target"):
        schema = schema if each.name == target else schema.replace(each.name, role="ignored")
    return schema
