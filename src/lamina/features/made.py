"""Made rows as a network reads them: to try it on where no real ones are at hand; a model file holds none."""

from __future__ import annotations

import numpy as np
import polars as pl

from lamina.data.conform import conform
from lamina.data.frames import from_columns
from lamina.data.table import Table
from lamina.features.base import Arrays, Feature
from lamina.features.category import CategoryFeature
from lamina.features.features import Features
from lamina.features.set import SetFeature
from lamina.features.text import TextFeature
from lamina.records import Schema

MISSING = 0.1  # share of the numbers that are missing
WORDS = 30_522  # tokens that the pretrained encoder knows


def made_rows(features: Features, schema: Schema, rows: int, seed: int = 0) -> Arrays:
    """Arrays of ``rows`` rows by name; the first row has nothing but missing values, the others whatever a
    row may hold, known and unseen codes among it. The same seed gives the same rows."""
    rng = np.random.default_rng(seed)
    made: Arrays = {}
    for each in features:
        missing = each.transform(_missing(each, schema, rows))
        made |= {name: _drawn(each, name, values, rng) for name, values in missing.items()}
    return made


def _missing(feature: Feature, schema: Schema, rows: int) -> pl.DataFrame:
    """Rows without a value in any column of a feature."""
    fields = Schema(tuple(schema[name] for name in feature.columns))
    raw = from_columns({name: [None] * rows for name in feature.columns})
    return conform(Table(raw, "made rows"), fields, need_target=False)[0]


def _drawn(feature: Feature, name: str, missing: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One array with other values than missing ones from the second row on."""
    part, shape, rest = name.removeprefix(feature.name), missing.shape, missing.copy()
    if missing.dtype.kind == "f":
        values = rng.normal(0, 1.5, shape)
        if feature.kind in ("number", "date"):  # others are missing as a whole
            values = np.where(rng.random(shape) < MISSING, missing, values)
        rest[1:] = np.abs(values[1:]) if part == ".weights" else values[1:]
        return rest
    if missing.dtype == bool:
        rest[1:] = True
    elif missing.dtype == np.uint8:
        rest[1:] = rng.integers(0, 256, shape)[1:]
    else:
        drawn = _codes(feature, part, shape, rng)
        rest[1:] = missing[1:] if drawn is None else drawn[1:]
    return rest


def _codes(
    feature: Feature, part: str, shape: tuple[int, ...], rng: np.random.Generator
) -> np.ndarray | None:
    """Whole numbers that mean something; None where it is not known what they mean."""
    if isinstance(feature, CategoryFeature):
        return rng.integers(0, feature.sizes, shape)
    if feature.kind == "flag":
        return rng.integers(-1, 2, shape)
    if isinstance(feature, SetFeature):
        codes = rng.integers(0, feature.size, shape)
        return np.where(np.arange(shape[1]) < rng.integers(0, shape[1] + 1, (shape[0], 1)), codes, -1)
    if isinstance(feature, TextFeature):
        most = WORDS if part == ".tokens" else feature.size + feature.buckets
        codes = rng.integers(1, most, shape)
        return np.where(np.arange(shape[1]) < rng.integers(1, shape[1] + 1, (shape[0], 1)), codes, 0)
    if feature.kind == "audio":
        most = int(getattr(feature, "samples", 1))
        return rng.integers(1, most + 1, shape) if part == ".length" else rng.normal(0, 3000, shape)
    return None
