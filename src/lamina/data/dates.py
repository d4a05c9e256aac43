"""Raw cells → dates: the order of the parts, names of months, clocks, zones, counts since 1970."""

from __future__ import annotations

import re
from typing import Final, Literal

import msgspec
import polars as pl

from lamina.data.parse import enough, levels, tidy, to_text

Order = Literal[
    "year-month-day",
    "compact",
    "day-month-year",
    "month-day-year",
    "day-name-year",
    "name-day-year",
    "year-month",
    "month-year",
    "name-year",
    "seconds",
    "milliseconds",
    "typed",
]


class DateForm(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How the dates of a column are written.

    ``order`` of the parts ("seconds" and "milliseconds" count since 1970; "typed" columns are
    dates already). ``ambiguous``: no value tells day from month; the day was taken first.
    """

    order: Order
    ambiguous: bool = False


_YEAR = r"(?P<y>\d{4}|\d{2})"
_NAME = r"(?P<b>\p{L}{3,9})\.?"
_ORDERS: Final[dict[Order, str]] = {
    "year-month-day": r"(?P<y>\d{4})[-/.](?P<m>\d{1,2})[-/.](?P<d>\d{1,2})",
    "compact": r"(?P<y>(?:19|20)\d{2})(?P<m>\d{2})(?P<d>\d{2})",
    "day-month-year": rf"(?P<d>\d{{1,2}})[-/.]\s?(?P<m>\d{{1,2}})[-/.]\s?{_YEAR}",
    "month-day-year": rf"(?P<m>\d{{1,2}})[-/.]\s?(?P<d>\d{{1,2}})[-/.]\s?{_YEAR}",
    "day-name-year": rf"(?P<d>\d{{1,2}})(?:st|nd|rd|th)?\.?[-\s/]?\s*{_NAME},?[-\s/]?\s*{_YEAR}",
    "name-day-year": rf"{_NAME}\s*(?P<d>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<y>\d{{4}})",
    "year-month": r"(?P<y>\d{4})[-/](?P<m>\d{1,2})",
    "month-year": r"(?P<m>\d{1,2})[-/](?P<y>\d{4})",
    "name-year": rf"{_NAME}[-\s/,]*\s*(?P<y>\d{{4}})",
}
_WEEKDAY = r"(?:(?:mon|tue|wed|thu|fri|sat|sun)\p{L}{0,6}\.?,?\s+)?"
_CLOCK = (
    r"(?:(?:T|,?\s+)(?P<h>\d{1,2}):(?P<i>\d{2})(?::(?P<s>\d{2})(?:[.,](?P<f>\d{1,9}))?)?"
    r"\s*(?P<ap>[ap]\.?m\.?)?)?"
)
_ZONE = r"\s*(?P<z>Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)?(?:\[[^\]]*\])?"
_MONTH_NAMES: Final = "jan feb mar apr may jun jul aug sep oct nov dec"
_MONTHS: Final[dict[str, int]] = {
    name: number for number, name in enumerate(_MONTH_NAMES.split(), start=1)
} | {"mär": 3, "mrz": 3, "mai": 5, "okt": 10, "dez": 12}

# Counts since 1970 are believed between 1980 and 2100.
_EPOCH: Final[tuple[tuple[Order, float], ...]] = (("seconds", 1.0), ("milliseconds", 1e3))
_EARLIEST, _LATEST = 315_532_800.0, 4_102_444_800.0


def detect_date(sample: pl.Series, *, counts: bool = False) -> DateForm | None:
    """The form of a column of dates, or ``None`` where it holds something else.

    ``counts`` allows seconds or milliseconds since 1970: a plain number is taken for a moment
    only where the column's name speaks of time.
    """
    if sample.dtype in (pl.Date, pl.Datetime):
        return DateForm(order="typed")
    if not (sample.dtype == pl.String or sample.dtype.is_integer() or sample.dtype.is_float()):
        return None
    broken = _has_fractions(sample)
    if broken and not counts:
        return None
    cells = levels(to_text(sample))
    if cells.is_empty():
        return None
    form = None if broken else _detect_written(cells)
    return _detect_count(cells) if form is None and counts else form


def _has_fractions(sample: pl.Series) -> bool:
    """Whether most cells are numbers with a fraction: no order of parts reads those."""
    return sample.dtype.is_float() and bool(((sample % 1).fill_nan(0.0) != 0).sum() > len(sample) / 2)


def _detect_written(cells: pl.DataFrame) -> DateForm | None:
    """The order of the parts that reads most rows; a tie of day and month is the day's."""
    if not _looks_written(cells):
        return None
    sums: dict[Order, int] = {}
    for order in _ORDERS:
        read = _parse_written(cells["text"], order).is_not_null()
        sums[order] = int(cells["rows"].filter(read).sum())
        if enough(cells.filter(read), cells) and order in ("year-month-day", "compact"):
            return DateForm(order=order)
    best = max(_ORDERS, key=lambda order: sums[order])
    if not enough(cells.filter(_parse_written(cells["text"], best).is_not_null()), cells):
        return None
    tie = best == "day-month-year" and sums["month-day-year"] == sums[best]
    # A dot between day and month is written where the day comes first.
    return DateForm(order=best, ambiguous=tie and not cells["text"].str.contains(r"^\d+\.").any())


def _looks_written(cells: pl.DataFrame) -> bool:
    """A cheap look at the most frequent values: is any order worth trying?"""
    any_order = "|".join(re.sub(r"\?P<\w+>", "?:", pattern) for pattern in _ORDERS.values())
    hits = cells["text"].head(200).str.contains(rf"(?i)^{_WEEKDAY}(?:{any_order})")
    return bool(hits.sum() >= 0.5 * len(hits))


def _detect_count(cells: pl.DataFrame) -> DateForm | None:
    """Seconds or milliseconds since 1970, where nearly all values fall into our times."""
    numbers = cells["text"].cast(pl.Float64, strict=False)
    for order, per_second in _EPOCH:
        inside = numbers.is_between(_EARLIEST * per_second, _LATEST * per_second).fill_null(False)
        if enough(cells.filter(inside), cells):
            return DateForm(order=order)
    return None


def parse_date(values: pl.Series, form: DateForm) -> pl.Series:
    """The dates of a column as naive UTC ``Datetime("us")``, same length.

    Null where missing or unreadable. A written zone is applied; without one the time is taken as
    it stands. Columns that are dates already pass whatever the form; of the two orders of day and
    month only the form's is read, so nothing changes its meaning between training and serving.
    """
    moment = pl.Datetime("us")
    if values.dtype == pl.Datetime:
        if getattr(values.dtype, "time_zone", None) is not None:
            values = values.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
        return values.cast(moment)
    if values.dtype == pl.Date:
        return values.cast(moment)
    if not (values.dtype == pl.String or values.dtype.is_numeric()):
        return pl.Series(values.name, [None] * len(values), dtype=moment)
    for order, per_second in _EPOCH:
        if form.order == order:
            return _parse_count(values, 1e6 / per_second)
    texts = tidy(to_text(values))
    if form.order != "typed":
        return _parse_written(texts, form.order).alias(values.name)
    # Trained on typed dates, served text (JSON has no dates): only the standard way is safe.
    return _parse_written(texts, "year-month-day").alias(values.name)


def _parse_count(values: pl.Series, micros: float) -> pl.Series:
    """Moments from counts since 1970, each worth ``micros`` microseconds."""
    numbers = values.cast(pl.Float64, strict=False)
    believable = numbers.is_finite() & ((numbers * micros).abs() < 2e17)
    counts = pl.select(pl.when(believable).then((numbers * micros).round())).to_series()
    return counts.cast(pl.Int64).cast(pl.Datetime("us")).alias(values.name)


def _parse_written(texts: pl.Series, order: Order) -> pl.Series:
    """Moments from written dates whose parts stand in this order."""
    clock = "" if order in ("year-month", "month-year", "name-year") else _CLOCK + _ZONE
    pattern = rf"(?i)^{_WEEKDAY}{_ORDERS[order]}{clock}$"
    parts = texts.str.extract_groups(pattern).struct.unnest()
    names = ("y", "m", "d", "b", "h", "i", "s", "f", "ap", "z")
    absent = [pl.lit(None, dtype=pl.String).alias(n) for n in names if n not in parts.columns]
    parts = parts.with_columns(absent)
    day = _day().cast(pl.Datetime("us"))
    return parts.select(day + pl.duration(microseconds=_clock_micros() - _zone_micros())).to_series()


def _whole(name: str) -> pl.Expr:
    return pl.col(name).cast(pl.Int64, strict=False)


def _day() -> pl.Expr:
    """The date from its parts; null where there is no such day."""
    year = _whole("y")
    century = pl.when(pl.col("y").str.len_chars() == 2).then(pl.when(year < 69).then(2000).otherwise(1900))
    named = pl.col("b").str.to_lowercase().str.slice(0, 3)
    month = pl.coalesce(_whole("m"), named.replace_strict(_MONTHS, default=None, return_dtype=pl.Int64))
    day = pl.when(pl.col("d").is_null()).then(1).otherwise(_whole("d"))
    # Through text, because only reading text turns the 31st of April into null.
    parts = (part.cast(pl.String).str.zfill(2) for part in (month, day))
    written = pl.concat_str((year + century.fill_null(0)).cast(pl.String).str.zfill(4), *parts, separator="-")
    return pl.when(pl.col("y").is_not_null()).then(written).str.to_date("%Y-%m-%d", strict=False)


def _clock_micros() -> pl.Expr:
    """The time of day in microseconds; 0 where none is written, null for no such time."""
    hour, minute, second = (_whole(name).fill_null(0) for name in ("h", "i", "s"))
    half = pl.col("ap").str.to_lowercase().str.slice(0, 1)
    hour = pl.when(half.is_not_null()).then(hour % 12 + (half == "p").cast(pl.Int64) * 12).otherwise(hour)
    fraction = pl.col("f").str.pad_end(6, "0").str.slice(0, 6).cast(pl.Int64, strict=False)
    good = (hour < 24) & (minute < 60) & (second < 61)
    return pl.when(good).then(((hour * 60 + minute) * 60 + second) * 1_000_000 + fraction.fill_null(0))


def _zone_micros() -> pl.Expr:
    """The written distance from UTC in microseconds; 0 where none is written."""
    digits = pl.col("z").str.replace_all(r"\D", "")
    hours = digits.str.slice(0, 2).cast(pl.Int64, strict=False).fill_null(0)
    minutes = digits.str.slice(2, 2).cast(pl.Int64, strict=False).fill_null(0)
    sign = pl.when(pl.col("z").str.starts_with("-")).then(-1).otherwise(1)
    return (sign * (hours * 60 + minutes)).fill_null(0) * 60_000_000
