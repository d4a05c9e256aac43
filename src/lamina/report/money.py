"""What decisions are worth on these rows, and how that turns with a threshold or with one of the costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from lamina.decisions.costs import Costs
from lamina.decisions.of_model import Rows, judged_worths, what_if
from lamina.decisions.worth import Money, by_threshold, money
from lamina.features.targets.classes import ClassTarget

if TYPE_CHECKING:
    from lamina.training.fitted import Fitted

THRESHOLDS: Final = np.linspace(0.0, 1.0, 51)
FACTORS: Final = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0)  # by which a cost is tried
MOST_VARIED: Final = 2  # costs that are tried


@dataclass(frozen=True)
class Varied:
    """One amount of the table of costs, tried: ``made`` by deciding, for each of ``amounts``."""

    action: str
    name: str
    amount: float
    amounts: tuple[float, ...]
    made: tuple[float, ...]


@dataclass(frozen=True)
class MoneyFacts:
    """``left_out`` rows have an answer that the model does not know; ``curve`` is the money that every
    threshold of ``THRESHOLDS`` makes, where there are two classes."""

    costs: Costs
    money: Money
    curve: tuple[float, ...]
    varied: tuple[Varied, ...]
    left_out: int


def money_facts(fitted: Fitted, raw: pl.DataFrame, frame: pl.DataFrame, costs: Costs) -> MoneyFacts:
    """For rows with known answers. Raises UsageError where the costs do not fit the model."""
    known = np.ones(frame.height, bool)
    if isinstance(fitted.target, ClassTarget):
        known = fitted.target.encode(frame) >= 0
    rows = Rows(raw.filter(known), frame.filter(known))
    worth, truth, groups = judged_worths(fitted, rows, costs, ())
    own = np.arange(len(truth))
    curve: tuple[float, ...] = ()
    if len(worth.classes) == 2:
        curve = tuple(
            float(worth.each[own, by_threshold(worth, t, (), groups), truth].sum()) for t in THRESHOLDS
        )
    return MoneyFacts(
        costs=costs,
        money=money(worth, truth, (), groups),
        curve=curve,
        varied=tuple(_varied(fitted, rows, costs, *each) for each in _amounts(costs)[:MOST_VARIED]),
        left_out=int((~known).sum()),
    )


def _amounts(costs: Costs) -> Sequence[tuple[str, str, float]]:
    """Plain numbers of the table that are not zero, those of actions that are taken first."""
    found = []
    for action, row in reversed(list(costs.table.items())):
        for name, amount in row.items():
            try:
                value = float(amount)
            except ValueError:
                continue
            if value:
                found.append((str(action), str(name), value))
    return found


def _varied(fitted: Fitted, rows: Rows, costs: Costs, action: str, name: str, amount: float) -> Varied:
    amounts = [amount * factor for factor in FACTORS]
    told = what_if(fitted, rows, costs, (action, name), amounts, ())
    return Varied(action, name, amount, tuple(amounts), tuple(told["made"].to_list()))
