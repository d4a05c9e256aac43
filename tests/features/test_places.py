"""Places: where on Earth, how far apart, in which direction."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lamina
from lamina.features.place import RADIUS, PlaceFeature, _numbers

COLUMNS = ("from_lat", "from_lon", "to_lat", "to_lon")


def rows(*places: tuple[float | None, ...]) -> pl.DataFrame:
    return pl.DataFrame(places, schema=dict.fromkeys(COLUMNS[: len(places[0])], pl.Float64), orient="row")


def way(*place: float) -> tuple[float, float, float]:
    """Distance in km, northward and eastward part of the direction."""
    told = _numbers([np.array([place[:2]]), np.array([place[2:]])])[0, 4:]
    return float(told[0]), float(told[1]), float(told[2])


DEGREES = st.one_of(st.none(), st.floats(-200, 200), st.just(float("inf")))
PLACES = st.lists(st.tuples(DEGREES, DEGREES, DEGREES, DEGREES), min_size=1, max_size=8)


@given(PLACES, PLACES)
@settings(deadline=None)
def test_any_places_give_the_same_alone_and_after_a_file(
    learnt: list[tuple[float | None, ...]], asked: list[tuple[float | None, ...]]
):
    feature = PlaceFeature.fit("p", rows(*learnt), COLUMNS)
    loaded = PlaceFeature.from_json(json.loads(json.dumps(feature.to_json(), allow_nan=False)))
    together = feature.transform(rows(*asked))
    assert np.isfinite(feature.linear(together)).all()
    for number, row in enumerate(asked):
        for name, array in loaded.transform(rows(row)).items():
            assert not np.isinf(array).any()
            np.testing.assert_array_equal(array[0], together[name][number])


def test_distances_and_directions_on_the_globe():
    assert way(0, 0, 0, 90) == pytest.approx((RADIUS * np.pi / 2, 0, 1))
    assert way(0, 10, 1, 10) == pytest.approx((RADIUS * np.pi / 180, 1, 0))
    assert way(0, 179.5, 0, -179.5) == pytest.approx((RADIUS * np.pi / 180, 0, 1))  # across the date line
    assert way(48.8566, 2.3522, 52.52, 13.405)[0] == pytest.approx(877, abs=2)  # Paris to Berlin
    assert way(47, 8, 47, 8) == (0, 0, 0)


def test_the_map_is_centred_and_in_units_of_the_middle_half():
    feature = PlaceFeature.fit("p", rows((47.0, 8.0), (47.1, 8.0), (46.9, 8.0), (None, 8.0)), COLUMNS[:2])
    arrays = feature.transform(rows((47.0, 8.0), (47.1, 8.0), (47.0, None), (0.0, 0.0), (91.0, 8.0)))
    assert arrays["p.local"][:2, 0] == pytest.approx(np.array([[0, 0], [0, 1]]), abs=1e-6)
    assert np.isnan(arrays["p.local"][2:]).all()
    assert np.isnan(arrays["p.sphere"][2:]).all()


def test_neighbours_across_the_date_line_are_near():
    feature = PlaceFeature.fit("p", rows((0.0, 179.0), (1.0, 179.5), (0.0, -179.9)), COLUMNS[:2])
    east, west = feature.transform(rows((0.0, 179.99), (0.0, -179.99)))["p.local"][:, 0]
    assert np.abs(east - west).max() < 0.1


def trips(count: int, seed: int) -> pl.DataFrame:
    """Rides between places of a city; the fare grows with the distance."""
    rng = np.random.default_rng(seed)
    degrees = rng.normal([47.4, 8.5, 47.4, 8.5], [0.1, 0.15, 0.1, 0.15], (count, 4))
    frame = pl.DataFrame(degrees, schema=["pickup_lat", "pickup_lon", "dropoff_lat", "dropoff_lon"])
    km = [way(*row)[0] for row in degrees]
    return frame.with_columns(fare=3 + 2 * np.array(km) + rng.normal(0, 1, count))


def test_the_distance_between_two_places_is_learnt():
    """Better than from the four numbers alone."""
    learnt, asked = trips(300, 0), trips(500, 1)
    model = lamina.fit(learnt, "fare", quality="fast")
    assert {field.kind for field in model.schema.with_role("input")} == {"place"}
    numbers = {name: "number" for name in learnt.columns if name != "fare"}
    apart = lamina.fit(learnt, "fare", quality="fast", kinds=numbers).evaluate(asked).scores
    assert model.evaluate(asked).scores["rmse"] < 0.85 * apart["rmse"]


def test_degrees_off_the_earth_are_missing_alone_as_among_others():
    model = lamina.fit(trips(60, 0), "fare", quality="fast", epochs=1)
    asked = trips(10, 1).with_columns(pickup_lat=pl.Series([91.0, float("inf"), 47.0, *[47.0] * 7]))
    with pytest.warns(lamina.LaminaWarning, match="latitudes"):
        together = model.predict(asked)["predicted_fare"]
    with pytest.warns(lamina.LaminaWarning, match="latitudes"):
        alone = model.predict(asked[0])["predicted_fare"]
    assert alone[0] == pytest.approx(together[0], abs=1e-4)
