"""From rows to comparisons: medians over seeds, the best single peer, ranks, differences with their noise."""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

Row = dict[str, Any]
SINGLE = ("linear", "mlp", "histgb", "lightgbm", "lightgbm-es", "catboost", "xgboost")
LESS_IS_BETTER = ("rmse", "log_loss")
LEVEL = {"rmse": 0.005}  # differences that are noise: a share for errors, points for the others
LEVEL_POINTS = 0.002


@dataclass(frozen=True)
class Spread:
    """Median and extremes of some seeds."""

    median: float
    low: float
    high: float
    count: int

    @classmethod
    def of(cls, values: Iterable[float]) -> Spread:
        found = sorted(values)
        return cls(statistics.median(found), found[0], found[-1], len(found))


def measured(rows: Iterable[Row], suite: str) -> dict[tuple[str, str], list[Row]]:
    """(set, peer) → its rows, one per seed; those that failed or are absent are left out."""
    out: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        if row["suite"] == suite and "scores" in row:
            out[row["set"], row["peer"]].append(row)
    return out


def ended_otherwise(rows: Iterable[Row]) -> list[tuple[str, str, str, str, str]]:
    """Suite, set, peer, "failed" or "absent", and the reason, each once."""
    found = {
        (row["suite"], row["set"], row["peer"], word, row[word])
        for row in rows
        for word in ("failed", "absent")
        if word in row
    }
    return sorted(found)


def gain(mine: float, other: float, score: str) -> float:
    """How far ``mine`` is ahead: points, for errors the share of the other's error. Below 0: behind."""
    return 1 - mine / other if score in LESS_IS_BETTER else mine - other


def better(score: str) -> Any:
    return min if score in LESS_IS_BETTER else max


def medians(found: dict[tuple[str, str], list[Row]], name: str) -> dict[str, float]:
    """Peer → median score on a set."""
    return {
        peer: statistics.median(row["scores"][row["score"]] for row in rows)
        for (each, peer), rows in found.items()
        if each == name
    }


@dataclass(frozen=True)
class Against:
    """A peer beside another, or beside the best of several, on one set."""

    name: str
    score: str
    mine: float
    other: float
    who: str

    @property
    def gain(self) -> float:
        return gain(self.mine, self.other, self.score)

    @property
    def level(self) -> bool:
        """Level or ahead."""
        return self.gain >= -LEVEL.get(self.score, LEVEL_POINTS)


def against(found: dict[tuple[str, str], list[Row]], mine: str, others: Iterable[str]) -> list[Against]:
    """For every set on which both have been measured: ``mine`` beside the best of the others."""
    out = []
    for name in dict.fromkeys(name for name, _ in found):
        told = medians(found, name)
        known = {peer: told[peer] for peer in others if peer in told and peer != mine}
        if mine in told and known:
            score = found[name, mine][0]["score"]
            who = better(score)(known, key=known.__getitem__)
            out.append(Against(name, score, told[mine], known[who], who))
    return out


# ------------------------------------------------------------------------------------- small tables


def draws(rows: Iterable[Row]) -> dict[tuple[str, str], list[tuple[str, dict[str, float]]]]:
    """(set, size) → for every draw the score's name and peer → value, without peers that failed there."""
    small = [row for row in rows if row["suite"] == "small" and "values" in row]
    out: dict[tuple[str, str], list[tuple[str, dict[str, float]]]] = {}
    for row in small:
        for size, values in row["values"].items():
            places = out.setdefault((row["set"], size), [])
            for draw, value in enumerate(values):
                while len(places) <= draw:
                    places.append((row["score"], {}))
                if value is not None:
                    places[draw][1][row["peer"]] = value
    return out


def mean_ranks(rows: Iterable[Row]) -> dict[str, dict[str, float]]:
    """Size → peer → mean rank over sets and draws, among the peers that answered all of them."""
    found = draws(rows)
    out = {}
    for size in dict.fromkeys(size for _, size in found):
        trials = [trial for (_, each), some in found.items() if each == size for trial in some]
        everywhere = sorted(set.intersection(*(set(told) for _, told in trials)))
        ranks = [_ranks([told[peer] for peer in everywhere], score) for score, told in trials]
        out[size] = {
            peer: statistics.fmean(rank[place] for rank in ranks) for place, peer in enumerate(everywhere)
        }
    return out


def _ranks(values: list[float], score: str) -> list[float]:
    """1 is best; equals share their ranks."""
    signed = values if score in LESS_IS_BETTER else [-value for value in values]
    return [
        1 + sum(other < value for other in signed) + (sum(other == value for other in signed) - 1) / 2
        for value in signed
    ]


def beside_linear(rows: Iterable[Row], peer: str) -> list[tuple[str, str, float, float, int]]:
    """Set, size, mean gain over the linear model on the same draws, its standard error, draws."""
    out = []
    for (name, size), trials in draws(rows).items():
        gains = [
            gain(told[peer], told["linear"], score)
            for score, told in trials
            if peer in told and "linear" in told
        ]
        if len(gains) > 1:
            error = statistics.stdev(gains) / math.sqrt(len(gains))
            out.append((name, size, statistics.fmean(gains), error, len(gains)))
    return out
