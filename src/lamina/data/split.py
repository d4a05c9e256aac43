"""Rows to learn from, and rows held back to judge what was learnt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl

from lamina.catalog import ANSWERS
from lamina.errors import ColumnError, UsageError
from lamina.records import Schema

How = Literal["auto", "random", "group", "time"]

ENOUGH = 400  # rows held back, from which on half of them is never learnt from
QUANTILES = 10  # a number is held back evenly over so many parts of its range


@dataclass(frozen=True)
class Split:
    """Row numbers, int64 and sorted; together they are all rows, each once. ``why`` is printed."""

    train: np.ndarray
    validation: np.ndarray
    how: str
    why: str


def kept_apart(parts: Split, seed: int) -> np.ndarray:
    """Of the rows held back those that no part of training may learn from: on them probabilities are made
    honest. Half of them, by chance; all where groups are kept whole; none where they are few."""
    rows = parts.validation
    if parts.how == "group" or len(rows) < ENOUGH:
        return rows if parts.how == "group" else rows[:0]
    return np.sort(np.random.default_rng((seed, 1)).permutation(rows)[: len(rows) // 2])


def split(
    frame: pl.DataFrame,
    schema: Schema,
    *,
    answer: str,
    share: float,
    seed: int,
    how: How = "auto",
) -> Split:
    """Holds ``share`` (0 to 1, exclusive) of the rows of a conformed frame back.

    "auto" keeps groups whole where a field has the role group, holds the latest rows back where
    one has the role time, and else draws evenly over the classes or over the range of the number, of several
    targets the first one's; ``answer`` is what kind that is.
    The same frame, share and seed give the same split. At least one row stays to learn from.

    Raises ``UsageError`` for a share that cannot be, or "group" and "time" without such a field;
    ``ColumnError`` where time or group is empty.
    """
    if not 0 < share < 1:
        raise UsageError(
            f"The share of rows to hold back is {share}.",
            "Give a number between 0 and 1.",
            share=share,
        )
    if frame.height < 2:
        return _made(frame.height, np.empty(0, np.int64), "none", "too few rows to hold any back")
    rng = np.random.default_rng(seed)
    group, time = _name(schema, "group"), _name(schema, "time")
    if how == "group" or (how == "auto" and group is not None):
        return _by_group(frame, _required(group, "group"), share, rng)
    if how == "time" or (how == "auto" and time is not None):
        return _by_time(frame, _required(time, "time"), share)
    target = _name(schema, "target")
    if how == "random" or target is None:
        return _randomly(frame.height, share, rng)
    kind = ANSWERS[answer].kind
    if kind == "category":
        return _by_class(frame[target], share, rng)
    if kind == "number":
        return _by_quantile(frame[target], share, rng)
    return _randomly(frame.height, share, rng)


def _name(schema: Schema, role: Literal["group", "time", "target"]) -> str | None:
    return next((field.name for field in schema.with_role(role)), None)


def _required(name: str | None, role: str) -> str:
    """The field of a role that the caller asked to split by."""
    if name is None:
        raise UsageError(
            f"A split by {role} was asked for, but no column has the role {role!r}.",
            f"Name one with roles={{'…': '{role}'}}, or split at random.",
            role=role,
        )
    return name


def _made(rows: int, validation: np.ndarray, how: str, why: str) -> Split:
    """The split that holds these rows back."""
    held = np.zeros(rows, dtype=bool)
    held[validation] = True
    return Split(np.flatnonzero(~held), np.flatnonzero(held), how, why)


def _wanted(rows: int, share: float) -> int:
    """How many rows to hold back: at least one, and never all."""
    return min(max(round(rows * share), 1), rows - 1)


def _randomly(rows: int, share: float, rng: np.random.Generator) -> Split:
    held = rng.permutation(rows)[: _wanted(rows, share)]
    return _made(rows, held, "random", f"{share:.0%} of the rows, drawn at random")


def _codes(values: pl.Series) -> np.ndarray:
    """Values as whole numbers in order of first appearance; missing is a value too. ``(row,)``."""
    return values.to_frame("value").select(pl.col("value").rank("dense").fill_null(0)).to_numpy()[:, 0]


def _stratified(strata: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """Rows to hold back, the same share of every stratum; each keeps at least one row.

    The rows are shuffled, lined up by stratum and cut at even distances, so that the shares of
    small strata add up to the whole as well.
    """
    order = rng.permutation(len(strata))
    order = order[np.argsort(strata[order], kind="stable")]
    lined = strata[order]
    first = np.r_[True, lined[1:] != lined[:-1]]
    able = np.flatnonzero(~first)  # the first row of each stratum always stays
    count = min(_wanted(len(strata), share), len(able))
    if count == 0:
        return np.empty(0, np.int64)
    places = ((np.arange(count) + rng.random()) * len(able) / count).astype(np.int64)
    return order[able[np.minimum(places, len(able) - 1)]]


def _by_class(answers: pl.Series, share: float, rng: np.random.Generator) -> Split:
    held = _stratified(_codes(answers), share, rng)
    return _made(len(answers), held, "stratified", f"{share:.0%} of the rows of every class")


def _by_quantile(answers: pl.Series, share: float, rng: np.random.Generator) -> Split:
    """Even over the range of the answers, so that rare extremes are on both sides."""
    rows = len(answers)
    parts = max(min(QUANTILES, rows // 5), 1)
    ranks = answers.cast(pl.Float64).rank("ordinal").fill_null(1).to_numpy() - 1
    strata = (ranks * parts // rows).astype(np.int64)
    held = _stratified(strata, share, rng)
    return _made(rows, held, "random", f"{share:.0%} of the rows, even over the range of the answer")


def _by_group(frame: pl.DataFrame, name: str, share: float, rng: np.random.Generator) -> Split:
    """Whole groups, until the share is reached; rows without a group are one group each."""
    _refuse_empty(frame, name)
    codes = _codes(frame[name]).astype(np.int64)
    alone = codes == 0
    codes[alone] = codes.max() + 1 + np.arange(int(alone.sum()))
    _, codes, sizes = np.unique(codes, return_inverse=True, return_counts=True)
    if len(sizes) < 2:
        why = f"all rows have the same {name!r}, so none can be held back without splitting it"
        return _made(frame.height, np.empty(0, np.int64), "group", why)
    order = rng.permutation(len(sizes))
    total = np.cumsum(sizes[order])
    count = int(np.argmin(np.abs(total - share * frame.height))) + 1
    chosen = order[: min(count, len(sizes) - 1)]
    held = np.flatnonzero(np.isin(codes, chosen))
    why = f"{len(chosen):,} of {len(sizes):,} groups by {name!r}; no group is on both sides"
    return _made(frame.height, held, "group", why)


def _by_time(frame: pl.DataFrame, name: str, share: float) -> Split:
    """The latest rows; rows without a time are learnt from. Equal times stay on one side."""
    _refuse_empty(frame, name)
    times = frame[name].to_physical().cast(pl.Float64).fill_null(-np.inf).to_numpy()
    cut = np.sort(times)[frame.height - _wanted(frame.height, share)]
    held = times >= cut
    if held.all():
        held = times > cut
    why = f"the latest rows by {name!r} ({held.mean():.0%}), as the model will be used on later ones"
    return _made(frame.height, np.flatnonzero(held), "time", why)


def _refuse_empty(frame: pl.DataFrame, name: str) -> None:
    if frame[name].null_count() == frame.height:
        raise ColumnError(
            f"Column {name!r}, which the rows are to be split by, has no value in any row.",
            "Fill it, or take its role away.",
            column=name,
        )
