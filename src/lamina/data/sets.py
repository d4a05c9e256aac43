"""Which text columns hold several words per cell: "red|blue", "a; b; c", "cheese, ham".

Commas and semicolons also stand in sentences, names ("Smith, John") and places ("Paris, France"). What tells
a set from those: its parts come back in other cells, beside other parts, in other positions.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import polars as pl

from lamina.data.columns import Column, Reading
from lamina.data.lists import LOOKED_AT, ListForm, parse_words
from lamina.data.parse import MISSING_TEXT, levels

FEW_CELLS: Final = 6  # distinct cells: fewer are told apart well enough as categories
MARKED: Final = 0.2  # share of the rows that must hold the mark
MOST_PARTS: Final = 64  # per cell in the middle; more are no tags
LONG_PART: Final = 40  # characters of a part in the middle; longer ones are sentences
# mark → (share of the parts that other cells hold too, share of parts that move), by how seldom it means a
# sentence
_MARKS: Final = {"|": (0.5, 0.0), ";": (0.5, 0.0), "\n": (0.6, 0.1), ",": (0.7, 0.25), "/": (0.8, 0.25)}


def detect_words(sample: pl.Series) -> tuple[ListForm, str] | None:
    """The form of a text column whose cells are sets of words, and the evidence in words, else ``None``."""
    if sample.dtype != pl.String:
        return None
    cells = levels(sample, MISSING_TEXT).head(LOOKED_AT)
    if cells.height < FEW_CELLS:
        return None
    for mark, (again, moving) in _MARKS.items():
        rows, marked = cells["rows"].to_numpy(), cells["text"].str.contains(mark, literal=True).to_numpy()
        if rows[marked].sum() >= MARKED * rows.sum():
            form = ListForm(separator=mark)
            why = _recombined(parse_words(cells["text"], form), again, moving)
            if why is not None:
                return form, why
    return None


def _recombined(lists: pl.Series, again: float, moving: float) -> str | None:
    """The evidence that the parts of these distinct cells recombine, or ``None``."""
    lengths = lists.list.len()
    parts = _placed(lists)
    if parts.is_empty() or np.median(lengths.drop_nulls().to_numpy()) > MOST_PARTS:
        return None
    if np.median(parts["part"].str.len_chars().to_numpy()) > LONG_PART:
        return None
    each = parts.group_by("part").agg(
        uses=pl.len(),
        # a part that always stands first (a city) or last (its country) says what it is by its place
        moves=(pl.col("start").n_unique() > 1) & (pl.col("end").n_unique() > 1),
    )
    uses, moves = each["uses"].to_numpy(), each["moves"].to_numpy()
    repeated, moved = uses[uses > 1].sum() / uses.sum(), uses[moves].sum() / uses.sum()
    enough = repeated >= again and moved >= moving and len(each) < min(len(lists), 1 + uses.sum() / 2)
    loose = lengths.n_unique() > 1 or moved >= 0.25  # two parts in fixed places are two columns in one
    if not enough or not loose:
        return None
    return f"{each.height:,} different parts in {len(lists):,} combinations"


def numbers_as_names(lists: pl.Series) -> str | None:
    """The evidence that these lists of numbers, of several lengths, are sets of names ("28|12|878"): whole
    numbers, none of them twice in a cell, the same ones in many cells. ``None`` where they are amounts.
    """
    lists = lists.filter(lists.list.len() > 0)
    numbers = lists.explode()
    whole = not numbers.has_nulls() and bool((numbers == numbers.round()).all())
    if not whole or (lists.list.n_unique() < lists.list.len()).any():
        return None
    names = lists.list.eval(pl.element().cast(pl.Int64, strict=False).cast(pl.String)).unique()
    why = _recombined(names, *_MARKS[","]) if len(names) >= FEW_CELLS else None
    return None if why is None else f"numbers that are names: {why}"


def _placed(lists: pl.Series) -> pl.DataFrame:
    """Every part of every cell with its position from the start and from the end."""
    frame = (
        pl.DataFrame({"cell": pl.Series(range(len(lists))), "part": lists}).explode("part").drop_nulls("part")
    )
    start = pl.int_range(pl.len()).over("cell")
    return frame.with_columns(start=start, end=pl.len().over("cell") - 1 - start)


def read_set(column: Column) -> Reading | None:
    """A text column whose cells are sets of words."""
    found = detect_words(column.sample)
    if found is None:
        return None
    form, why = found
    shown = {"\n": "line breaks"}.get(form.separator, f"{form.separator!r}")
    return Reading("set", f"several values between {shown}: {why}", form=words_form(form))


def guess_words(sample: pl.Series) -> ListForm | None:
    """The likeliest mark of a column that the user calls a set: the one in most cells."""
    if sample.dtype != pl.String:
        return None
    rows = {mark: int(sample.str.contains(mark, literal=True).sum()) for mark in _MARKS}
    best = max(rows, key=lambda mark: rows[mark])
    return ListForm(separator=best) if rows[best] else None


def words_form(form: ListForm) -> dict[str, Any]:
    """The form as plain data for the schema."""
    return {"separator": form.separator}
