"""How much to order, bake or keep ready: the newsvendor's question, asked of quantiles.

Demand is taken to be spread evenly between the quantiles that a network gives; outside the outermost ones it
goes on at the same pace, never below zero. The expected cost of a quantity is then exact, and convex: the
best multiple of a pack lies beside the best quantity (Arrow, Harris & Marschak 1951, "Optimal inventory
policy")."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lamina.errors import UsageError


@dataclass(frozen=True)
class Demand:
    """The distribution of every row's demand: ``values`` ``(rows, level)`` at the ``levels`` 0 … 1."""

    levels: np.ndarray
    values: np.ndarray

    @classmethod
    def of(cls, levels: Sequence[float], quantiles: np.ndarray) -> Demand:
        """From quantiles ``(rows, level)``; the ends are drawn on to the levels 0 and 1."""
        if len(levels) < 2:
            raise UsageError(
                f"Quantities need at least two quantiles, and the model gives {len(levels)}.",
                'Fit it with lamina.Predict("units", quantiles=(0.05, 0.25, 0.5, 0.75, 0.95)).',
            )
        at, q = np.array(levels, np.float64), np.maximum.accumulate(quantiles.astype(np.float64), axis=1)
        first = q[:, 0] - at[0] * (q[:, 1] - q[:, 0]) / (at[1] - at[0])
        last = q[:, -1] + (1 - at[-1]) * (q[:, -1] - q[:, -2]) / (at[-1] - at[-2])
        values = np.maximum(np.column_stack([first, q, last]), 0.0)
        return cls(np.array([0.0, *at, 1.0]), values)

    def at(self, level: np.ndarray) -> np.ndarray:
        """The demand that is not exceeded with the probability ``level`` ``(rows,)``."""
        place = np.clip(np.searchsorted(self.levels, level, side="right") - 1, 0, len(self.levels) - 2)
        rows = np.arange(len(self.values))
        low, high = self.values[rows, place], self.values[rows, place + 1]
        share = (level - self.levels[place]) / (self.levels[place + 1] - self.levels[place])
        found: np.ndarray = low + share * (high - low)
        return found

    def left_over(self, quantity: np.ndarray) -> np.ndarray:
        """Expected units left, ``E max(q - D, 0)``: a parabola in every interval between quantiles."""
        low, high = self.values[:, :-1], self.values[:, 1:]
        q = np.clip(quantity[:, None], low, high)
        wide = np.maximum(high - low, 1e-12)
        inside = (q - low) ** 2 / (2 * wide) + np.maximum(quantity[:, None] - high, 0.0)
        found: np.ndarray = (np.diff(self.levels) * inside).sum(1)
        return found

    def mean(self) -> np.ndarray:
        """Expected demand."""
        found: np.ndarray = (np.diff(self.levels) * (self.values[:, :-1] + self.values[:, 1:]) / 2).sum(1)
        return found

    def cost(self, quantity: np.ndarray, over: np.ndarray, under: np.ndarray) -> np.ndarray:
        """Expected cost of having ``quantity``: ``over`` per unit left, ``under`` per unit that was
        missing."""
        left = self.left_over(quantity)
        missing = self.mean() - quantity + left
        cost: np.ndarray = over * left + under * missing
        return cost


@dataclass(frozen=True)
class Order:
    """What to order for every row, what that costs on average, and how often it will be enough."""

    quantity: np.ndarray
    expected_cost: np.ndarray
    service: np.ndarray


def best_orders(
    demand: Demand,
    over: np.ndarray,
    under: np.ndarray,
    *,
    stock: np.ndarray | float = 0.0,
    pack: float = 1.0,
    minimum: float = 0.0,
    service: float | None = None,
) -> Order:
    """The order of every row with the least expected cost.

    ``over`` and ``under`` ``(rows,)`` are costs per unit, ``stock`` what is there already; orders are
    multiples of ``pack`` and either nothing or at least ``minimum``. With ``service`` demand is met at least
    with that probability, whatever it costs. Raises UsageError for numbers that cannot be."""
    if not (np.all(over > 0) and np.all(under > 0) and pack > 0 and minimum >= 0):
        raise UsageError(
            "What too much and too little cost, and the pack, are above zero; a minimum is not below.",
            "Correct the numbers.",
        )
    if service is not None and not 0 < service < 1:
        raise UsageError(f"A service level of {service} cannot be.", "Give a share between 0 and 1.")
    have = np.broadcast_to(np.asarray(stock, np.float64), over.shape)
    level = under / (over + under)
    floor = np.zeros_like(have) if service is None else demand.at(np.full(len(over), service))
    wanted = np.maximum(np.maximum(demand.at(level), floor) - have, 0.0)
    least = np.ceil(minimum / pack - 1e-9) * pack
    lower, upper = np.floor(wanted / pack) * pack, np.ceil(wanted / pack - 1e-9) * pack
    offers = [np.zeros_like(wanted), np.maximum(lower, least), np.maximum(upper, least)]
    costs = [demand.cost(have + each, over, under) for each in offers]
    short = [have + each < floor - 1e-9 for each in offers]
    costs = [np.where(bad, np.inf, cost) for bad, cost in zip(short, costs, strict=True)]
    best = np.argmin(costs, axis=0)
    quantity = np.choose(best, offers)
    total = have + quantity
    return Order(quantity, demand.cost(total, over, under), _enough(demand, total))


def _enough(demand: Demand, total: np.ndarray) -> np.ndarray:
    """The probability that demand is not above ``total``."""
    low, high = demand.values[:, :-1], demand.values[:, 1:]
    share = np.clip((total[:, None] - low) / np.maximum(high - low, 1e-12), 0.0, 1.0)
    share = np.where(high <= low, (total[:, None] >= high).astype(float), share)
    found: np.ndarray = (np.diff(demand.levels) * share).sum(1)
    return found
