"""Rows that occur more than once, and what that does to a split."""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from typing import Final

import numpy as np
import polars as pl

from lamina.data.doctor.case import PLAIN, Case, some
from lamina.records import Finding

MOST_ROWS: Final = 5_000_000  # beyond this the search for copies costs more than it tells
BY_CHANCE: Final = 10  # times as many copies as chance makes are no chance
REMEDY: Final = (
    "If they are mistakes, remove them; if rows belong together, name the column that says so with the "
    "role group."
)


def copies(case: Case) -> Iterator[Finding]:
    """Whole rows that repeat, and those of them on both sides of the split."""
    names = _comparable(case, ("input", "target", "time", "group", "weight"))
    if not names or case.frame.height > MOST_ROWS:
        return
    hashes = case.frame.select(names).hash_rows(seed=0)
    first = _first_rows(hashes)
    repeated = np.flatnonzero(first != np.arange(len(first)))
    if not len(repeated):
        return
    across = _across(first, case.held_out)
    by_chance = _by_chance(case, names, len(repeated))
    case.detail("duplicates", None, repeated, twin=case.numbered(first[repeated]))
    yield Finding(
        severity="warning" if len(repeated) >= case.frame.height / 10 and not by_chance else "note",
        code="duplicates",
        rows=case.rows(repeated),
        count=len(repeated),
        message=f"{some(len(repeated), 'row is a copy', 'rows are copies')} of an earlier one. Copies in "
        "both the learning and the checking rows make a model look better than it is."
        + (" With so few different values, chance alone makes about as many." if by_chance else ""),
        remedy=REMEDY,
    )
    if len(across):
        yield _split_finding(case, across, by_chance)


def _split_finding(case: Case, across: np.ndarray, by_chance: bool) -> Finding:
    share = len(across) / len(case.held_out)
    return Finding(
        severity="warning" if share >= 0.01 and not by_chance else "note",
        code="duplicates-across-split",
        rows=case.rows(across),
        count=len(across),
        message=f"{len(across):,} of the {len(case.held_out):,} rows held back to judge the network "
        f"({share:.1%}) are copies of rows it learns from: these it need only remember.",
        remedy=REMEDY,
        effect="Validation scores fall a little, to what new rows will show.",
    )


def contradictions(case: Case) -> Iterator[Finding]:
    """Rows with the same inputs and different answers: no model can get all of them right."""
    if case.target is None or case.answer != "classes" or case.frame.height > MOST_ROWS:
        return
    names = _comparable(case, ("input",))
    if len(names) < 2 or len(names) < len(case.schema.with_role("input")):
        return
    pairs = case.frame.select(answer=case.target.name).with_columns(
        row=case.frame.select(names).hash_rows(seed=0)
    )
    kinds = pairs.select(pl.col("answer").n_unique().over("row"))["answer"].to_numpy()
    found = np.flatnonzero(kinds > 1)
    if not len(found) or _by_chance(case, names, len(found)):
        return
    case.detail("contradictions", case.target.name, found)
    yield Finding(
        severity="note",
        code="contradictions",
        column=case.target.name,
        rows=case.rows(found),
        count=len(found),
        message=f"{some(len(found), 'row', 'rows')} agree in every input with a row of another answer: one "
        "of the two is wrong, or a column that tells them apart is missing.",
        remedy="Look at the pairs; correct the wrong answers or bring the missing column.",
    )


def _comparable(case: Case, roles: tuple[str, ...]) -> list[str]:
    """Columns whose cells can be compared by their bytes; none where some cannot (pixels in cells)."""
    have = set(case.frame.columns)
    names = [f.name for f in case.schema if f.role in roles and f.name in have]
    nested = any(case.frame[name].dtype.is_nested() for name in names)
    return [] if nested or not case.schema.with_role("input") else names


def _first_rows(hashes: pl.Series) -> np.ndarray:
    """For every row the first row with the same hash. int64 ``(rows,)``."""
    frame = pl.DataFrame({"hash": hashes}).with_row_index("row")
    return frame.select(pl.col("row").first().over("hash"))["row"].cast(pl.Int64).to_numpy()


def _across(first: np.ndarray, held_out: np.ndarray) -> np.ndarray:
    """Rows held out of which a copy is among the others."""
    if not len(held_out):
        return held_out
    learnt = np.ones(len(first), bool)
    learnt[held_out] = False
    seen = np.zeros(len(first), bool)
    seen[first[learnt]] = True
    return held_out[seen[first[held_out]]]


def _by_chance(case: Case, names: list[str], repeated: int) -> bool:
    """Whether columns with few values make about so many copies by themselves, were they independent."""
    if len(names) < 2 or any(case.schema[name].kind not in PLAIN for name in names):
        return False

    def alike(name: str) -> float:
        counts = case.frame[name].value_counts(name="__rows__")["__rows__"].to_numpy()
        return float(((counts / counts.sum()) ** 2).sum())

    same = reduce(lambda product, name: product * alike(name), names, 1.0)
    rows = case.frame.height
    expected = rows * (1 - np.exp(-same * rows / 2))  # rows with an earlier copy
    return bool(repeated <= BY_CHANCE * expected)
