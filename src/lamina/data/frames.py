"""Data in memory: frames of any library, lists and dicts, numpy arrays; and the way back."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import narwhals as nw
import numpy as np
import polars as pl

from lamina.errors import TableError, UsageError

MOST_SHOWN = 5  # names used twice, and places of each, in an error


def is_frame(source: object) -> bool:
    """Whether the source is data in memory (and not a path or a list of paths)."""
    if isinstance(source, pl.DataFrame | pl.LazyFrame | Mapping | np.ndarray):
        return True
    if isinstance(source, Sequence) and not isinstance(source, str | bytes):
        return bool(source) and isinstance(source[0], Mapping)
    return _narwhals(source) is not None


def _narwhals(source: Any) -> Any:
    """The source as narwhals sees it, or ``None``."""
    native = nw.from_native(source, pass_through=True)
    return native if isinstance(native, nw.DataFrame | nw.LazyFrame) else None


def to_frame(source: Any) -> pl.DataFrame:
    """Data in memory → polars, values unchanged; column names become text, a pandas index goes.

    Takes pandas, polars (also lazy), pyarrow, whatever narwhals takes; a dict of lists; a list of
    dicts; a numpy array of shape (rows, columns), whose columns are named x0, x1, …

    Raises ``TableError`` for a name used twice or columns of unequal length, ``UsageError`` for
    anything else.
    """
    if isinstance(source, pl.LazyFrame):
        return source.collect()
    if isinstance(source, pl.DataFrame):
        return source
    if isinstance(source, Mapping):
        return from_columns(source)
    if isinstance(source, np.ndarray):
        return _from_array(source)
    if isinstance(source, Sequence) and source and isinstance(source[0], Mapping):
        return from_records(source)
    return _from_native(source)


def _from_native(source: Any) -> pl.DataFrame:
    """A frame of another library through narwhals."""
    labels = getattr(source, "columns", None)
    if labels is None:
        labels = []
    elif hasattr(source, "column_names"):
        labels = source.column_names
    names = [str(label) for label in labels]
    check_names(names, "the frame")
    if names and names != list(labels):
        # pandas names columns by numbers, too; a shallow copy, so that the caller's frame stays.
        source = source.set_axis(names, axis=1)
    native = _narwhals(source)
    if native is None:
        raise UsageError(
            f"A {type(source).__name__} is no table.",
            "Give a path, a pandas, polars or Arrow frame, a dict of lists, a list of dicts, "
            "or a numpy array of two dimensions.",
        )
    if isinstance(native, nw.LazyFrame):
        native = native.collect()
    if native.implementation.is_pandas():
        return pl.DataFrame([_from_pandas(native.to_native()[name], name) for name in names])
    return native.to_polars()  # type: ignore[no-any-return]


def _from_pandas(series: Any, name: str) -> pl.Series:
    """One pandas column; objects of mixed types become text, missing stays missing."""
    if str(series.dtype) == "category":
        series = series.astype(series.cat.categories.dtype)
    if str(series.dtype) in ("object", "str", "string"):
        missing = series.isna().to_numpy()
        values = [None if gone else value for value, gone in zip(series, missing, strict=True)]
        return _column(name, values)
    if type(series.dtype).__module__.startswith("numpy") and series.dtype.kind in "iufb":
        return pl.Series(name, series.to_numpy())
    return nw.from_native(series, series_only=True).to_polars().alias(name)  # type: ignore[no-any-return]


def _column(name: str, values: Sequence[Any]) -> pl.Series:
    """A column of Python values: one type where they agree, numbers together, else text."""
    try:
        return pl.Series(name, values, strict=True)
    except (TypeError, pl.exceptions.PolarsError, OverflowError):
        kinds = {type(value) for value in values if value is not None}
    if all(issubclass(kind, int | float | np.number) and kind is not bool for kind in kinds):
        return pl.Series(name, [None if v is None else _float(v) for v in values], dtype=pl.Float64)
    return pl.Series(name, [_text(value) for value in values], dtype=pl.String)


def _float(value: Any) -> float:
    """A number as float; whole numbers beyond all floats are infinite."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _text(value: Any) -> str | None:
    """A Python value as text; nested ones as JSON."""
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, default=str) if isinstance(value, dict | list) else str(value)


def from_columns(columns: Mapping[Any, Any], name: str = "the dict") -> pl.DataFrame:
    """A dict of lists → frame. Raises ``TableError`` naming columns of unequal length."""
    check_names([str(key) for key in columns], name)
    lists = {str(key): _values(column) for key, column in columns.items()}
    lengths = {key: len(values) for key, values in lists.items()}
    usual = Counter(lengths.values()).most_common(1)[0][0] if lengths else 0
    odd = {key: length for key, length in lengths.items() if length != usual}
    if odd:
        shown = ", ".join(f"{key!r} has {length:,}" for key, length in odd.items())
        raise TableError(
            f"The columns of {name} differ in length: {shown}, the others have {usual:,}.",
            "Give every column one value per row; None where there is none.",
            lengths=lengths,
        )
    return pl.DataFrame([
        _column(key, values) if isinstance(values, list | tuple) else pl.Series(key, values)
        for key, values in lists.items()
    ])  # fmt: skip


def _values(column: Any) -> Any:
    """A column of a dict: sized things stay, a single value becomes a list of one."""
    if isinstance(column, np.ndarray | pl.Series | list | tuple):
        return column
    if isinstance(column, str | bytes) or not hasattr(column, "__iter__"):
        return [column]
    return list(column)


def from_records(records: Sequence[Mapping[Any, Any]], name: str = "the list") -> pl.DataFrame:
    """A list of dicts → frame; a key that a record lacks is null there.

    Raises ``TableError`` where an item is no dict.
    """
    for place, record in enumerate(records):
        if not isinstance(record, Mapping):
            raise TableError(
                f"Item {place} of {name} is a {type(record).__name__}, the first is a dict.",
                "Give a list of dicts only.",
                row=place,
            )
    keys = list(dict.fromkeys(key for record in records for key in record))
    return from_columns({key: [record.get(key) for record in records] for key in keys}, name)


def _from_array(array: np.ndarray[Any, Any]) -> pl.DataFrame:
    """A numpy array (rows, columns) → x0, x1, …; a structured array keeps its names."""
    if array.dtype.names is not None:
        return from_columns({name: array[name] for name in array.dtype.names})
    if array.ndim != 2:
        raise UsageError(
            f"A numpy array of {array.ndim} dimensions is no table: shape {array.shape}.",
            "Give an array of shape (rows, columns); reshape(-1, 1) makes one column.",
        )
    if array.dtype == object:
        return from_columns({f"x{n}": array[:, n].tolist() for n in range(array.shape[1])})
    return pl.DataFrame([pl.Series(f"x{n}", array[:, n]) for n in range(array.shape[1])])


def check_names(names: Sequence[str], source: str) -> None:
    """Raises ``TableError`` naming every column name that is used twice, and its positions."""
    places: dict[str, list[int]] = {}
    for place, name in enumerate(names, 1):
        places.setdefault(name, []).append(place)
    twice = {name: at for name, at in places.items() if len(at) > 1}
    if not twice:
        return
    shown = "; ".join(f"{name!r} is column {_listed(at)}" for name, at in list(twice.items())[:MOST_SHOWN])
    if len(twice) > MOST_SHOWN:
        shown += f"; and {len(twice) - MOST_SHOWN:,} more names"
    raise TableError(
        f"{source} uses a column name twice: {shown}.",
        "Rename the columns so that every name stands once.",
        source=source,
        columns=twice,
    )


def _listed(places: Sequence[int]) -> str:
    more = f" and {len(places) - MOST_SHOWN:,} more" if len(places) > MOST_SHOWN else ""
    return " and column ".join(map(str, places[:MOST_SHOWN])) + more


def like(result: pl.DataFrame, original: Any) -> Any:
    """The result in the type the caller brought.

    pandas → pandas (with the caller's index where the rows agree), pyarrow → pyarrow, dict → dict
    of lists, list of dicts → list of dicts, otherwise polars.
    """
    if isinstance(original, Mapping):
        return result.to_dict(as_series=False)
    if isinstance(original, Sequence) and not isinstance(original, str | bytes):
        return result.to_dicts() if original and isinstance(original[0], Mapping) else result
    native = None if isinstance(original, np.ndarray) else _narwhals(original)
    if isinstance(native, nw.DataFrame):
        if native.implementation.is_pandas():
            return _to_pandas(result, original)
        if native.implementation.is_pyarrow():
            return result.to_arrow()
    return result


def _to_pandas(result: pl.DataFrame, original: Any) -> Any:
    """A pandas frame; column by column, so that pyarrow is not needed."""
    import pandas as pd

    index = original.index if len(original) == result.height else None
    columns = {
        series.name: pd.Series(
            series.to_numpy() if not series.null_count() and series.dtype.is_numeric()
            else series.to_list(),
            index=index,
        )
        for series in result.get_columns()
    }  # fmt: skip
    return pd.DataFrame(columns, index=index)
