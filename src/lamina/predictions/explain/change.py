"""What would change the answer: the fewest columns, and of those the least change, that bring another one.

A counterfactual (Wachter et al. 2018, "Counterfactual explanations without opening the black box") over the
columns that somebody can change: first every change of one column is tried, then of two together, and so on;
what brings the wanted answer is then drawn back as near as possible to what the row holds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from math import comb

import numpy as np
import polars as pl

from lamina.errors import UsageError
from lamina.predictions.explain.candidates import Candidates, Rule, candidates_of
from lamina.predictions.explain.goals import Goal, Wanted, goal_of
from lamina.predictions.explain.reading import Reader, Rows
from lamina.predictions.explain.records import Change, Counterfactual
from lamina.progress import Bar
from lamina.training.fitted import Fitted

MOST_COLUMNS = 4  # changed together
MOST_TRIED = 20_000  # answers per number of columns changed together
LEAST_VALUES = 4  # per column: with more columns than that allows, the most promising are taken
STEPS = 32  # between what a row holds and what it changes to
FINER = 2  # times that the step in which the answer changes is divided again
ROUNDS = 2  # in which every changed column is drawn back
PATIENCE = 2.0  # seconds before a progress bar appears
DRAWN_BACK = 24  # of the found changes, the cheapest


@dataclass
class Search:
    """One row, its goal, and how many answers were looked at."""

    reader: Reader
    row: Rows
    goal: Goal
    columns: list[Candidates]
    tried: int = 0
    together: int = 0  # columns changed at once, at most so far
    thinned: bool = False
    watch: Callable[[int], None] = lambda tried: None
    lacks: list[float] = field(default_factory=list)  # the least lack that each column alone leaves

    def lack(self, chosen: Mapping[str, pl.Series]) -> np.ndarray:
        """How far the answer is from the goal with these cells in place of the row's own."""
        frame = pl.DataFrame([cells.alias(name) for name, cells in chosen.items()])
        self.tried += frame.height
        self.watch(self.tried)
        return self.goal.lack(self.reader.changed(self.row, frame))


@dataclass(frozen=True)
class Found:
    """Values for some columns, what they cost together, and how far the answer stays from the goal."""

    values: dict[str, pl.Series]
    cost: float
    lack: float


def counterfactual(
    fitted: Fitted,
    frame: pl.DataFrame,
    row: int,
    *,
    changeable: Mapping[str, Rule] | Sequence[str],
    wanted: Wanted | None,
    of: str | None,
) -> Counterfactual:
    """``frame`` is conformed; see ``Model.counterfactual``."""
    rules = dict(changeable) if isinstance(changeable, Mapping) else dict.fromkeys(changeable)
    if not rules:
        raise UsageError("No column may change.", "Name those that may: changeable=['price', 'plan'].")
    reader = Reader(fitted)
    own = reader.rows(frame[row])
    now = reader.answers(own)
    goal = goal_of(fitted.target, wanted, of, now[0])
    search = Search(reader, own, goal, candidates_of(reader.features, frame, row, rules))
    if goal.lack(now)[0] <= 0:
        return _record(search, row, now, Found({}, 0.0, 0.0), "the answer is the wanted one")
    with Bar("searching", MOST_TRIED * min(MOST_COLUMNS, len(search.columns)), after=PATIENCE) as bar:
        search.watch = bar.at
        return _record(search, row, now, _least(search, float(goal.lack(now)[0])), "")


def _least(search: Search, lack: float) -> Found:
    """The least change that reaches the goal, or the one that comes nearest to it; ``lack`` without any."""
    nearest = Found({}, 0.0, lack)
    for count in range(1, min(MOST_COLUMNS, len(search.columns)) + 1):
        search.together = count
        reached, best = _together(search, count)
        if reached:
            return min((_drawn_back(search, each) for each in reached), key=lambda each: each.cost)
        nearest = min(nearest, best, key=lambda each: each.lack)
    return nearest


def _together(search: Search, count: int) -> tuple[list[Found], Found]:
    """Changes of so many columns together that reach the goal, the cheapest first, and the one that comes
    nearest to it."""
    reached, nearest = list[Found](), Found({}, np.inf, np.inf)
    for columns, places in _grids(search, count):
        if not len(places):
            continue
        chosen = {each.column: each.values[places[:, k]] for k, each in enumerate(columns)}
        costs = sum(each.costs[places[:, k]] for k, each in enumerate(columns))
        lacks = search.lack(chosen)
        if count == 1:
            search.lacks.append(float(lacks.min()))
        good = np.flatnonzero(lacks <= 0)
        for at in [*good[np.argsort(costs[good], kind="stable")][:DRAWN_BACK], int(lacks.argmin())]:
            found = Found(
                {name: cells[int(at) : int(at) + 1] for name, cells in chosen.items()},
                float(costs[at]),
                float(lacks[at]),
            )
            if found.lack <= 0:
                reached.append(found)
            nearest = min(nearest, found, key=lambda each: each.lack)
    reached.sort(key=lambda each: each.cost)
    return reached[:DRAWN_BACK], nearest


def _grids(search: Search, count: int) -> Iterator[tuple[list[Candidates], np.ndarray]]:
    """Every choice of so many columns, with all combinations of their candidates ``(n, count)``; fewer of
    them where they would be more than ``MOST_TRIED``."""
    columns = search.columns
    most = None
    if count > 1 and _combined([len(each) for each in columns], count) > MOST_TRIED:
        search.thinned = True
        columns = _promising(search, count)
        most = max(LEAST_VALUES, int((MOST_TRIED / comb(len(columns), count)) ** (1 / count)))
    for group in combinations(columns, count):
        axes = [_spread_out(len(each), most) for each in group]
        yield list(group), np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, count)


def _combined(sizes: Sequence[int], count: int) -> int:
    """How many ways there are to choose so many of the columns, and a value for each: the elementary
    symmetric polynomial of their sizes."""
    ways = [1] + [0] * count
    for size in sizes:
        for chosen in range(count, 0, -1):
            ways[chosen] += size * ways[chosen - 1]
    return ways[count]


def _promising(search: Search, count: int) -> list[Candidates]:
    """As many columns as may be tried together, those first that by themselves come nearest to the goal."""
    width = len(search.columns)
    while width > count and comb(width, count) * LEAST_VALUES**count > MOST_TRIED:
        width -= 1
    filled = [each for each in search.columns if len(each)]
    order = np.argsort(search.lacks, kind="stable")[:width]
    return [filled[k] for k in sorted(order)]


def _spread_out(size: int, most: int | None) -> np.ndarray:
    if most is None or size <= most:
        return np.arange(size)
    return np.unique(np.linspace(0, size - 1, most).round().astype(np.int64))


def _drawn_back(search: Search, found: Found) -> Found:
    """The same columns with numbers nearer to the row's own, where the answer stays the wanted one."""
    columns = [each for each in search.columns if each.column in found.values]
    values = dict(found.values)
    for _ in range(ROUNDS if len(columns) > 1 else 1):
        for column in columns:
            if column.numbers is not None:
                values[column.column] = _nearest(search, column, values)
    return Found(values, sum(each.cost(values[each.column][0]) for each in columns), 0.0)


def _nearest(search: Search, column: Candidates, values: Mapping[str, pl.Series]) -> pl.Series:
    """The cell of one column nearest to the row's own that still brings the answer; the others stay."""
    low, cell = column.nearest, values[column.column]
    for _ in range(FINER):
        tried = column.between(low, column.scale(cell[0]), STEPS)
        cells = column.cells(tried)
        chosen = {name: each.new_from_index(0, len(cells)) for name, each in values.items()}
        good = np.flatnonzero(search.lack({**chosen, column.column: cells}) <= 0)
        if not len(good):  # rounding: keep what is known to bring it
            return cell
        first = int(good[0])
        low, cell = (tried[first - 1] if first else low), cells[first : first + 1]
    return cell


def _record(search: Search, row: int, now: np.ndarray, found: Found, why: str) -> Counterfactual:
    after = now
    if found.values:
        after = search.reader.changed(search.row, pl.DataFrame(list(found.values.values())))
    of = {each.column: each for each in search.columns}
    changes = tuple(
        Change(column=name, before=of[name].before, after=cell[0]) for name, cell in found.values.items()
    )
    return Counterfactual(
        row=row, target=search.goal.target, wanted=search.goal.wanted, before=search.goal.told(now[0]),
        after=search.goal.told(after[0]), found=found.lack <= 0, changes=changes, distance=found.cost,
        tried=search.tried, why=why or _searched(search),
    )  # fmt: skip


def _searched(search: Search) -> str:
    columns = len(search.columns)
    which = f"up to {search.together} of {columns} columns changed" if columns > 1 else "one column changed"
    thin = ", of several together not at every value" if search.thinned else ""
    return f"{search.tried:,} answers looked at, {which}{thin}"
