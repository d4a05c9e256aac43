"""What every action costs when this or that turns out to be true."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import polars as pl

from lamina.data.dialect import NAME
from lamina.data.read import read
from lamina.decisions.formula import Formula, check_columns
from lamina.errors import UsageError, nearest

ASK: Final = "ask a person"
MOST_ACTIONS: Final = 50


@dataclass(frozen=True)
class Costs:
    """A small table: for every action, and every class that may be true, what it costs. A gain is a negative
    cost. Amounts are numbers or formulas of the row's columns (``decisions/formula.py``).

    The first action is what happens if nobody decides anything. With ``ask`` a further action is to ask a
    person, who finds the truth with the probability ``ask_right`` and then does what is cheapest; where the
    person errs, what is best without asking happens.

    >>> Costs({"let pass": {"genuine": 0, "fraud": "amount"}, "block": {"genuine": 5, "fraud": 0}}).actions
    ('let pass', 'block')
    """

    table: Mapping[str, Mapping[str, str | float]]
    ask: str | float | None = None
    ask_right: float = 1.0
    formulas: dict[tuple[str, str], Formula] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not 1 <= len(self.table) <= MOST_ACTIONS:
            raise UsageError(
                f"The table of costs has {len(self.table)} actions.",
                f"Give from one to {MOST_ACTIONS} of them.",
            )
        if ASK in self.table or not 0 < self.ask_right <= 1:
            raise UsageError(
                f"Asking a person is told by `ask` (what it costs) and `ask_right` (0 to 1, here "
                f"{self.ask_right}), not by an action {ASK!r}.",
                "Write ask=5.0, for example.",
            )
        named = {tuple(map(str, row)) for row in self.table.values()}
        if len({frozenset(each) for each in named}) > 1:
            raise UsageError(
                "The actions of the table of costs name different classes.",
                "Give every action an amount for every class.",
            )
        parsed = {(str(a), str(c)): Formula.of(v) for a, row in self.table.items() for c, v in row.items()}
        object.__setattr__(self, "formulas", parsed)

    @classmethod
    def from_csv(cls, path: str | Path, *, ask: str | float | None = None, ask_right: float = 1.0) -> Self:
        """From a file (CSV, or any table that is read) whose first column names the actions and whose other
        columns are the classes. Raises UsageError where it is no such table."""
        frame = _named(read(path).frame.with_columns(pl.all().cast(pl.String)))
        if frame.width < 2 or not frame.height:
            raise UsageError(
                f"{path} is no table of costs: it has {frame.width} columns and {frame.height} rows.",
                "Write a first column with the actions, and a column of amounts for every class.",
                path=str(path),
            )
        first, *classes = frame.columns
        table: dict[str, dict[str, str | float]] = {}
        for row in frame.iter_rows(named=True):
            action, empty = row[first], [name for name in classes if not (row[name] or "").strip()]
            if action is None or action in table or empty:
                what = "names no action" if action is None else f"names {action!r} again"
                what = f"has no amount for {empty[0]!r}" if empty else what
                raise UsageError(
                    f"A row of the table of costs {path} {what}.",
                    "Give every action one row, and in it an amount for every class.",
                    path=str(path),
                )
            table[action] = {name: row[name] for name in classes}
        return cls(table, ask, ask_right)

    @property
    def actions(self) -> tuple[str, ...]:
        """The actions of the table, and asking a person where that is possible."""
        return (*map(str, self.table), *((ASK,) if self.ask is not None else ()))

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes that the table names."""
        return tuple(map(str, next(iter(self.table.values()))))

    def columns(self) -> tuple[str, ...]:
        """The columns of a row that the amounts depend on."""
        every = [*self.formulas.values(), *([Formula.of(self.ask)] if self.ask is not None else [])]
        return tuple(dict.fromkeys(name for each in every for name in each.columns))

    def check(self, classes: Sequence[str], columns: Sequence[str]) -> None:
        """Raises UsageError where the table does not fit these classes of a model, or these columns."""
        for name in self.classes:
            if name not in classes:
                raise UsageError(
                    f"The table of costs names the class {name!r}, which the model does not know.",
                    nearest(name, classes),
                    value=name,
                )
        missing = [name for name in classes if name not in self.classes]
        if missing:
            raise UsageError(
                f"The table of costs has no amounts for the class {missing[0]!r}.",
                f"Give every action an amount for each of {', '.join(map(repr, classes))}.",
                value=missing[0],
            )
        every = [*self.formulas.values(), *([Formula.of(self.ask)] if self.ask is not None else [])]
        check_columns(every, list(columns))

    def amounts(self, rows: Mapping[str, np.ndarray], classes: Sequence[str], count: int) -> np.ndarray:
        """What every action of the table costs in every row under every class, float64 ``(rows, action,
        class)``.

        Raises UsageError where an amount is no number in some row.
        """
        found = np.empty((count, len(self.table), len(classes)))
        for a, action in enumerate(map(str, self.table)):
            for k, name in enumerate(classes):
                found[:, a, k] = _finite(self.formulas[action, name], rows, count)
        return found

    def asking(self, rows: Mapping[str, np.ndarray], count: int) -> np.ndarray:
        """What asking a person costs in every row, float64 ``(rows,)``."""
        return _finite(Formula.of(0.0 if self.ask is None else self.ask), rows, count)

    def replaced(self, action: str, name: str, amount: str | float) -> Costs:
        """The table with another amount in one place."""
        table = {a: dict(row) for a, row in self.table.items()}
        if action not in table or name not in table[action]:
            where = nearest(action, table) if action not in table else nearest(name, table[action])
            raise UsageError(f"The table of costs has no amount for {action!r} and {name!r}.", where)
        table[action][name] = amount
        return Costs(table, self.ask, self.ask_right)

    def to_json(self) -> dict[str, Any]:
        return {
            "table": {a: dict(row) for a, row in self.table.items()},
            "ask": self.ask,
            "ask_right": self.ask_right,
        }


def _named(frame: pl.DataFrame) -> pl.DataFrame:
    """Classes such as 0 and 1, or <=50K, look like numbers: where the first row was taken for one of amounts,
    it names the columns."""
    if not frame.height or frame.columns != [NAME.format(place) for place in range(1, frame.width + 1)]:
        return frame
    names = [(cell or "").strip() for cell in frame.row(0)]
    return (
        frame[1:].rename(dict(zip(frame.columns, names, strict=True)))
        if len({*names}) == len(names)
        else frame
    )


def _finite(formula: Formula, rows: Mapping[str, np.ndarray], count: int) -> np.ndarray:
    values = formula(rows, count)
    wrong = np.flatnonzero(~np.isfinite(values))
    if len(wrong):
        cells = {name: rows[name][wrong[0]] for name in formula.columns}
        raise UsageError(
            f"The amount {formula.text!r} is no number in {len(wrong):,} rows, first {wrong[0]}: {cells}.",
            "Fill the cells, or write an amount that does not need them.",
            formula=formula.text,
            rows=wrong[:100].tolist(),
        )
    return values
