"""One column as the rules see it, and what a rule finds in it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import polars as pl

from lamina.data.parse import MISSING_TEXT, is_missing, to_text

ID_WORDS = frozenset({"id", "ids", "uuid", "guid", "pk", "index", "idx", "identifier", "unnamed"})


@dataclass(frozen=True)
class Reading:
    """What a rule found: a kind, the reason, how to read the cells; ``useless`` is no input."""

    kind: str
    why: str
    unit: str | None = None
    form: dict[str, Any] = field(default_factory=dict)
    useless: bool = False


@dataclass(frozen=True)
class Column:
    """One raw column as the rules see it. ``wide``: the table has more than a few columns."""

    name: str
    values: pl.Series
    sample: pl.Series
    wide: bool

    @cached_property
    def words(self) -> tuple[str, ...]:
        """The words of the name: ``customerID`` → customer, id."""
        spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", self.name)
        return tuple(word for word in re.split(r"[^a-zà-ÿ]+", spaced.lower()) if word)

    @cached_property
    def text(self) -> pl.Series:
        """The filled cells of the sample as stripped text."""
        texts = to_text(self.sample).str.strip_chars()
        return texts.filter(~is_missing(texts, MISSING_TEXT))

    @cached_property
    def distinct(self) -> int:
        """Distinct filled cells: of the column where the sample shows many, else of the sample."""
        in_sample = self.text.n_unique()
        if len(self.sample) == len(self.values) or in_sample <= 0.2 * len(self.text):
            return in_sample
        return self.values.drop_nulls().n_unique()

    @cached_property
    def filled(self) -> int:
        """How many cells the count of distinct ones refers to."""
        if len(self.sample) == len(self.values) or self.distinct == self.text.n_unique():
            return len(self.text)
        return len(self.values) - self.values.null_count()

    @property
    def share(self) -> float:
        """Distinct cells per filled cell: 1 where all differ."""
        return self.distinct / max(self.filled, 1)

    @property
    def is_text(self) -> bool:
        """Whether the raw cells are text."""
        return self.values.dtype == pl.String

    @cached_property
    def whole(self) -> bool:
        """Whether all filled cells of the sample are whole numbers, however typed."""
        if self.sample.dtype.is_integer():
            return True
        if self.sample.dtype.is_float() or self.sample.dtype.is_decimal():
            numbers = self.sample.cast(pl.Float64).fill_nan(None).drop_nulls()
            return bool(numbers.is_finite().all() and (numbers == numbers.round()).all())
        return len(self.text) > 0 and bool(self.text.str.contains(r"^[+-]?\d+(\.0+)?$").all())

    def named(self, words: frozenset[str]) -> bool:
        """Whether the name ends with (for ids also: begins with) one of these words."""
        if not self.words:
            return False
        return self.words[-1] in words or (words is ID_WORDS and self.words[0] in words)
