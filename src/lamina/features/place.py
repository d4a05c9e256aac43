"""Places: latitude and longitude, seen together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, islice
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl

from lamina.features.base import Arrays, Feature
from lamina.features.number import NumberFeature

RADIUS = 6371.0088  # km, the mean radius of the Earth
MOST_WAYS = 28  # between two places of a row, of which distance and bearing are told


@dataclass(frozen=True)
class PlaceFeature(Feature):
    """Columns latitude, longitude, latitude, longitude, … in degrees → what can be said of the places of a
    row.

    - ``name``, float32 ``(rows, numbers)``: every latitude and longitude, and from place to place the
      distance in km over the great circle and the sine and cosine of the bearing there; scaled as numbers
      are, by ``numbers``
    - ``name.local``, float32 ``(rows, places, 2)``: km east and north of the median place, in units of
      ``spread``
    - ``name.sphere``, float32 ``(rows, places, 3)``: the point on the unit sphere, the same on both sides of
      180°

    A place of which one coordinate is missing or off the Earth, or that is exactly 0, 0 (what devices say
    that do not know), is missing: NaN.
    """

    kind: ClassVar[str] = "place"
    enough: ClassVar[int | None] = 200_000
    name: str
    columns: tuple[str, ...]
    centre: tuple[tuple[float, float], ...]
    spread: tuple[float, ...]
    numbers: NumberFeature

    @classmethod
    def fit(cls, name: str, frame: pl.DataFrame, columns: Sequence[str]) -> Self:
        places = _degrees(frame, columns)
        middle = [_median(place) for place in places]
        spread = [_spread(_local(place, centre)) for place, centre in zip(places, middle, strict=True)]
        told = pl.DataFrame(_numbers(places), schema=_names(columns))
        numbers = NumberFeature.fit(name, told, told.columns)
        return cls(name, tuple(columns), tuple(middle), tuple(spread), numbers)

    def transform(self, frame: pl.DataFrame) -> Arrays:
        places = _degrees(frame, self.columns)
        told = pl.DataFrame(_numbers(places), schema=_names(self.columns))
        local = [_local(p, c) / s for p, c, s in zip(places, self.centre, self.spread, strict=True)]
        return {
            **self.numbers.transform(told),
            f"{self.name}.local": np.stack(local, axis=1).astype(np.float32),
            f"{self.name}.sphere": np.stack([_sphere(place) for place in places], axis=1).astype(np.float32),
        }

    def extend(self, frame: pl.DataFrame) -> Self:
        return self  # the scale is fixed by the first training, so that old answers stay

    @property
    def row_bytes(self) -> int:
        return 4 * (len(self.numbers.columns) + 5 * len(self.centre))

    @property
    def linear_width(self) -> int:
        return self.numbers.linear_width

    def linear(self, arrays: Arrays) -> np.ndarray:
        return self.numbers.linear(arrays)

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "columns": list(self.columns),
            "centre": [list(each) for each in self.centre],
            "spread": list(self.spread),
            "numbers": self.numbers.to_json(),
        }

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> Self:
        return cls(
            str(state["name"]),
            tuple(state["columns"]),
            tuple((float(north), float(east)) for north, east in state["centre"]),
            tuple(map(float, state["spread"])),
            NumberFeature.from_json(state["numbers"]),
        )

    def describe(self) -> str:
        pairs = [f"{north} and {east}" for north, east in _pairs(self.columns)]
        ways = len(self.numbers.columns) - 2 * len(pairs)
        return f"place: {', '.join(pairs)}" + (", with the ways between them" if ways else "")


def _pairs(columns: Sequence[str]) -> list[tuple[str, str]]:
    return list(zip(columns[::2], columns[1::2], strict=True))


def _ways(places: int) -> list[tuple[int, int]]:
    """From which place to which."""
    return list(islice(combinations(range(places), 2), MOST_WAYS))


def _names(columns: Sequence[str]) -> list[str]:
    ways = [f"{what} {i} {j}" for i, j in _ways(len(columns) // 2) for what in ("distance", "north", "east")]
    return [*(f"{place} {name}" for place, name in enumerate(columns)), *ways]


def _degrees(frame: pl.DataFrame, columns: Sequence[str]) -> list[np.ndarray]:
    """Each place as float64 ``(rows, 2)``: latitude, longitude; NaN in both where it is missing."""
    found = []
    for north, east in _pairs(columns):
        place = np.stack([frame[each].cast(pl.Float64).to_numpy() for each in (north, east)], axis=1)
        with np.errstate(invalid="ignore"):
            there = (np.abs(place) <= (90.0, 180.0)).all(1) & (place != 0.0).any(1)
        found.append(np.where(there[:, None], place, np.nan))
    return found


def _median(place: np.ndarray) -> tuple[float, float]:
    known = place[~np.isnan(place[:, 0])]
    north, east = np.median(known, axis=0) if len(known) else (0.0, 0.0)
    return float(north), float(east)


def _local(place: np.ndarray, centre: tuple[float, float]) -> np.ndarray:
    """Km east and north of ``centre``, as a map with true distances along its middle shows them."""
    east = (place[:, 1] - centre[1] + 180.0) % 360.0 - 180.0  # the short way round
    shrink = max(np.cos(np.radians(centre[0])), 0.01)
    km = np.radians(np.stack([east * shrink, place[:, 0] - centre[0]], axis=1)) * RADIUS
    return np.asarray(km)


def _spread(local: np.ndarray) -> float:
    """Half of the places lie nearer to the middle than this, in km."""
    far = np.hypot(local[:, 0], local[:, 1])
    far = far[np.isfinite(far)]
    middle = float(np.median(far)) if len(far) else 0.0
    return middle if middle > 1e-3 else max(float(far.max(initial=0.0)), 1.0)


def _sphere(place: np.ndarray) -> np.ndarray:
    north, east = np.radians(place).T
    return np.stack([np.cos(north) * np.cos(east), np.cos(north) * np.sin(east), np.sin(north)], axis=1)


def _numbers(places: Sequence[np.ndarray]) -> np.ndarray:
    """Latitudes and longitudes, and for every way distance (km) and bearing (northward, eastward part)."""
    columns = [place[:, axis] for place in places for axis in (0, 1)]
    for i, j in _ways(len(places)):
        columns += _way(places[i], places[j])
    return np.stack(columns, axis=1)


def _way(start: np.ndarray, end: np.ndarray) -> list[np.ndarray]:
    """Distance (haversine formula); cosine and sine of the bearing at the start, 0 between equal places."""
    (a, b), (c, d) = np.radians(start).T, np.radians(end).T
    half = np.sin((c - a) / 2) ** 2 + np.cos(a) * np.cos(c) * np.sin((d - b) / 2) ** 2
    distance = 2 * RADIUS * np.arcsin(np.sqrt(np.clip(half, 0.0, 1.0)))
    north = np.cos(a) * np.sin(c) - np.sin(a) * np.cos(c) * np.cos(d - b)
    east = np.sin(d - b) * np.cos(c)
    length = np.where(np.hypot(north, east) > 1e-12, np.hypot(north, east), 1.0)
    return [distance, north / length, east / length]
