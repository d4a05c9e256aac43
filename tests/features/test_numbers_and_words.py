"""Numbers, categories, flags, dates and targets: every value has a defined code."""

from __future__ import annotations

import json
from datetime import date, datetime

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import settings as given_settings
from hypothesis import strategies as st

from lamina.errors import TargetError
from lamina.features.base import Feature
from lamina.features.category import FIRST, MISSING, RARE, UNSEEN, CategoryFeature
from lamina.features.date import DateFeature
from lamina.features.flag import FlagFeature
from lamina.features.number import MOST_INTERVALS, NumberFeature
from lamina.features.targets.classes import UNKNOWN, ClassTarget
from lamina.features.targets.number import NumberTarget
from lamina.features.targets.several import target_from_json

MANY = given_settings(max_examples=80, deadline=None, database=None)
CELLS = st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=True))


def column(values: list[object], kind: pl.DataType = pl.Float64()) -> pl.DataFrame:  # noqa: B008
    return pl.DataFrame({"c": pl.Series(values, dtype=kind)})


def read(feature: Feature, frame: pl.DataFrame) -> np.ndarray:
    return feature.transform(frame)[feature.name][:, 0]


def numbers(values: list[object]) -> NumberFeature:
    return NumberFeature.fit("number", column(values), ["c"])


def through_json(feature: Feature) -> Feature:
    return type(feature).from_json(json.loads(json.dumps(feature.to_json(), allow_nan=False)))


@MANY
@given(
    train=st.lists(CELLS, max_size=40), new=st.lists(CELLS, max_size=90), more=st.lists(CELLS, max_size=90)
)
def test_numbers_beyond_the_knots_get_knots_and_the_old_ones_stay(train: list, new: list, more: list) -> None:
    feature = numbers(train)
    grown = feature.extend(column(new)).extend(column(more))
    (old,), (knots,) = feature.knots, grown.knots
    first = knots.index(old[0])
    assert knots[first : first + len(old)] == old
    assert (np.diff(np.float32(knots)) > 0).all()
    assert len(knots) <= MOST_INTERVALS + 1
    assert np.array_equal(read(feature, column(new)), read(grown, column(new)), equal_nan=True)
    assert through_json(grown) == grown


def test_as_many_further_knots_as_values_ask_for() -> None:
    feature = numbers([float(each) for each in range(100)])
    (old,) = feature.knots
    assert feature.extend(column([float(each) for each in range(100)])) == feature
    assert feature.extend(column([200.0] * 9)) == feature  # too few to bend by
    (knots,) = feature.extend(column([-50.0] * 10 + [100.0 + k for k in range(400)])).knots
    assert (len(knots) - len(old), knots.index(old[0])) == (1 + 16, 1)


@MANY
@given(train=st.lists(CELLS, min_size=0, max_size=40), new=st.lists(CELLS, min_size=1, max_size=10))
def test_any_numbers_are_read_to_finite_arrays_and_survive_json(train: list, new: list) -> None:
    feature = numbers(train)
    found = read(feature, column(new))
    real = np.array([each is not None and np.isfinite(each) for each in new])
    assert np.array_equal(np.isnan(found), ~real)
    assert np.isfinite(found[real]).all()
    assert np.array_equal(found, read(through_json(feature), column(new)), equal_nan=True)
    (knots,) = feature.knots
    assert len(knots) >= 2
    assert np.isfinite(knots).all()
    assert (np.diff(np.float32(knots)) > 0).all()


@MANY
@given(values=st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=40))
def test_order_is_kept(values: list[float]) -> None:
    found = read(numbers(values), column(sorted(values)))
    assert (np.diff(found) >= 0).all()


def test_an_outlier_moves_nothing_and_stands_far_out() -> None:
    plain = np.random.default_rng(0).normal(50, 10, 999).tolist()
    clean, dirty = numbers(plain), numbers([*plain, 1e30])
    usual = column(plain)
    assert np.abs(read(clean, usual) - read(dirty, usual)).max() < 0.02
    far = read(dirty, column([1e30, -1e30, 1e12]))
    assert far[0] > far[2] > 5
    assert far[1] < -5
    assert np.isfinite(far).all()


def test_constant_and_empty_columns() -> None:
    for values in ([7.0] * 9, [None] * 9, [], [0.0] * 9, [None, 5.0], [1e308, -1e308] * 5):
        feature = numbers(values)
        found = read(feature, column([7.0, None, 8.0]))
        assert np.isnan(found).tolist() == [False, True, False]
        assert found[2] >= found[0]
    assert read(numbers([7.0] * 9), column([8.0]))[0] > 0, "another value stands apart"


def test_few_values_are_all_knots_and_many_are_quantiles() -> None:
    assert len(numbers([0.0, 1.0, 5.0] * 20).knots[0]) == 3
    heavy = [0.0] * 500 + np.linspace(1, 2, 500).tolist()
    (knots,) = numbers(heavy).knots
    assert 10 <= len(knots) <= 17
    assert len(numbers(np.random.default_rng(0).normal(size=5000).tolist()).knots[0]) == 65


def words(values: list[str | None]) -> CategoryFeature:
    return CategoryFeature.fit("category", column(values, pl.String()), ["c"])


def test_missing_unseen_and_rare_have_codes_of_their_own() -> None:
    feature = words(["b", "a", "b", None, "a", "b", "once"])
    found = read(feature, column(["b", "a", "once", None, "never", ""], pl.String()))
    assert found.tolist() == [FIRST, FIRST + 1, RARE, MISSING, UNSEEN, UNSEEN]
    assert feature.sizes == (FIRST + 2,)


def test_new_frequent_values_are_appended_and_old_codes_stay() -> None:
    feature = words(["b", "a", "b", "a", "once"])
    grown = feature.extend(column(["new", "new", "a", "rare"], pl.String()))
    old = column(["b", "a"], pl.String())
    assert np.array_equal(read(grown, old), read(feature, old))
    found = read(grown, column(["new", "rare", "once", "never"], pl.String()))
    assert found.tolist() == [FIRST + 2, RARE, RARE, UNSEEN]


def test_a_column_without_any_value_reads_all_as_unseen_or_missing() -> None:
    feature = words([None, None])
    assert read(feature, column(["x", None], pl.String())).tolist() == [UNSEEN, MISSING]
    assert feature.extend(column([None], pl.String())).sizes == (FIRST,)


def test_ten_thousand_categories() -> None:
    names = [f"user {i}" for i in range(10_000)]
    feature = words(names * 2)
    found = read(feature, column([*names, "user 10000"], pl.String()))
    assert len(set(found[:-1].tolist())) == 10_000
    assert found[:-1].min() == FIRST
    assert found[-1] == UNSEEN
    assert feature.sizes == (10_003,)


@MANY
@given(values=st.lists(st.one_of(st.none(), st.text(max_size=5)), max_size=30))
def test_any_words_survive_json(values: list[str | None]) -> None:
    feature = words(values)
    frame = column([*values, "x", None], pl.String())
    assert np.array_equal(read(feature, frame), read(through_json(feature), frame))


def test_flags() -> None:
    feature = FlagFeature.fit("flag", column([True], pl.Boolean()), ["c"])
    assert read(feature, column([True, False, None], pl.Boolean())).tolist() == [1, -1, 0]


def test_dates_become_parts_that_vary() -> None:
    days = [date(2020, 1, 1 + i) for i in range(28)]
    feature = DateFeature.fit("date", pl.DataFrame({"d": days}), ["d"])
    assert "d elapsed" in feature.numbers.columns
    assert "d in week" in feature.numbers.columns
    assert not any("in day" in each for each in feature.numbers.columns), "a date has no time of day"
    found = feature.transform(pl.DataFrame({"d": [None, days[3]]}, schema={"d": pl.Date}))["date"]
    assert np.isnan(found[0]).all()
    assert np.isfinite(found[1]).all()


def test_the_last_day_of_the_year_is_next_to_the_first() -> None:
    moments = [datetime(2021, month, 1 + month) for month in range(1, 13)]
    feature = DateFeature.fit("date", pl.DataFrame({"d": moments}), ["d"])
    circle = [i for i, each in enumerate(feature.numbers.columns) if "in year (" in each]
    ends = [datetime(2021, 12, 31), datetime(2022, 1, 1), datetime(2021, 7, 1)]
    last, first, summer = feature.transform(pl.DataFrame({"d": ends}))["date"][:, circle]
    assert np.abs(last - first).max() < 0.1
    assert np.abs(last - summer).max() > 0.5


def test_the_time_between_two_dates_is_a_part() -> None:
    opened = [datetime(2021, 1, day) for day in range(1, 20)]
    closed = [datetime(2021, 2, 20 - day) for day in range(1, 20)]
    feature = DateFeature.fit("date", pl.DataFrame({"a": opened, "b": closed}), ["a", "b"])
    assert "a to b" in feature.numbers.columns
    again = through_json(feature)
    frame = pl.DataFrame({"a": opened, "b": closed})
    assert np.array_equal(again.transform(frame)["date"], feature.transform(frame)["date"])


def test_dates_that_are_all_missing_are_read() -> None:
    frame = pl.DataFrame({"d": [None, None]}, schema={"d": pl.Datetime})
    feature = DateFeature.fit("date", frame, ["d"])
    assert np.isnan(feature.transform(frame)["date"]).all()


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        (["b", "a", "b"], ("a", "b")), ([10, 9, 100], ("9", "10", "100")), ([True, False], ("false", "true")),
        (["007", "7", "07"], ("007", "07", "7")), (["-1", "1", "0"], ("-1", "0", "1")),
    ],
)  # fmt: skip
def test_classes_come_back_as_what_they_were(values: list[object], labels: tuple[str, ...]) -> None:
    frame = pl.DataFrame({"y": values})
    target = target_from_json(json.loads(json.dumps(ClassTarget.fit(frame, "y").to_json())))
    assert target.labels == labels
    codes = target.read(frame["y"])
    told = target.decode(codes).to_list()
    assert told == ([int(each) for each in values] if target.dtype == "integer" else values)
    assert target.decode(np.array([-1])).to_list() == [None]


def test_a_class_never_seen_is_unknown() -> None:
    target = ClassTarget.fit(pl.DataFrame({"y": ["a", "b"]}), "y")
    assert target.read(pl.Series(["a", "c", None])).tolist() == [0, UNKNOWN, UNKNOWN]


def test_a_target_without_two_values_is_refused() -> None:
    for values, words_ in ((["a", "a"], "only 'a'"), ([None, None], "no value")):
        with pytest.raises(TargetError, match=words_):
            ClassTarget.fit(pl.DataFrame({"y": values}, schema={"y": pl.String}), "y")
    for values, words_ in (([3.0, 3.0], "always 3"), ([None], "no number"), ([float("nan")], "no number")):
        with pytest.raises(TargetError, match=words_):
            NumberTarget.fit(pl.DataFrame({"y": values}, schema={"y": pl.Float64}), "y")


@MANY
@given(values=st.lists(st.floats(-1e12, 1e12), min_size=2, max_size=30, unique=True))
def test_number_answers_come_back_in_the_users_unit(values: list[float]) -> None:
    frame = pl.DataFrame({"y": values})
    try:
        target = NumberTarget.fit(frame, "y")
    except TargetError:
        return  # they differ by less than a float can tell
    target = target_from_json(json.loads(json.dumps(target.to_json())))
    told = target.decode(target.read(frame["y"])).to_numpy()
    assert np.abs(told - values).max() <= 1e-4 * (target.highest - target.lowest) + 1e-9 * max(
        map(abs, values)
    )


def test_number_answers_stay_near_what_training_saw() -> None:
    target = NumberTarget.fit(pl.DataFrame({"y": [0.0, 10.0]}), "y")
    assert target.decode(np.array([1e6, -1e6, np.nan])).to_list() == [11.0, -1.0, None]
