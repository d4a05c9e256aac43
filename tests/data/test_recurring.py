"""What is read once for every distinct value is what would be read cell by cell."""

from __future__ import annotations

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from lamina.data.cells import read_column
from lamina.data.parse import MANY, MISSING, MISSING_TEXT, by_level, is_missing, recurring
from lamina.records import Field

WORDS = ("?", " na ", "N/A", "3.0", "3", " blue", "Blue", "", "none", "\u00a0")
CELLS = st.one_of(st.none(), st.sampled_from(WORDS), st.text(max_size=4))


def long(cells: list[str | None]) -> pl.Series:
    return pl.Series("cells", cells * (MANY // len(cells) + 1), dtype=pl.String)


@settings(max_examples=60, deadline=None)
@given(cells=st.lists(CELLS, min_size=1, max_size=30), values=st.sampled_from(["text", "integer"]))
def test_distinct_values_are_read_as_all_cells_are(cells: list[str | None], values: str):
    column = long(cells)
    assert recurring(column) is not None
    field = Field(name="cells", kind="category", role="input", why="", form={"values": values})
    together, _ = read_column(column, field)
    alone = [read_column(column.slice(at, 1), field)[0][0] for at in range(len(cells))]
    assert together.head(len(cells)).to_list() == alone
    assert together.name == "cells"
    for markers in (MISSING, MISSING_TEXT):
        found = is_missing(column, markers)
        assert found.null_count() == 0
        assert found.head(len(cells)).to_list() == [
            is_missing(column.slice(at, 1), markers)[0] for at in range(len(cells))
        ]


def test_a_column_of_names_is_read_cell_by_cell():
    assert recurring(pl.Series([str(n) for n in range(MANY)])) is None
    assert recurring(pl.Series(["a"] * (MANY - 1))) is None


def test_what_needs_no_change_is_not_copied():
    asked: list[int] = []

    def read(values: pl.Series) -> pl.Series:
        asked.append(len(values))
        return values

    column = pl.Series(["a", "b"] * MANY)
    assert by_level(column, read) is column
    assert asked == [2]
