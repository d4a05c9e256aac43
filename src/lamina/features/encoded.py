"""Rows that are kept as what the network reads of them: arrays in columns of their own, without the cells."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
import polars as pl

from lamina.features.base import Arrays

READ: Final = "_lamina.read."  # and the name of an array


def columns_of(arrays: Mapping[str, np.ndarray]) -> list[pl.Series]:
    """The arrays as columns of a frame, one each."""
    return [pl.Series(READ + name, each) for name, each in arrays.items()]


def is_encoded(frame: pl.DataFrame) -> np.ndarray:
    """Which rows hold arrays instead of cells, bool ``(rows,)``."""
    name = next((each for each in frame.columns if each.startswith(READ)), None)
    return np.zeros(frame.height, bool) if name is None else frame[name].is_not_null().to_numpy()


def with_encoded(frame: pl.DataFrame, transform: Callable[[pl.DataFrame], Arrays]) -> Arrays:
    """The arrays of all rows: of those that hold cells by ``transform``, of the others as they are."""
    done = is_encoded(frame)
    arrays = {} if done.all() else transform(frame.filter(pl.Series(~done)))
    held = [name for name in frame.columns if name.startswith(READ)]
    for column in held if done.any() else ():
        stored, name = frame[column].filter(pl.Series(done)).to_numpy(), column.removeprefix(READ)
        fresh = arrays.get(name, stored[:0])
        whole = np.zeros((frame.height, *fresh.shape[1:]), fresh.dtype)
        whole[done], whole[~done] = stored, fresh
        arrays[name] = whole
    return arrays
