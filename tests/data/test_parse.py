"""Numbers, dates and flags from raw cells."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamina.data.dates import DateForm, detect_date, parse_date
from lamina.data.flags import FlagForm, detect_flag, parse_flag
from lamina.data.numbers import NumberForm, detect_number, parse_number
from lamina.data.parse import MISSING, MISSING_TEXT, is_missing, to_text


def numbers(*cells: Any) -> list[float | None] | None:
    """Cells read as the numbers they are found to be; ``None`` where they are none."""
    column = pl.Series("a", cells, strict=False)
    form = detect_number(column)
    return None if form is None else parse_number(column, form).to_list()


def dates(*cells: Any, counts: bool = False) -> list[datetime | None] | None:
    """Cells read as the dates they are found to be; ``None`` where they are none."""
    column = pl.Series("a", cells, strict=False)
    form = detect_date(column, counts=counts)
    return None if form is None else parse_date(column, form).to_list()


# ---------------------------------------------------------------------------------------- missing


def test_markers_are_lower_case_and_a_word_of_a_category_is_no_marker() -> None:
    assert all(marker == marker.lower().strip() for marker in MISSING)
    assert MISSING_TEXT < MISSING
    assert "none" in MISSING
    assert "none" not in MISSING_TEXT


def test_is_missing_knows_text_numbers_and_nulls() -> None:
    assert is_missing(pl.Series([" NA ", "a", None, "?"])).to_list() == [True, False, True, True]
    assert is_missing(pl.Series([1.0, float("nan"), None])).to_list() == [False, True, True]
    assert is_missing(pl.Series(["None"]), MISSING_TEXT).to_list() == [False]


def test_to_text_writes_whole_floats_as_integers() -> None:
    assert to_text(pl.Series([3.0, 2.5, None, float("nan"), -0.0])).to_list() == [
        *("3", "2.5", None, None, "0")
    ]
    assert to_text(pl.Series([True, None])).to_list() == ["true", None]


# ---------------------------------------------------------------------------------------- numbers


@pytest.mark.parametrize(
    ("cells", "read"),
    [
        (("1.234,5", "2,5", "1.000"), [1234.5, 2.5, 1000]),
        (("1,234.5", "2"), [1234.5, 2]),
        (("1 234", "1 234 567,5"), [1234, 1234567.5]),
        (("1\u202f234", "5\u00a0678 901"), [1234, 5678901]),
        (("1'234.5", "1’000", "3"), [1234.5, 1000, 3]),
        (("12,34,567", "1,00,000"), [1234567, 100000]),
        (("1,5", "2,25"), [1.5, 2.25]),
        (("1.234", "2.345.678"), [1234, 2345678]),
        (("0,234", "1,234"), [0.234, 1.234]),
        (("$1,200.00", "$ 3"), [1200, 3]),
        (("5 €", "6,20 €", "-7 €"), [5, 6.2, -7]),
        (("EUR 5", "EUR 7,5"), [5, 7.5]),
        (("-$5", "($6)"), [-5, -6]),
        (("13%", "12.5 %", "?"), [13, 12.5, None]),
        (("23.4 kmpl", "18 kmpl"), [23.4, 18]),
        (("998 CC", "1197 CC"), [998, 1197]),
        (("1,200 km", "900 km"), [1200, 900]),
        (("3 years", "1 year"), [3, 1]),
        (("5 km/h", "6 km/h"), [5, 6]),
        (("(1,200.50)", "-3", "4-", "\u22125"), [-1200.5, -3, -4, -5]),
        (("1e5", "2E-3", ".5", "5."), [100000, 0.002, 0.5, 5]),
        ((" 7 ", "-", "none", "8"), [7, None, None, 8]),
    ],
)
def test_numbers_as_people_write_them(cells: tuple[str, ...], read: list[float | None]) -> None:
    assert numbers(*cells) == read


@pytest.mark.parametrize(
    "cells",
    [
        ("a", "b"),
        ("1 to 2", "3 to 4"),
        ("26 to 30", "more than 30"),
        ("555-1234", "555-9876"),
        ("10:30", "11:45"),
        ("1.2.3", "4.5.6"),
        ("1 vehicle", "2 vehicles", "3 to 4"),
        ("5 km", "3 kg", "2 m"),
        ("?", ""),
        ("1_000", "0x10"),
    ],
)
def test_what_is_no_number(cells: tuple[str, ...]) -> None:
    assert numbers(*cells) is None


def test_comma_and_three_digits_are_thousands_unless_the_column_shows_otherwise() -> None:
    assert numbers("1,234", "5,678") == [1234, 5678]
    assert numbers("1,234", "5678") == [1.234, 5678]
    assert numbers("1,234", "5,67") == [1.234, 5.67]
    form = detect_number(pl.Series(["1,234", "5,678"]))
    assert form is not None
    assert form.ambiguous


def test_a_unit_is_noted_and_another_unit_cannot_be_read() -> None:
    form = detect_number(pl.Series(["5 km", "6 km"]))
    assert form == NumberForm(unit="km")
    assert parse_number(pl.Series(["7 km", "8", "9 KM", "3 miles"]), form).to_list() == [*(7, 8, 9, None)]


def test_a_few_bad_cells_do_not_stop_a_column_of_numbers() -> None:
    cells = [str(number) for number in range(99)] + ["oops"]
    assert numbers(*cells) == [*range(99), None]


def test_typed_columns_become_float64() -> None:
    for column in (
        pl.Series([1, 2], dtype=pl.Int8),
        pl.Series([1.0, 2.0], dtype=pl.Float32),
        pl.Series([Decimal(1), Decimal(2)]),
        pl.Series([timedelta(seconds=1), timedelta(seconds=2)]),
        pl.Series([time(0, 0, 1), time(0, 0, 2)]),
    ):
        form = detect_number(column)
        assert form is not None
        read = parse_number(column, form)
        assert read.dtype == pl.Float64
        assert read.to_list() == [1, 2]
    assert detect_number(pl.Series([date(2024, 1, 1)])) is None


MARKS = [(".", None), (".", ","), (".", " "), (".", "'"), (",", None), (",", "."), (",", " ")]


@settings(deadline=None)
@given(
    values=st.lists(st.floats(-1e12, 1e12).map(lambda x: round(x, 2)), min_size=1, max_size=30),
    marks=st.sampled_from(MARKS),
    unit=st.sampled_from(["", " km", "%", " €"]),
    brackets=st.booleans(),
)
def test_parse_number_inverts_every_style(
    values: list[float], marks: tuple[str, str | None], unit: str, brackets: bool
) -> None:
    decimal, thousands = marks

    def written(value: float) -> str:
        plain = f"{abs(value):,.2f}".replace(",", "T").replace(".", decimal)
        body = plain.replace("T", thousands or "") + unit
        sign = ("(", ")") if brackets else ("-", "")
        return sign[0] + body + sign[1] if value < 0 else body

    form = NumberForm(decimal=decimal, thousands=thousands, unit=unit.strip() or None)
    column = pl.Series([written(value) for value in values])
    assert parse_number(column, form).to_list() == values
    found = detect_number(column)
    assert found is not None
    assert parse_number(column, found).to_list() == values


# ------------------------------------------------------------------------------------------ dates


@pytest.mark.parametrize(
    ("cells", "read"),
    [
        (("2024-12-31", "2024/1/2"), [datetime(2024, 12, 31), datetime(2024, 1, 2)]),
        (("2024-01-01T10:00:00Z",), [datetime(2024, 1, 1, 10)]),
        (("2024-01-01 10:00:00.5+02:00",), [datetime(2024, 1, 1, 8, 0, 0, 500000)]),
        (("2015-02-24 11:35:52 -0800",), [datetime(2015, 2, 24, 19, 35, 52)]),
        (("31.12.2024", "1.2.2024"), [datetime(2024, 12, 31), datetime(2024, 2, 1)]),
        (("12/31/2024", "01/02/2024"), [datetime(2024, 12, 31), datetime(2024, 1, 2)]),
        (("31/12/2024", "1/2/2024"), [datetime(2024, 12, 31), datetime(2024, 2, 1)]),
        (("31/12/99", "1/2/05"), [datetime(1999, 12, 31), datetime(2005, 2, 1)]),
        (("20241231", "20240101"), [datetime(2024, 12, 31), datetime(2024, 1, 1)]),
        ((20241231, 20240101), [datetime(2024, 12, 31), datetime(2024, 1, 1)]),
        (("Dec 31, 2024", "January 1st, 2023"), [datetime(2024, 12, 31), datetime(2023, 1, 1)]),
        (("31 December 2024", "5-Mar-99"), [datetime(2024, 12, 31), datetime(1999, 3, 5)]),
        (("Tue, 24 Feb 2015 11:35:52 +0000",), [datetime(2015, 2, 24, 11, 35, 52)]),
        (("Dec-2015", "Jan 2016"), [datetime(2015, 12, 1), datetime(2016, 1, 1)]),
        (("2024-05", "2024-06"), [datetime(2024, 5, 1), datetime(2024, 6, 1)]),
        (("05/2024",), [datetime(2024, 5, 1)]),
        (
            ("1/13/2024 3:45 PM", "1/2/2024 12:00 am"),
            [datetime(2024, 1, 13, 15, 45), datetime(2024, 1, 2)],
        ),
        (("2024-01-01", "n/a"), [datetime(2024, 1, 1), None]),
    ],
)
def test_dates_as_people_write_them(cells: tuple[Any, ...], read: list[datetime | None]) -> None:
    assert dates(*cells) == read


@pytest.mark.parametrize(
    "cells", [("a",), ("2024",), (2024, 2023), ("12.5", "13.5"), ("10-2024-3",), (1700000000,)]
)
def test_what_is_no_date(cells: tuple[Any, ...]) -> None:
    assert dates(*cells) is None


def test_day_and_month_that_cannot_be_told_apart_are_read_day_first_and_marked() -> None:
    form = detect_date(pl.Series(["1/2/2024", "3/4/2024"]))
    assert form == DateForm(order="day-month-year", ambiguous=True)
    assert detect_date(pl.Series(["1.2.2024"])) == DateForm(order="day-month-year")


def test_counts_since_1970_are_dates_only_where_asked() -> None:
    assert dates(1700000000, counts=True) == [datetime(2023, 11, 14, 22, 13, 20)]
    assert dates("1700000000000", counts=True) == [datetime(2023, 11, 14, 22, 13, 20)]
    assert dates(12, counts=True) is None
    form = DateForm(order="seconds")
    assert parse_date(pl.Series([1e300, float("inf"), None]), form).to_list() == [None] * 3


def test_days_that_do_not_exist_are_unreadable() -> None:
    form = DateForm(order="year-month-day")
    cells = pl.Series(["2024-02-30", "2024-13-01", "2024-01-01 25:00", "x", "2024-02-29"])
    assert parse_date(cells, form).to_list() == [None] * 4 + [datetime(2024, 2, 29)]


def test_typed_dates_lose_their_zone_not_their_moment() -> None:
    zoned = pl.Series([datetime(2024, 1, 1, 12, tzinfo=UTC)]).dt.convert_time_zone("Asia/Tokyo")
    for column in (zoned, pl.Series([datetime(2024, 1, 1, 12)], dtype=pl.Datetime("ms"))):
        form = detect_date(column)
        assert form == DateForm(order="typed")
        assert parse_date(column, form).to_list() == [datetime(2024, 1, 1, 12)]
    assert parse_date(pl.Series(["2024-01-01", "1/2/2024"]), DateForm(order="typed")).to_list() == [
        *(datetime(2024, 1, 1), None)
    ]


FORMATS = ["%Y-%m-%d %H:%M:%S", "%d.%m.%Y %H:%M:%S", "%d %B %Y %H:%M:%S", "%b %d, %Y %I:%M:%S %p"]


@settings(deadline=None, max_examples=40)
@given(
    moments=st.lists(st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)), min_size=1),
    style=st.sampled_from(FORMATS),
)
def test_parse_date_inverts_every_style(moments: list[datetime], style: str) -> None:
    moments = [moment.replace(microsecond=0) for moment in moments]
    assert dates(*[moment.strftime(style) for moment in moments]) == moments


# ------------------------------------------------------------------------------------------ flags


@pytest.mark.parametrize(
    ("cells", "read"),
    [
        (["Yes", "No", None], [True, False, None]),
        ([0, 1], [False, True]),
        ([0.0, 1.0, None], [False, True, None]),
        (["1.0", "0"], [True, False]),
        ([True, False], [True, False]),
        (["T", "F"], [True, False]),
        (["on", "off", "?"], [True, False, None]),
    ],
)
def test_flags(cells: list[Any], read: list[bool | None]) -> None:
    column = pl.Series(cells)
    form = detect_flag(column)
    assert form is not None
    assert parse_flag(column, form).to_list() == read


@pytest.mark.parametrize("cells", [["a", "b"], ["yes", "yes"], ["yes", "no", "maybe"], [0, 2], [1]])
def test_what_is_no_flag(cells: list[Any]) -> None:
    assert detect_flag(pl.Series(cells)) is None


def test_a_flag_of_words_reads_the_boolean_that_a_web_form_sends() -> None:
    form = FlagForm(true="yes", false="no")
    assert parse_flag(pl.Series([True, False]), form).to_list() == [True, False]
    assert parse_flag(pl.Series(["TRUE", "0", "maybe"]), form).to_list() == [True, False, None]


def test_a_flag_of_own_words_keeps_their_meaning() -> None:
    form = FlagForm(true="off", false="on")  # a switch whose "off" is the event
    assert parse_flag(pl.Series(["on", "off"]), form).to_list() == [False, True]
