"""Places: a column of latitudes and a column of longitudes that belong together, found by name and by
value."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np
import polars as pl

from lamina.data.numbers import NumberForm, parse_number
from lamina.errors import UsageError
from lamina.records import Field

LIMITS: Final = (90.0, 180.0)  # degrees: of latitude, of longitude
INSIDE: Final = 0.99  # share of the cells that must lie within
BLOCK: Final = "all"  # every pair of a table is in one block, so that distances between pairs can be told
_AXES: Final = ({"lat", "latitude"}, {"lon", "lng", "long", "longitude"})
_LETTERS: Final = ({"y"}, {"x"})
# x and y are coordinates of many things, on a pitch or a screen; beside these words they are those of Earth
_EARTHLY: Final = frozenset({"geo", "gps", "wgs", "wgs84", "pickup", "dropoff"})


def join_places(fields: Sequence[Field], sample: pl.DataFrame, kinds: dict[str, str]) -> list[Field]:
    """Pairs of latitude and longitude become places; the others stay as they are.

    A kind that the user sets on one column of a pair holds for the pair.

    Raises ``UsageError`` for a column that the user calls a place and that has no partner.
    """
    joined = {field.name: field for field in fields}
    for number, (pair, why) in enumerate(_pairs(fields, sample, kinds)):
        for axis, field in enumerate(pair):
            form = {**field.form, "cells": ("latitude", "longitude")[axis]}
            form |= {"block": BLOCK, "place": 2 * number + axis}
            with_what = f"{'latitude' if axis == 0 else 'longitude'}, with {pair[1 - axis].name!r}"
            joined[field.name] = msgspec.structs.replace(
                field, kind="place", why=f"{with_what} one place: {why}", form=form
            )
    return list(joined.values())


def _pairs(
    fields: Sequence[Field], sample: pl.DataFrame, kinds: dict[str, str]
) -> list[tuple[tuple[Field, Field], str]]:
    """(latitude, longitude) and the reason, in the order of the table."""
    single = [
        f for f in fields if f.role == "input" and (f.kind == "number" or f.form.get("cells") == "number")
    ]
    by_name: dict[tuple[str, ...], dict[int, list[Field]]] = {}
    for field in single:
        found = _axis(field.name)
        if found is not None:
            by_name.setdefault(found[1], {}).setdefault(found[0], []).append(field)
    pairs, left = [], [f for f in single if kinds.get(f.name) == "place"]
    for sides in by_name.values():
        if [len(sides.get(axis, ())) for axis in (0, 1)] != [1, 1]:
            continue
        pair = (sides[0][0], sides[1][0])
        asked = [kinds[field.name] for field in pair if field.name in kinds]
        if "place" in asked or (not asked and all(_within(f, a, sample) for a, f in enumerate(pair))):
            pairs.append((pair, "by name and values" if not asked else "you set the kind to place"))
            left = [field for field in left if field not in pair]
    return pairs + _named_pairs(left)


def _named_pairs(left: Sequence[Field]) -> list[tuple[tuple[Field, Field], str]]:
    """What the user calls places and no name pairs: two by two, in the order of the table."""
    if len(left) % 2:
        raise UsageError(
            f"Column {left[-1].name!r} cannot be read as kind 'place' alone: a place is a column of "
            "latitudes and one of longitudes.",
            "Set the kind of both columns to place, latitude first; or leave this one a number.",
            column=left[-1].name,
        )
    why = "you set the kind to place, latitude first"
    return [((left[i], left[i + 1]), why) for i in range(0, len(left), 2)]


def _axis(name: str) -> tuple[int, tuple[str, ...]] | None:
    """Latitude (0) or longitude (1), and the other words of the name, which both columns of a pair share."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    words = re.findall(r"[^\W\d_]+|\d+", spaced.lower())
    for axes in (_AXES, _LETTERS):
        hits = [(axis, word) for word in words for axis in (0, 1) if word in axes[axis]]
        if len(hits) == 1:
            axis, word = hits[0]
            rest = tuple(each for each in words if each != word)
            return (axis, rest) if axes is _AXES or _EARTHLY & set(rest) else None
    return None


def _within(field: Field, axis: int, sample: pl.DataFrame) -> bool:
    """Whether nearly all values are degrees, and not all of them whole."""
    values = parse_number(sample[field.name], msgspec.convert(field.form, NumberForm)).drop_nulls()
    if values.is_empty() or field.unit not in (None, "°"):
        return False
    degrees = values.to_numpy()
    inside = (np.abs(degrees) <= LIMITS[axis]).mean()
    return bool(inside >= INSIDE and (degrees != degrees.round()).any())
