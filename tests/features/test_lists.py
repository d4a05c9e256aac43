"""Series, sets and vectors: what the network is given of them, and that it learns from it."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lamina
from lamina.features import series as of_series
from lamina.features.category import FIRST, MISSING, RARE, UNSEEN
from lamina.features.series import MEASURES, SeriesFeature
from lamina.features.set import NOTHING, SetFeature
from lamina.features.vector import FARTHEST, VectorFeature


def numbers(*cells: list[float | None] | None) -> pl.DataFrame:
    return pl.DataFrame({"c": cells}, schema={"c": pl.List(pl.Float64)})


def words(*cells: list[str] | None) -> pl.DataFrame:
    return pl.DataFrame({"c": cells}, schema={"c": pl.List(pl.String)})


def again(feature: Any) -> Any:
    """The feature after a way through a file."""
    return type(feature).from_json(json.loads(json.dumps(feature.to_json(), allow_nan=False)))


def measure(arrays: dict[str, np.ndarray], name: str) -> np.ndarray:
    return arrays["s.measures"][:, MEASURES.index(name)]


NUMBERS = st.none() | st.floats(allow_nan=True, allow_infinity=True)
CELLS = st.lists(st.none() | st.lists(NUMBERS, max_size=9), min_size=1, max_size=12)


@given(CELLS, CELLS)
@settings(deadline=None)
@pytest.mark.parametrize("kind", [SeriesFeature, VectorFeature])
def test_any_lists_of_numbers_give_the_same_alone_and_after_a_file(
    kind: type, cells: list[Any], asked: list[Any]
):
    feature = kind.fit("s", numbers(*cells), ["c"])
    frame = numbers(*asked)
    together, loaded = feature.transform(frame), again(feature)
    assert np.isfinite(feature.linear(together)).all()
    for row in range(frame.height):
        for name, array in loaded.transform(frame[row]).items():
            assert not np.isinf(array).any()
            np.testing.assert_array_equal(array[0], together[name][row])


SETS = st.lists(
    st.none() | st.lists(st.sampled_from("abcdefghij"), max_size=10, unique=True), min_size=1, max_size=12
)


@given(SETS, SETS)
@settings(deadline=None)
def test_any_sets_give_the_same_alone_and_in_any_order(cells: list[Any], asked: list[Any]):
    feature = SetFeature.fit("s", words(*cells), ["c"])
    together = feature.transform(words(*asked))
    turned = again(feature).transform(words(*(cell and cell[::-1] for cell in asked)))
    for name, array in together.items():
        np.testing.assert_array_equal(array, turned[name])
        for row, cell in enumerate(asked):
            np.testing.assert_array_equal(array[row], feature.transform(words(cell))[name][0])


# ------------------------------------------------------------------------------------------------ series


def test_points_stand_on_one_scale_with_nothing_after_the_end():
    feature = SeriesFeature.fit("s", numbers([1, 2, 3], [5, 4], None, []), ["c"])
    arrays = feature.transform(numbers([1, 2, 3], [3, None], None, []))
    assert arrays["s"].shape == (4, 3)
    assert arrays["s"][0, 2] == arrays["s"][1, 0] == 0  # 3 is the median
    assert np.isnan(arrays["s"][1, 1:]).all()
    assert np.isnan(arrays["s"][2:]).all()
    assert np.isfinite(measure(arrays, "length")).tolist() == [True, True, False, True]


def test_measures_say_what_they_are_called():
    points = np.array([[0.0, 2.0, 1.0, 3.0], [4.0, np.nan, 2.0, np.nan]])
    told = dict(zip(MEASURES, of_series._measures(points).T.tolist(), strict=True))
    assert told["mean"] == [1.5, 3.0]
    assert (told["first"], told["last"]) == ([0.0, 4.0], [3.0, 2.0])
    assert (told["lowest"], told["highest"]) == ([0.0, 2.0], [3.0, 4.0])
    assert told["change"] == pytest.approx([5 / 3, 0.0])  # nothing stands side by side in the second
    assert told["turns"] == pytest.approx([1.0, 0.0])
    assert told["trend"] == pytest.approx([0.8 * 4, -1.0 * 2])


def test_long_series_are_averaged_and_longer_ones_cut(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(of_series, "MOST_POINTS", 4)
    feature = SeriesFeature.fit("s", numbers([*map(float, range(8))], [1.0]), ["c"])
    assert (feature.points, feature.step) == (4, 2)
    long, short, longer = feature.transform(
        numbers([*map(float, range(8))], [0.0, 1.0, 2.0], [99.0, 99.0, *map(float, range(8))])
    )["s"]
    assert (np.diff(long) > 0).all()
    assert short[0] == long[0]
    assert np.isnan(short[2:]).all()
    np.testing.assert_array_equal(longer, long)  # the last points count


def test_a_step_has_an_end(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(of_series, "MOST_POINTS", 4)
    monkeypatch.setattr(of_series, "MOST_STEP", 3)
    feature = SeriesFeature.fit("s", numbers([0.0] * 100), ["c"])
    assert (feature.points, feature.step) == (4, 3)


@pytest.mark.parametrize("change", [{"points": 0}, {"points": 10**9}, {"step": 0}, {"step": 10**9}])
def test_a_file_cannot_ask_for_endless_series(change: dict[str, int]):
    state = SeriesFeature.fit("s", numbers([1.0, 2.0]), ["c"]).to_json()
    with pytest.raises(ValueError, match="a series of"):
        SeriesFeature.from_json({**state, **change})


def test_columns_side_by_side_are_a_series_like_lists():
    wide = pl.DataFrame({"t1": [1.0, 4.0, None], "t2": [2.0, None, None], "t3": [3, 6, None]})
    side = SeriesFeature.fit("s", wide, wide.columns).transform(wide)["s"]
    lists = numbers([1, 2, 3], [4, None, 6], None)
    np.testing.assert_array_equal(side, SeriesFeature.fit("s", lists, ["c"]).transform(lists)["s"])


def waves(rows: int, seed: int) -> pl.DataFrame:
    """Noisy sines that begin anywhere; the faster ones have a name of their own."""
    rng = np.random.default_rng(seed)
    fast = rng.random(rows) < 0.5
    period = np.where(fast, rng.uniform(5, 7, rows), rng.uniform(8, 10, rows))
    turns = np.arange(48) / period[:, None] + rng.random((rows, 1))
    values = np.sin(2 * np.pi * turns) + rng.normal(0, 1, (rows, 48))
    columns = {f"t{place}": column for place, column in enumerate(values.round(3).T)}
    return pl.DataFrame({**columns, "sort": np.where(fast, "fast", "slow")})


def test_waves_are_told_apart_by_their_frequency():
    """Better than the same numbers without their order."""
    learnt, asked = waves(300, 0), waves(500, 1)
    model = lamina.fit(learnt, "sort", quality="fast")
    assert {field.kind for field in model.schema.with_role("input")} == {"series"}
    heap = lamina.fit(learnt, "sort", quality="fast", kinds={"t0": "number"})
    assert {field.kind for field in heap.schema.with_role("input")} == {"number"}
    assert model.evaluate(asked).scores["accuracy"] > heap.evaluate(asked).scores["accuracy"] + 0.02
    assert model.evaluate(asked).scores["accuracy"] > 0.95


# -------------------------------------------------------------------------------------------------- sets


def test_codes_tell_missing_empty_unseen_and_rare():
    feature = SetFeature.fit("s", words(["a", "b"], ["a", "b", "once"], ["a"], None, []), ["c"])
    assert (feature.known, feature.rare) == (("a", "b"), ("once",))
    arrays = feature.transform(words(["b", "a"], None, [], ["new"], ["once", "a"]))
    assert arrays["s"].tolist() == [
        *([FIRST, FIRST + 1, NOTHING], [MISSING, NOTHING, NOTHING], [NOTHING] * 3),
        *([UNSEEN, NOTHING, NOTHING], [RARE, FIRST, NOTHING]),
    ]
    assert arrays["s.count"].ravel() == pytest.approx(np.log1p([2, 0, 0, 1, 2]))


def test_of_too_many_values_the_most_frequent_are_kept():
    feature = SetFeature.fit("s", words(["a", "b"], ["a", "b"], ["a", "c"], ["c"], ["a"]), ["c"])
    arrays = feature.transform(words(["new", "c", "b", "a"], ["new", "a"]))
    best = [FIRST + feature.known.index(each) for each in feature.known[:2]]
    assert arrays["s"].tolist() == [best, [UNSEEN, FIRST]]
    assert arrays["s.count"][0, 0] == pytest.approx(np.log(5))


def test_new_values_come_behind_the_known_ones():
    feature = SetFeature.fit("s", words(["a", "b"], ["a", "b"]), ["c"])
    grown = feature.extend(words(["new"], ["new", "a"], ["once"]))
    assert grown.known == ("a", "b", "new")
    assert grown.transform(words(["b"]))["s"].tolist() == feature.transform(words(["b"]))["s"].tolist()


def meals(rows: int, seed: int) -> pl.DataFrame:
    """Whether a meal is vegan, by its ingredients in any order."""
    rng = np.random.default_rng(seed)
    names = np.array(["ham", "egg", "oil", "rice", "nuts", "beans", "milk", "salt"])
    has = rng.random((rows, 8)) < 0.4
    cells = [", ".join(rng.permutation(names[each])) or None for each in has]
    return pl.DataFrame({"with": cells, "vegan": np.where(has[:, (0, 1, 6)].any(1), "no", "yes")})


def test_what_a_set_holds_is_learnt():
    model = lamina.fit(meals(300, 0), "vegan", quality="fast")
    assert model.schema["with"].kind == "set"
    assert model.evaluate(meals(500, 1)).scores["accuracy"] > 0.97
    turned = model.predict({"with": ["ham, rice", "rice, ham"]})
    # sums of the same vectors in another order differ by rounding
    assert turned["probability_yes"][0] == pytest.approx(turned["probability_yes"][1], rel=1e-4)


# ----------------------------------------------------------------------------------------------- vectors


def test_every_place_of_a_vector_is_standardised():
    frame = numbers([0, 10, 5], [2, 30, 5], [1, 20, 5], None)
    feature = VectorFeature.fit("v", frame, ["c"])
    read = feature.transform(frame)["v"]
    assert read[:3].mean(0) == pytest.approx([0, 0, 0], abs=1e-6)
    assert read[:3].std(0) == pytest.approx([1, 1, 0], abs=1e-6)
    assert np.isnan(read[3]).all()
    odd = feature.transform(numbers([1, 2], [1e300, None, -1e300]))["v"]
    assert np.isnan(odd[0]).all()
    assert odd[1, [0, 2]].tolist() == [FARTHEST, -FARTHEST]


@pytest.mark.parametrize("places", [0, 10**5])
def test_a_file_cannot_ask_for_endless_vectors(places: int):
    state = VectorFeature.fit("v", numbers([1.0, 2.0]), ["c"]).to_json()
    with pytest.raises(ValueError, match="vectors of"):
        VectorFeature.from_json({**state, "mean": [0.0] * places, "spread": [1.0] * places})
    with pytest.raises(ValueError, match="vectors of"):
        VectorFeature.from_json({**state, "spread": [1.0]})
