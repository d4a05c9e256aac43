"""Which columns are series, vectors, sets and places, and how their cells are read."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import lamina
from lamina.data import lists as of_lists
from lamina.data.conform import conform
from lamina.data.infer import infer
from lamina.data.lists import ListForm, parse_numbers, parse_words
from lamina.data.table import Table
from lamina.errors import ColumnError, UsageError
from lamina.records import Field

ROWS = 120
RNG = np.random.default_rng(0)
COLOURS = ["red", "blue", "green", "black", "white"]


def field(cells: Any, **arguments: Any) -> Field:
    frame = pl.DataFrame({"c": cells, "beside": RNG.normal(size=len(cells))}, strict=False)
    return infer(Table(frame, "table.csv"), **arguments)["c"]


def draws(names: list[str], least: int = 1, most: int = 4) -> list[list[str]]:
    return [RNG.permutation(names)[: RNG.integers(least, most)].tolist() for _ in range(ROWS)]


def numbers(pattern: str, places: int) -> list[str]:
    return [pattern.format(*row) for row in RNG.normal(size=(ROWS, places)).round(2)]


def every(*cells: Any) -> list[Any]:
    return [cells[row % len(cells)] for row in range(ROWS)]


# ------------------------------------------------------------------------------------------- which kind


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (numbers("[{}, {}, {}]", 3), "vector"),
        (numbers("{};{};{}", 3), "vector"),
        ([cell.replace(".", ",") for cell in numbers("{};{};{}", 3)], "vector"),
        ([str(row) for row in RNG.normal(size=(ROWS, 12))], "vector"),  # as numpy writes them
        (RNG.normal(size=(ROWS, 30)).tolist(), "vector"),
        (pl.Series(RNG.normal(size=(ROWS, 5))), "vector"),
        (RNG.normal(size=(ROWS, 30)).cumsum(1).tolist(), "series"),
        ([str(row.tolist()) for row in RNG.normal(size=(ROWS, 30)).cumsum(1)], "series"),
        ([RNG.normal(size=row % 7 + 2).tolist() for row in range(ROWS)], "series"),
        ([RNG.integers(0, 9, row % 9).tolist() for row in range(ROWS)], "series"),
        (every("[]", "[1]", "[2, 3]"), "series"),
        (["[" + "1, " * 20_000 + f"{row}]" for row in range(4)] * 5, "series"),
        (["|".join(words) for words in draws(COLOURS)], "set"),
        (["; ".join(words) for words in draws(COLOURS)], "set"),
        ([", ".join(words) for words in draws(COLOURS)], "set"),
        ([str(words) for words in draws(COLOURS, 0)], "set"),
        (draws(COLOURS, 0), "set"),
        (["|".join(words) for words in draws([str(n) for n in range(100, 120)])], "set"),
        ([[int(word) for word in words] for words in draws([str(n) for n in range(20)])], "set"),
        (every("Paris, France", "Lyon, France", "Bern, Switzerland", "Basel, Switzerland"), "category"),
        ([f"{a}, {b}" for a, b in zip(every("Smith", "Lee", "King"), every("Ann", "Di"), strict=True)],
         "category"),
        (every("1.2.3", "1.2.4", "2.0.0"), "category"),
        ([f"{number:,}" for number in RNG.integers(10**9, 10**10, ROWS)], "number"),
        ([f"{row} Main St, Springfield, IL" for row in range(ROWS)], "text"),
    ],
)  # fmt: skip
def test_cells_with_several_values(cells: Any, kind: str):
    found = field(cells)
    assert (found.kind, found.role) == (kind, "input"), found.why


@pytest.mark.parametrize(
    "cells",
    [
        pl.Series([[]] * ROWS, dtype=pl.List(pl.Float64)),
        pl.Series([[]] * ROWS, dtype=pl.List(pl.String)),
        [[float("nan"), float("inf")]] * ROWS,
        ["[]"] * ROWS,
        [[{"a": 1}]] * ROWS,
        [[[1.0], [2.0]]] * ROWS,
    ],
)
def test_cells_that_say_nothing_or_hold_tables_are_no_input(cells: Any):
    assert field(cells).role == "ignored"


def test_records_in_a_cell_become_columns():
    schema = lamina.schema({"c": [{"a": row, "b": "x" if row % 2 else "y"} for row in range(ROWS)]})
    assert {each.name for each in schema} == {"c.a", "c.b"}


def test_the_reason_tells_the_lengths():
    assert "3 to 8 numbers" in field([RNG.normal(size=row % 6 + 3).tolist() for row in range(ROWS)]).why


@pytest.mark.parametrize("kind", ["number", "flag", "date", "category", "text", "place"])
def test_a_list_is_no_single_value(kind: str):
    with pytest.raises(UsageError, match="cannot be read as kind") as refused:
        field(RNG.normal(size=(ROWS, 3)).tolist(), kinds={"c": kind})
    assert "category" not in refused.value.remedy


def test_a_vector_has_an_end():
    cells = [[0.0] * (of_lists.LONGEST_VECTOR + 1)] * 20
    assert field(cells).kind == "series"
    with pytest.raises(UsageError, match="cannot be read as kind 'vector'"):
        field(cells, kinds={"c": "vector"})


# --------------------------------------------------------------------------------------- over columns


def wide(values: np.ndarray, stem: str = "x") -> pl.DataFrame:
    return pl.DataFrame({f"{stem}{place + 1}": column for place, column in enumerate(values.T)})


def kinds_of(frame: pl.DataFrame, **arguments: Any) -> set[str]:
    return {each.kind for each in infer(Table(frame, "t"), **arguments)}


def test_columns_in_an_order_are_one_series():
    walks = wide(RNG.normal(size=(ROWS, 30)).cumsum(1))
    assert kinds_of(walks) == {"series"}
    assert kinds_of(walks, kinds={"x7": "number"}) == {"number"}


@pytest.mark.parametrize("common", [0.0, 2.0])
def test_thirty_numbered_measurements_stay_numbers(common: float):
    cells = RNG.normal(size=(ROWS, 30)) + common * RNG.normal(size=(ROWS, 1))
    assert kinds_of(wide(cells)) == {"number"}
    assert kinds_of(wide(cells), kinds={"x1": "series"}) == {"series"}


def test_a_column_alone_is_no_series():
    with pytest.raises(UsageError, match="one number per cell"):
        kinds_of(wide(RNG.normal(size=(ROWS, 1))), kinds={"x1": "series"})


# --------------------------------------------------------------------------------------------- places


def degrees(*names: str) -> pl.DataFrame:
    return pl.DataFrame({name: 8 + row + RNG.normal(size=ROWS) for row, name in enumerate(names)})


@pytest.mark.parametrize(
    "names",
    [
        *(("lat", "lon"), ("Latitude", "Longitude"), ("start_lng", "start_lat"), ("geo_y", "geo_x")),
        *(("pickupLatitude", "pickupLongitude"), ("lat1", "lon1")),
    ],
)
def test_latitude_and_longitude_are_a_place(names: tuple[str, ...]):
    assert kinds_of(degrees(*names)) == {"place"}


@pytest.mark.parametrize(
    "names", [("lat", "size"), ("x", "y"), ("location_x", "location_y"), ("from_lat", "to_lon")]
)
def test_other_pairs_are_numbers(names: tuple[str, ...]):
    assert kinds_of(degrees(*names)) == {"number"}


def test_degrees_beyond_the_earth_are_numbers():
    assert kinds_of(degrees("lat", "lon") * 100) == {"number"}


def test_a_kind_of_one_holds_for_the_pair():
    assert kinds_of(degrees("lat", "lon"), kinds={"lat": "number"}) == {"number"}
    assert kinds_of(degrees("lat", "lon") * 100, kinds={"lon": "place"}) == {"place"}
    assert kinds_of(degrees("a", "b"), kinds={"a": "place", "b": "place"}) == {"place"}
    with pytest.raises(UsageError, match="'place' alone"):
        kinds_of(degrees("a", "b"), kinds={"a": "place"})


def test_a_target_is_no_half_of_a_place():
    found = infer(Table(degrees("lat", "lon", "size"), "t"), target="lat")
    assert found["lon"].kind == "number"


# ------------------------------------------------------------------------------------------ reading cells

LISTS = st.lists(st.none() | st.floats(-1e9, 1e9).map(lambda number: round(number, 3)), max_size=6)


@given(st.lists(st.none() | LISTS, min_size=1, max_size=12), st.sampled_from([",", ";", "|", " "]))
def test_lists_of_numbers_survive_writing(cells: list[list[float | None] | None], mark: str):
    def write(cell: list[float | None]) -> str:
        return "[" + mark.join("nan" if each is None else str(each) for each in cell) + "]"

    texts = pl.Series("c", [None if cell is None else write(cell) for cell in cells], dtype=pl.String)
    assert parse_numbers(texts, ListForm(separator=mark)).to_list() == cells


@given(
    st.lists(st.none() | st.lists(st.sampled_from([*COLOURS, "ä ö"]), max_size=6, unique=True), min_size=1)
)
def test_sets_survive_writing(cells: list[list[str] | None]):
    texts = pl.Series("c", [None if cell is None else str(cell) for cell in cells], dtype=pl.String)
    typed = pl.Series("c", cells, dtype=pl.List(pl.String))
    assert parse_words(texts, ListForm()).to_list() == cells
    assert parse_words(typed, ListForm()).to_list() == cells


def test_what_lists_hold_besides():
    cells = pl.Series("c", ["[1, inf, nan]", "one, 2", "5", "", "[]", None, "[1,,2]"])
    assert parse_numbers(cells, ListForm()).to_list() == [
        *([1.0, None, None], None, [5.0], None, [], None, [1.0, None, 2.0])
    ]
    fixed = parse_numbers(cells, ListForm(length=3)).to_list()
    assert [None if cell is None else len(cell) for cell in fixed] == [3, None, None, None, None, None, 3]
    words = pl.Series("c", ["a|b|a", " a | ", "", "n/a", None, "['x'|'y']"])
    assert parse_words(words, ListForm(separator="|")).to_list() == [
        *(["a", "b"], ["a"], None, None, None, ["x", "y"])
    ]


def test_numbers_as_names_are_the_same_however_typed():
    whole, floats = pl.Series([[28, 12]]), pl.Series([[28.0, 12.0]])
    text = pl.Series(["28|12"])
    read = [parse_words(cells, ListForm(separator="|")).to_list() for cells in (whole, floats, text)]
    assert read == [[["28", "12"]]] * 3


def test_a_cell_too_long_is_not_read(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(of_lists, "MOST_BYTES", 10)
    monkeypatch.setattr(of_lists, "MOST_WORDS", 2)
    assert parse_numbers(pl.Series(["[1, 2]", "[1, 2, 3, 4]"]), ListForm()).to_list() == [[1.0, 2.0], None]
    assert parse_words(pl.Series(["a,b,c"]), ListForm()).to_list() == [["a", "b"]]


def test_unreadable_cells_are_counted_and_a_column_of_them_is_refused():
    schema = infer(Table(pl.DataFrame({"c": numbers("[{}, {}, {}]", 3)}), "t"))
    some = Table(pl.DataFrame({"c": ["[1, 2, 3]", "[1, 2, 3]", "[1, 2]"]}), "t")
    frame, findings = conform(some, schema, need_target=False)
    assert frame["c"].null_count() == 1
    assert [(each.code, each.count) for each in findings] == [("unreadable", 1)]
    assert conform(Table(pl.DataFrame({"c": [[1.0, 2.0, 3.0]]}), "t"), schema, need_target=False)
    with pytest.raises(ColumnError, match="lists of 3 numbers"):
        conform(Table(pl.DataFrame({"c": ["red", "blue"]}), "t"), schema, need_target=False)
