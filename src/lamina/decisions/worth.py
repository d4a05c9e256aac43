"""The money that decisions would have made on past rows, beside simpler ways to decide.

Beside: nothing is done (the first action of the table of costs); each action always; for two classes a
threshold on the probability at 0.5, and the best threshold on rows of their own (those trained on, say).
Every way obeys the same limits; thresholds give a scarce action to the most probable rows. Differences come
with intervals from resampled rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
import polars as pl

from lamina.decisions.decide import Worths, decided
from lamina.decisions.limits import Limit, best_actions

DRAWS = 1000  # of the bootstrap
TRIED = 201  # thresholds


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """One way to decide: the money it made, that per row, and the interval of 95 % of how much more the
    expected values made (``ahead``, with ``low`` and ``high``)."""

    name: str
    made: float
    per_row: float
    ahead: float
    low: float
    high: float


class Money(msgspec.Struct, frozen=True, kw_only=True):
    """What deciding by expected value made on rows with known answers, and the other ways beside it."""

    rows: int
    made: float
    low: float
    high: float
    policies: tuple[Policy, ...]
    actions: dict[str, int]


def money(
    worth: Worths,
    truth: np.ndarray,
    limits: Sequence[Limit],
    groups: Mapping[str, np.ndarray],
    *,
    threshold: float | None = None,
    seed: int = 0,
) -> Money:
    """The record for these rows; ``truth`` are class codes, ``threshold`` the best one elsewhere."""
    rows = np.arange(len(truth))
    chosen = decided(worth, limits, dict(groups))
    own = worth.each[rows, chosen, truth]
    draws = np.random.default_rng(seed).integers(0, len(rows), (DRAWS, len(rows)))
    resampled = own[draws].sum(1)
    ways = other_ways(worth, limits, groups, threshold)
    policies = []
    for name, actions in ways.items():
        made = worth.each[rows, actions, truth]
        ahead = (own - made)[draws].sum(1)
        policies.append(
            Policy(
                name=name,
                made=float(made.sum()),
                per_row=float(made.mean()),
                ahead=float((own - made).sum()),
                low=float(np.quantile(ahead, 0.025)),
                high=float(np.quantile(ahead, 0.975)),
            )
        )
    counts = np.bincount(chosen, minlength=len(worth.actions))
    return Money(
        rows=len(rows),
        made=float(own.sum()),
        low=float(np.quantile(resampled, 0.025)),
        high=float(np.quantile(resampled, 0.975)),
        policies=tuple(policies),
        actions=dict(zip(worth.actions, map(int, counts), strict=True)),
    )


def other_ways(
    worth: Worths, limits: Sequence[Limit], groups: Mapping[str, np.ndarray], threshold: float | None
) -> dict[str, np.ndarray]:
    """The actions of every row by simpler ways to decide, each within the limits."""
    rows = len(worth.expected)
    ways = {"nothing": np.zeros(rows, np.int64)}
    if not limits:
        ways |= {f"always {a}": np.full(rows, k) for k, a in enumerate(worth.actions) if k}
    if len(worth.classes) == 2:
        ways["threshold 0.5"] = by_threshold(worth, 0.5, limits, groups)
        if threshold is not None:
            ways[f"threshold {threshold:.3g}, the best elsewhere"] = by_threshold(
                worth, threshold, limits, groups
            )
    return ways


def by_threshold(
    worth: Worths, threshold: float, limits: Sequence[Limit], groups: Mapping[str, np.ndarray]
) -> np.ndarray:
    """The second class's best action where its probability reaches the threshold, else the first class's.

    Best is what makes most in the mean over these rows if that class is true. With limits the rows above it
    compete by their probability.
    """
    table = worth.each.mean(0)
    calm, alarm = int(table[:, 0].argmax()), int(table[:, 1].argmax())
    p = worth.chance[:, 1]
    wanted = np.full(worth.expected.shape, -1e6)
    wanted[:, calm] = 0.0
    wanted[:, alarm] = np.where(p >= threshold, p + 1.0, -1.0)
    return best_actions(wanted, worth.actions, limits, groups)


def best_threshold(
    worth: Worths, truth: np.ndarray, limits: Sequence[Limit], groups: Mapping[str, np.ndarray]
) -> float:
    """The threshold that makes most on these rows, of the quantiles of the probability."""
    rows = np.arange(len(truth))
    tried = np.unique(np.quantile(worth.chance[:, 1], np.linspace(0, 1, TRIED)))
    made = [worth.each[rows, by_threshold(worth, t, limits, groups), truth].sum() for t in tried]
    return float(tried[int(np.argmax(made))])


def lines(found: Money) -> list[str]:
    """The record in plain text, for people."""
    wide = max(len(each.name) for each in found.policies)
    told = [
        f"Deciding by expected value made {found.made:,.2f} on {found.rows:,} rows "
        f"({found.low:,.2f} to {found.high:,.2f}, 95 % interval).",
        "Actions: " + ", ".join(f"{name} {count:,}" for name, count in found.actions.items()),
        f"  {'instead':<{wide}}{'made':>16}{'less by':>16}  95 % interval",
    ]
    for each in found.policies:
        between = f"{each.low:,.2f} to {each.high:,.2f}"
        told.append(f"  {each.name:<{wide}}{each.made:>16,.2f}{each.ahead:>16,.2f}  {between}")
    return told


def as_frame(found: Money) -> pl.DataFrame:
    """A row per way to decide."""
    return pl.DataFrame([msgspec.to_builtins(each) for each in found.policies])
