"""Raw cells → numbers, dates and flags.

Each kind has three parts: a *form* (how the values of one column are written), a ``detect_…`` that
finds the form on a sample, or answers ``None`` where the column is something else, and a
``parse_…`` that reads a column of any length with that form. Cells that are missing or cannot be
read become null; which of the two it was, ``is_missing`` tells. Everything is vectorised polars.
"""

from __future__ import annotations

import re
from collections.abc import Set as AbstractSet
from typing import Final, Literal

import msgspec
import polars as pl

# What stands for "no value" among categories: lower case, stripped. Words that can be a level of
# their own (a fence of type "None", a colour "unknown") are not here.
MISSING_TEXT: Final[frozenset[str]] = frozenset(
    {"", "?", "na", "n/a", "n.a.", "#n/a", "#na", "<na>", "nan", "null", "\\n", "(null)", "#null!"}
)

# What stands for "no value" among numbers, dates and flags, where a word is never a value.
MISSING: Final[frozenset[str]] = MISSING_TEXT | {
    *("none", "-", "--", "---", "–", "—", ".", "..", "...", "??", "*"),
    *("missing", "nil", "unknown", "undefined", "not available", "not applicable", "nat", "-nan"),
    *("no data", "n.d.", "nd", "tbd", "blank", "empty", "(blank)", "[null]", "#value!", "#div/0!"),
    *("#ref!", "#num!", "#name?", "1.#qnan", "-1.#ind", "1.#ind"),
}

# A column is taken for numbers (or dates) when this share of its filled cells reads as such, and
# nearly this share of its distinct values: among few levels, one that cannot be read makes codes.
READABLE_ROWS: Final = 0.95
READABLE_LEVELS: Final = 0.90

_SPACES = "[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]"


def is_missing(values: pl.Series, markers: AbstractSet[str] = MISSING) -> pl.Series:
    """Which cells say "no value": null, NaN, or a marker word. Boolean, same length, no nulls."""
    if values.dtype == pl.String:
        words = values.str.strip_chars().str.to_lowercase()
        return words.is_in(sorted(markers)).fill_null(True)
    if values.dtype.is_float():
        return values.is_nan().fill_null(True)
    return values.is_null()


def to_text(values: pl.Series) -> pl.Series:
    """Any scalar column as text; whole floats lose their ".0", so that 3, 3.0 and "3" agree.

    Raises ``polars.exceptions.PolarsError`` for nested columns.
    """
    if values.dtype == pl.String:
        return values
    if values.dtype.is_float() or values.dtype.is_decimal():
        numbers = values.cast(pl.Float64).fill_nan(None)
        whole = numbers.is_not_null() & (numbers == numbers.round()) & (numbers.abs() < 2**53)
        texts = numbers.cast(pl.String)
        integers = numbers.zip_with(whole, pl.Series([None], dtype=pl.Float64)).cast(pl.Int64)
        return integers.cast(pl.String).zip_with(whole, texts)
    return values.cast(pl.String)


def levels(sample: pl.Series, markers: AbstractSet[str] = MISSING) -> pl.DataFrame:
    """The distinct filled values of a text column: ``text`` (tidied), ``rows`` (most first)."""
    texts = _tidy(sample)
    texts = texts.filter(~is_missing(texts, markers)).alias("text")
    return texts.value_counts(sort=True, name="rows")


def _tidy(texts: pl.Series) -> pl.Series:
    """Text without outer blanks, with every kind of blank as a space and every minus as ``-``."""
    spaced = texts.str.replace_all(_SPACES, " ").str.replace_all("[\u2212\u2012]", "-")
    return spaced.str.strip_chars()


# ---------------------------------------------------------------------------------------- numbers


class NumberForm(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How the numbers of a column are written: decimal mark, thousands mark, unit or currency.

    ``ambiguous``: the values would read differently with the marks exchanged ("1,234"), and
    nothing in the column decides it.
    """

    decimal: str = "."
    thousands: str | None = None
    unit: str | None = None
    ambiguous: bool = False


# The order decides where several pairs of marks read the same number of values.
_MARKS: Final[tuple[tuple[str, str | None], ...]] = (
    (".", None),
    (".", ","),
    (".", " "),
    (".", "'"),
    (",", None),
    (",", "."),
    (",", " "),
    (",", "'"),
)
_CURRENCY = r"(?:(?:US|AU|CA|C|A|HK|NZ|S|R|MX)?\$|[€£¥₹₽₩₺₪₫฿₴₦¢]|Rs\.?|[A-Z]{3})"
_UNIT = rf"(?:{_CURRENCY}|[\p{{L}}%‰°/²³][^\s\d()]{{0,14}}[23]?(?: [\p{{L}}/][^\s\d()]{{0,14}})?)"
_CELL = (
    rf"^(?P<open>\()?\s*(?P<sign>[+-])?\s*(?P<prefix>{_CURRENCY})?\s*(?P<inner>[+-])?\s*"
    r"(?P<body>[.,]?\d(?:[\d.,'’ ]*\d)?[.,]?(?:[eE][+-]?\d+)?)"
    rf"\s*(?P<suffix>{_UNIT})?(?P<after>-)?\s*(?:\))?$"
)


def _number_pattern(decimal: str, thousands: str | None) -> str:
    """The regular expression of an unsigned number with these marks."""
    point, whole = re.escape(decimal), r"\d+"
    if thousands is not None:
        mark = re.escape(thousands)
        # Indian grouping (12,34,567) is written with commas only.
        middle = rf"(?:{mark}\d{{2,3}})*" if thousands == "," else rf"(?:{mark}\d{{3}})*"
        whole = rf"(?:[1-9]\d{{0,2}}{middle}{mark}\d{{3}}|\d+)"
    return rf"^(?:{whole}(?:{point}\d*)?|{point}\d+)(?:[eE][+-]?\d+)?$"


def _cells(texts: pl.Series) -> pl.DataFrame:
    """Number cells in parts: open, sign, prefix, inner, body, suffix, after; null if no match."""
    parts = texts.str.extract_groups(_CELL).struct.unnest()
    return parts.with_columns(pl.col("body").str.replace_all("’", "'"))


def _unit_key(unit: pl.Expr) -> pl.Expr:
    """A unit for comparison: lower case, no dots, singular."""
    plain = unit.str.to_lowercase().str.strip_chars(" .")
    return plain.str.replace(r"^(\p{L}{3,})s$", "${1}")


def _unit(parts: pl.DataFrame) -> pl.DataFrame:
    """Adds ``unit`` as written and ``key`` for comparison ("" where there is none)."""
    unit = pl.coalesce("prefix", "suffix").fill_null("")
    return parts.with_columns(unit=unit, key=_unit_key(unit))


def detect_number(sample: pl.Series) -> NumberForm | None:
    """The form of a column of numbers, or ``None`` where it holds something else.

    ``sample``: any column. The marks are those that read the most rows; on a tie a point is the
    decimal mark and a comma separates thousands, unless plain numbers of four and more digits
    stand beside it. One unit must carry nearly all values that have one.
    """
    if sample.dtype.is_numeric() or sample.dtype in (pl.Duration, pl.Time):
        return NumberForm(unit="s" if sample.dtype in (pl.Duration, pl.Time) else None)
    if sample.dtype != pl.String:
        return None
    cells = levels(sample)
    if cells.is_empty():
        return None
    parts = _unit(_cells(cells["text"])).with_columns(cells["rows"]).filter(pl.col("body").is_not_null())
    if not _enough(parts, cells):
        return None
    unit, key = _common_unit(parts)
    form = _choose_marks(parts, unit)
    read = parts.filter(
        pl.col("key").is_in(["", key])
        & pl.col("body").str.contains(_number_pattern(form.decimal, form.thousands))
    )
    return form if _enough(read, cells) else None


def _enough(read: pl.DataFrame, cells: pl.DataFrame) -> bool:
    """Whether what could be read is nearly all: of the rows, and of the distinct values."""
    rows = int(read["rows"].sum()) >= READABLE_ROWS * int(cells["rows"].sum())
    return rows and read.height >= READABLE_LEVELS * cells.height


def _common_unit(parts: pl.DataFrame) -> tuple[str | None, str]:
    """The unit of most rows, as written and as compared."""
    units = parts.filter(pl.col("key") != "")
    if units.is_empty():
        return None, ""
    counts = units.group_by("key", maintain_order=True).agg(
        pl.col("rows").sum(), pl.col("unit").sort_by("rows").last()
    )
    best = counts.sort("rows", "key", descending=[True, False]).row(0, named=True)
    return best["unit"].strip(" ."), best["key"]


def _choose_marks(parts: pl.DataFrame, unit: str | None) -> NumberForm:
    """The decimal and thousands marks that read most rows."""
    body = pl.col("body")
    sums = parts.select(
        pl.col("rows").filter(body.str.contains(_number_pattern(*marks))).sum().alias(str(place))
        for place, marks in enumerate(_MARKS)
    ).row(0)
    decimal, thousands = _MARKS[max(range(len(_MARKS)), key=lambda place: (sums[place], -place))]
    ambiguous = thousands == "," and sums[_MARKS.index((",", None))] == max(sums)
    if ambiguous and parts["body"].str.contains(r"^\d{4,}(?:,|$)").any():
        # "1,234" beside "5678": who wrote the second does not separate thousands.
        return NumberForm(decimal=",", unit=unit)
    return NumberForm(decimal=decimal, thousands=thousands, unit=unit, ambiguous=ambiguous)


def parse_number(values: pl.Series, form: NumberForm) -> pl.Series:
    """The numbers of a column as Float64, same length; null where missing or unreadable.

    A unit other than the form's makes a cell unreadable; a bare number is read. Durations and
    times of day become seconds. Infinities stay: what to do about them is the caller's decision.
    """
    if values.dtype == pl.Duration:
        return (values.dt.total_microseconds() / 1e6).cast(pl.Float64)
    if values.dtype == pl.Time:
        return (values.cast(pl.Int64) / 1e9).cast(pl.Float64)
    if values.dtype == pl.Float64:
        return values.fill_nan(None) if values.is_nan().any() else values
    if values.dtype.is_numeric() or values.dtype == pl.Boolean:
        numbers = values.cast(pl.Float64)
        return numbers.fill_nan(None) if values.dtype.is_float() else numbers
    if values.dtype != pl.String:
        return pl.Series(values.name, [None] * len(values), dtype=pl.Float64)
    return _parse_texts(values, form)


def _parse_texts(values: pl.Series, form: NumberForm) -> pl.Series:
    """Numbers from text: a plain cast where it suffices, the marks only for what is left."""
    if form.decimal != ".":
        return _parse_marks(values, form)
    numbers = values.cast(pl.Float64, strict=False).fill_nan(None)
    left = (numbers.is_null() & values.is_not_null()).arg_true()
    if len(left) == 0:
        return numbers
    return numbers.scatter(left, _parse_marks(values.gather(left), form))


def _parse_marks(values: pl.Series, form: NumberForm) -> pl.Series:
    """Numbers from text with marks, units, currencies and brackets."""
    frame = _unit(_cells(_tidy(values)))
    body, readable = pl.col("body"), _number_pattern(form.decimal, form.thousands)
    key = pl.select(_unit_key(pl.lit(form.unit or ""))).item()
    digits = body if form.thousands is None else body.str.replace_all(form.thousands, "", literal=True)
    number = digits.str.replace(form.decimal, ".", literal=True).cast(pl.Float64, strict=False)
    minus = pl.any_horizontal(pl.col("sign", "inner", "after").eq_missing(pl.lit("-")))
    sign = pl.when(minus != pl.col("open").is_not_null()).then(-1.0).otherwise(1.0)
    good = body.str.contains(readable) & pl.col("key").is_in(["", key])
    return frame.select(pl.when(good).then(number * sign).alias(values.name)).to_series()


# ------------------------------------------------------------------------------------------ dates

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
    cells = levels(to_text(sample))
    if cells.is_empty():
        return None
    form = _detect_written(cells)
    return _detect_count(cells) if form is None and counts else form


def _detect_written(cells: pl.DataFrame) -> DateForm | None:
    """The order of the parts that reads most rows; a tie of day and month is the day's."""
    if not _looks_written(cells):
        return None
    sums: dict[Order, int] = {}
    for order in _ORDERS:
        read = _parse_written(cells["text"], order).is_not_null()
        sums[order] = int(cells["rows"].filter(read).sum())
        if _enough(cells.filter(read), cells) and order in ("year-month-day", "compact"):
            return DateForm(order=order)
    best = max(_ORDERS, key=lambda order: sums[order])
    if not _enough(cells.filter(_parse_written(cells["text"], best).is_not_null()), cells):
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
        if _enough(cells.filter(inside), cells):
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
    texts = _tidy(to_text(values))
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


# ------------------------------------------------------------------------------------------ flags


class FlagForm(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which word of a two-valued column is true and which is false, in lower case."""

    true: str = "true"
    false: str = "false"


_FLAGS: Final[tuple[tuple[str, str], ...]] = (
    ("true", "false"),
    ("yes", "no"),
    ("1", "0"),
    ("t", "f"),
    ("y", "n"),
    ("on", "off"),
    ("ja", "nein"),
    ("oui", "non"),
    ("sí", "no"),
    ("si", "no"),
)
_TRUE: Final = frozenset(true for true, _ in _FLAGS)
_FALSE: Final = frozenset(false for _, false in _FLAGS)


def _flag_words(values: pl.Series) -> pl.Series:
    """Cells as lower-case words; a number written "1.0" is the word "1"."""
    return to_text(values).str.strip_chars().str.to_lowercase().str.replace(r"^([01])\.0+$", "${1}")


def detect_flag(sample: pl.Series) -> FlagForm | None:
    """The form of a two-valued yes/no column, or ``None``. Both words must occur."""
    if sample.dtype == pl.Boolean:
        return FlagForm()
    if not (sample.dtype == pl.String or sample.dtype.is_numeric()):
        return None
    words = _flag_words(sample)
    found = set(words.filter(~is_missing(words)).unique().head(3).to_list())
    for true, false in _FLAGS:
        if found == {true, false}:
            return FlagForm(true=true, false=false)
    return None


def parse_flag(values: pl.Series, form: FlagForm) -> pl.Series:
    """The flags of a column as Boolean, same length; null where missing or unreadable.

    The other usual words for true and false are read as well: a file says "Yes", a web form sends
    ``true``.
    """
    if values.dtype == pl.Boolean:
        return values
    if not (values.dtype == pl.String or values.dtype.is_numeric()):
        return pl.Series(values.name, [None] * len(values), dtype=pl.Boolean)
    words = _flag_words(values).alias("word")
    true = pl.col("word").is_in(sorted((_TRUE - {form.false}) | {form.true}))
    false = pl.col("word").is_in(sorted((_FALSE - {form.true}) | {form.false}))
    flags = pl.when(true).then(True).when(false).then(False)
    return words.to_frame().select(flags.alias(values.name)).to_series()
