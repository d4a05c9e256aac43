"""The networks of a store as ONNX graphs, for whoever answers without torch."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import polars as pl

from lamina.errors import ExportError, LaminaWarning, MissingExtraError
from lamina.store.opened import Opened

if TYPE_CHECKING:
    from lamina.store.files import Parts
    from lamina.training.fitted import Fitted

SETTING: Final = "onnx"  # of the log: whether champions are written as graphs, too


def with_graph(opened: Opened, parts: Parts, rows: pl.DataFrame | None) -> Parts:
    """A model with its graph, where the store is set to hold them so; it is held against torch on ``rows``,
    where all columns are there.

    Where no graph can be made this is warned of, and the model is as it was: torch answers for it.
    """
    fitted, baseline, validation = parts
    if opened.log.setting(SETTING) is not True or fitted.onnx is not None:
        return parts
    from lamina.predictions.exported import as_onnx

    try:
        onnx = as_onnx(fitted, rows_read(fitted, rows), "rows that were learnt from")
    except (ExportError, MissingExtraError) as error:
        warnings.warn(f"{error.problem} Torch answers for it. {error.remedy}", LaminaWarning, stacklevel=2)
        return parts
    return replace(fitted, onnx=onnx), baseline, validation


def rows_read(fitted: Fitted, rows: pl.DataFrame | None) -> pl.DataFrame | None:
    """The rows, if they have all columns that the network reads."""
    names = {name for feature in fitted.features for name in feature.columns}
    return rows if rows is not None and names <= set(rows.columns) else None
