"""From probabilities and costs to the action with the best expected value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from lamina.decisions.costs import ASK, Costs
from lamina.decisions.limits import Limit, best_actions


@dataclass(frozen=True)
class Worths:
    """What every action is worth in every row, money made (minus what it costs).

    ``expected`` ``(rows, action)`` by the probabilities; ``each`` ``(rows, action, class)`` if that class is
    the true one; ``chance`` the probabilities ``(rows, class)``."""

    actions: tuple[str, ...]
    classes: tuple[str, ...]
    expected: np.ndarray
    each: np.ndarray
    chance: np.ndarray

    def at(self, rows: np.ndarray) -> Worths:
        """Only these rows."""
        return Worths(self.actions, self.classes, self.expected[rows], self.each[rows], self.chance[rows])


def worths(costs: Costs, chance: np.ndarray, classes: Sequence[str], rows: dict[str, np.ndarray]) -> Worths:
    """The expected value of every action; asking a person is what the truth is worth, less what asking
    costs."""
    count = len(chance)
    each = -costs.amounts(rows, classes, count)
    expected = np.einsum("rak,rk->ra", each, chance)
    if costs.ask is not None:
        own = each[np.arange(count), expected.argmax(1)]
        told = costs.ask_right * each.max(1) + (1 - costs.ask_right) * own
        asked = told - costs.asking(rows, count)[:, None]
        each = np.concatenate([each, asked[:, None]], axis=1)
        expected = np.concatenate([expected, np.einsum("rk,rk->r", asked, chance)[:, None]], axis=1)
    return Worths(costs.actions, tuple(classes), expected, each, chance)


def decided(worth: Worths, limits: Sequence[Limit], groups: dict[str, np.ndarray]) -> np.ndarray:
    """The number of the action of every row."""
    return best_actions(worth.expected, worth.actions, limits, groups)


def decision_frame(
    worth: Worths, chosen: np.ndarray, known: np.ndarray, unlike: np.ndarray | None = None
) -> pl.DataFrame:
    """Action, its expected value, the runner-up and its, and the reason, a row each.

    Rows where ``known`` is false (nothing could be read) go to a person where one can be asked, else are
    null. Of rows ``unlike`` the training rows the reason says so: probabilities mean little there."""
    rows = np.arange(len(chosen))
    others = worth.expected.copy()
    others[rows, chosen] = -np.inf
    second = others.argmax(1)
    names = pl.Series(worth.actions, dtype=pl.String)
    fallback = ASK if ASK in worth.actions else None
    reasons = [
        _reason(worth, int(r), int(chosen[r]), int(second[r])) if known[r] else UNREADABLE for r in rows
    ]
    if unlike is not None:
        reasons = [
            f"{each}; {STRANGE}" if strange and known[row] else each
            for row, (each, strange) in enumerate(zip(reasons, unlike, strict=True))
        ]
    lone = len(worth.actions) < 2
    columns = {
        "action": names.gather(chosen),
        "expected_value": worth.expected[rows, chosen],
        "runner_up": pl.Series([None] * len(rows), dtype=pl.String) if lone else names.gather(second),
        "runner_up_value": np.full(len(rows), np.nan) if lone else others[rows, second],
        "reason": pl.Series(reasons, dtype=pl.String),
    }
    frame = pl.DataFrame(columns).with_columns(pl.col("runner_up_value").fill_nan(None))
    mask = pl.Series(known)
    return frame.with_columns(
        pl.when(mask).then(pl.col("action")).otherwise(pl.lit(fallback)).alias("action"),
        *(
            pl.when(mask).then(pl.col(name)).otherwise(None).alias(name)
            for name in ("expected_value", "runner_up", "runner_up_value")
        ),
    )


UNREADABLE = "nothing in this row could be read"
STRANGE = "but the row is unlike the training rows"


def _reason(worth: Worths, row: int, chosen: int, second: int) -> str:
    """The numbers that decide it: where the two best actions differ most, and how likely that is."""
    if len(worth.actions) < 2:
        return "the only action"
    apart = (worth.each[row, chosen] - worth.each[row, second]) * worth.chance[row]
    k = int(np.abs(apart).argmax())
    name, chance = worth.classes[k], worth.chance[row, k]
    first, other = worth.each[row, chosen, k], worth.each[row, second, k]
    words = (
        f"{name} with {chance:.1%}: then {worth.actions[chosen]} makes {first:,.2f}, "
        f"{worth.actions[second]} {other:,.2f}"
    )
    if worth.expected[row, chosen] < worth.expected[row, second]:
        words += "; a limit left no room for the better one"
    return words
