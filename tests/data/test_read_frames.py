"""Data in memory, in and out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from lamina.data.frames import is_frame, like, to_frame
from lamina.data.read import read
from lamina.errors import TableError, UsageError

DATA = {"a": [1, 2, 3], "b": ["x", None, "z"]}
PANDAS = pd.DataFrame(DATA, index=[7, 8, 9])


@pytest.mark.parametrize(
    "source",
    [
        DATA,
        [{"a": 1, "b": "x"}, {"a": 2}, {"a": 3, "b": "z"}],
        pl.DataFrame(DATA),
        pl.LazyFrame(DATA),
        pa.table(DATA),
        PANDAS,
    ],
    ids=lambda source: type(source).__name__,
)
def test_all_give_the_same_table(source):
    assert is_frame(source)
    assert read(source).frame.to_dict(as_series=False) == DATA


def test_pandas_kinds_and_names():
    frame = pd.DataFrame(
        {
            0: [1.5, None],
            "when": pd.to_datetime(["2024-01-01", None]),
            "level": pd.Categorical(["lo", "hi"]),
            "mixed": [1, "x"],
            "whole": pd.array([1, None], dtype="Int64"),
            "flag": [True, False],
        }
    )
    got = to_frame(frame)
    assert got.columns == ["0", "when", "level", "mixed", "whole", "flag"]
    assert got["mixed"].to_list() == ["1", "x"]
    assert got["level"].to_list() == ["lo", "hi"]
    assert got["whole"].to_list() == [1, None]
    assert got["when"].dtype == pl.Datetime
    assert frame.columns[0] == 0, "the caller's frame must stay as it was"


def test_numpy():
    got = to_frame(np.array([[1.0, 2.0], [3.0, 4.0]]))
    assert got.rows() == [(1.0, 2.0), (3.0, 4.0)]
    assert got.columns == ["x0", "x1"]
    with pytest.raises(UsageError, match="3 dimensions"):
        to_frame(np.zeros((2, 2, 2)))


def test_what_is_no_table():
    assert not is_frame("a.csv")
    with pytest.raises(UsageError, match="int is no table"):
        read(5)
    with pytest.raises(TableError, match="'b' has 1, the others have 2"):
        to_frame({"a": [1, 2], "b": [1], "c": [3, 4]})
    with pytest.raises(TableError, match="'a' is column 1 and column 2"):
        to_frame(pd.DataFrame([[1, 2]], columns=["a", "a"]))
    with pytest.raises(TableError, match="Item 1"):
        to_frame([{"a": 1}, 5])


def test_back_in_the_type_the_caller_brought():
    result = pl.DataFrame({"p": [0.5, None, 1.0], "c": ["x", "y", "z"]})
    assert like(result, DATA) == result.to_dict(as_series=False)
    assert like(result, [{"a": 1}]) == result.to_dicts()
    assert isinstance(like(result, pa.table(DATA)), pa.Table)
    assert like(result, "file.csv") is result
    assert like(result, pl.DataFrame(DATA)) is result
    assert like(result, np.zeros((3, 2))) is result
    back = like(result, PANDAS)
    assert isinstance(back, pd.DataFrame)
    assert list(back.index) == [7, 8, 9]
    assert back["p"].isna().tolist() == [False, True, False]
