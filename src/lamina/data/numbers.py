"""Raw cells → numbers: decimal and thousands marks, units, currencies, brackets for a minus."""

from __future__ import annotations

import re
from typing import Final

import msgspec
import polars as pl

from lamina.data.parse import enough, levels, tidy


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
    if not cells["text"].str.contains(r"\d").any():
        return None
    parts = _unit(_cells(cells["text"])).with_columns(cells["rows"]).filter(pl.col("body").is_not_null())
    if not enough(parts, cells):
        return None
    unit, key = _common_unit(parts)
    form = _choose_marks(parts, unit)
    read = parts.filter(
        pl.col("key").is_in(["", key])
        & pl.col("body").str.contains(_number_pattern(form.decimal, form.thousands))
    )
    return form if enough(read, cells) else None


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
    frame = _unit(_cells(tidy(values)))
    body, readable = pl.col("body"), _number_pattern(form.decimal, form.thousands)
    key = pl.select(_unit_key(pl.lit(form.unit or ""))).item()
    digits = body if form.thousands is None else body.str.replace_all(form.thousands, "", literal=True)
    number = digits.str.replace(form.decimal, ".", literal=True).cast(pl.Float64, strict=False)
    minus = pl.any_horizontal(pl.col("sign", "inner", "after").eq_missing(pl.lit("-")))
    sign = pl.when(minus != pl.col("open").is_not_null()).then(-1.0).otherwise(1.0)
    good = body.str.contains(readable) & pl.col("key").is_in(["", key])
    return frame.select(pl.when(good).then(number * sign).alias(values.name)).to_series()
