"""The rules that tell the kind of a column.

Every rule looks at one column and either answers or passes it on; the first that answers decides.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec
import polars as pl

from lamina.data.columns import ID_WORDS, Column, Reading
from lamina.data.dates import detect_date
from lamina.data.flags import detect_flag, parse_flag
from lamina.data.lists import inner, is_list
from lamina.data.media_cells import MEDIA_KINDS, all_moving, as_paths, kind_of_cells
from lamina.data.media_folders import MEDIA
from lamina.data.numbers import NumberForm, detect_number, parse_number
from lamina.data.parse import is_missing
from lamina.data.plugins import plugged
from lamina.data.prose import has_markup, is_json
from lamina.data.series import read_lists
from lamina.data.sets import read_set
from lamina.records import Field

FEW_ROWS: Final = 20  # below this, "every value differs" says nothing
_COUNT_WORDS = frozenset({"number", "nr", "no", "row", "key", "ref", "reference", "serial"})
_CODE_WORDS = frozenset(
    {
        *(
            "code",
            "codes",
            "zip",
            "zipcode",
            "postcode",
            "postal",
            "plz",
            "type",
            "class",
            "category",
        ),
        *("sku", "isbn", "ean", "upc", "phone", "telephone", "cluster", "label", "species"),
    }
)
_TIME_WORDS = frozenset(
    {
        *("time", "timestamp", "date", "datetime", "ts", "epoch", "created", "updated", "modified"),
        *("unixtime", "unix", "when", "moment", "day", "at"),
    }
)
_MEDIA: Final = {
    kind: rf"(?i)\.({'|'.join(end[1:] for end, of in MEDIA.items() if of == kind)})$" for kind in MEDIA_KINDS
}
EMPTY: Final = "every value is missing"
CONSTANT: Final = "constant: always "
SET_ROLE: Final = "; you set the role"
_GIFS: Final = 8  # GIF files opened to see whether they move


def read(column: Column) -> Reading:
    """The kind of a column, by the first rule that answers."""
    nothing = empty(column)
    if nothing is not None:
        return nothing
    reading = next(found for rule in (plugged, *_RULES) if (found := rule(column)) is not None)
    constant = _constant(column)
    if constant is None or reading.useless:
        return reading
    return Reading(reading.kind, constant, reading.unit, reading.form, useless=True)


def empty(column: Column) -> Reading | None:
    """No filled cell at all."""
    dtype = column.values.dtype
    if dtype != pl.Null and not (is_missing(column.sample).all() and is_missing(column.values).all()):
        return None
    kind = "number" if dtype.is_numeric() else "category"
    return Reading(kind, EMPTY, useless=True)


def _constant(column: Column) -> str | None:
    """The reason, where every row holds the same value."""
    values = column.values
    if values.dtype.is_nested() or values.dtype == pl.Binary or values.null_count() > 0:
        return None
    first = values[0]
    if not (column.sample == first).all() or not (values == first).all():
        return None
    return f"{CONSTANT}{show(first)}"


def told_nothing(field: Field) -> bool:
    """Whether a column was left out because its cells said nothing then: none filled, or all alike."""
    alike = field.why.startswith(CONSTANT) and not field.why.endswith(SET_ROLE)
    return field.role == "ignored" and (field.why == EMPTY or alike)


def show(value: object) -> str:
    """A cell for a message, shortened."""
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 40 else text[:37] + "…"


def media(column: Column) -> Reading | None:
    """Pictures and recordings: pixels, encoded files, or paths by their ending."""
    dtype = column.values.dtype
    if isinstance(dtype, pl.Array) and len(dtype.shape) in (2, 3) and _innermost(dtype) == pl.UInt8:
        size = " × ".join(str(length) for length in dtype.shape)
        return Reading("image", f"pixels, {size}", form={"raw": "pixels"})
    if dtype == pl.Binary:
        kind = kind_of_cells(column.sample)
        if kind is None:
            return Reading("id", "binary data of an unknown format", useless=True)
        if kind == "image" and _animated(column.sample):
            return Reading("video", "encoded GIF files that move", form={"raw": "bytes"})
        what = "picture" if kind == "image" else kind
        return Reading(kind, f"encoded {what} files", form={"raw": "bytes"})
    if column.is_text:
        for kind, ending in _MEDIA.items():
            if column.text.str.contains(ending).sum() >= 0.95 * max(len(column.text), 1):
                if kind == "image" and _animated(as_paths(column.text)):
                    return Reading("video", "paths of GIF files that move", form={"raw": "path"})
                return Reading(kind, f"paths of {kind} files", form={"raw": "path"})
    return None


def _animated(cells: pl.Series) -> bool:
    """Whether a column of picture files holds animations: GIF files of several pictures each."""
    some = cells.drop_nulls().head(_GIFS).to_list()
    if not all(
        each[:4] == b"GIF8" if isinstance(each, bytes) else each.lower().endswith(".gif") for each in some
    ):
        return False
    return all_moving(some)


def _innermost(dtype: pl.DataType) -> Any:
    while isinstance(dtype, (pl.Array, pl.List)):
        dtype = dtype.inner  # type: ignore[assignment]
    return dtype


def nested(column: Column) -> Reading | None:
    """Several values in one cell."""
    dtype = column.values.dtype
    if not dtype.is_nested() and dtype != pl.Object:
        return None
    if not is_list(dtype):
        return Reading(
            "set", "records or tables in one cell: give them as columns of their own", useless=True
        )
    if inner(dtype).is_numeric():
        return read_lists(column)
    empty = column.sample.explode().is_null().all()
    why = "no cell holds a value" if empty else "several values in every cell"
    return Reading("set", why, useless=bool(empty))


def _lists(column: Column) -> Reading | None:
    """Several values in one cell of text: numbers or words."""
    return (read_lists(column) or read_set(column)) if column.is_text else None


def _flag(column: Column) -> Reading | None:
    """Yes and no."""
    form = detect_flag(column.sample)
    if form is None or column.values.dtype == pl.Boolean:
        return None if form is None else Reading("flag", "true or false", form=plain_form(form))
    values = column.values
    unread = parse_flag(values, form).is_null() & ~is_missing(values)
    if unread.any():  # a third value outside the sample
        return None
    return Reading("flag", f"two values: {form.true} and {form.false}", form=plain_form(form))


def _codes(column: Column) -> Reading | None:
    """Digits that count nothing: identifiers, postcodes, row numbers."""
    if not column.whole:
        return None
    numbered = column.named(ID_WORDS) or column.named(_COUNT_WORDS)
    if column.share == 1 and column.filled >= FEW_ROWS and (numbered or _counts_rows(column)):
        why = _identifies(column) if numbered else "it counts the rows"
        return Reading("id", why, useless=True)
    written = written_as_code(column)
    if written is None and not (numbered or column.named(_CODE_WORDS)):
        return None
    why = written or f"the name says code, not quantity, and there are {levels(column)}"
    if column.share <= 0.5 or column.filled < FEW_ROWS:
        return Reading("category", why, form=category_form(column))
    if written or column.named(ID_WORDS):
        return Reading("id", _identifies(column), useless=True)
    return None


def written_as_code(column: Column) -> str | None:
    """Text whose digits are no quantity: leading zeros, or more of them than a number can hold."""
    if not column.is_text:
        return None
    if column.text.str.contains(r"^0\d").sum() >= 0.01 * len(column.text):
        return f"digits with leading zeros are codes ({levels(column)})"
    if (column.text.str.len_chars() >= 16).sum() >= 0.5 * len(column.text):
        return f"numbers of 16 and more digits are codes ({levels(column)})"
    return None


def _counts_rows(column: Column) -> bool:
    """Whether a whole-number column grows by one from row to row, beside other columns."""
    if not column.wide or len(column.values) < 100 or column.values.null_count() > 0:
        return False
    numbers = parse_number(column.values, NumberForm())
    return bool((numbers.diff().drop_nulls() == 1).all()) and numbers.null_count() == 0


def date(column: Column) -> Reading | None:
    """Moments in time."""
    form = detect_date(column.sample, counts=bool(_TIME_WORDS & set(column.words)))
    if form is None:
        return None
    why = {
        "typed": "dates",
        "compact": "dates, written as year, month and day in eight digits",
        "seconds": "seconds since 1970 (the name speaks of time)",
        "milliseconds": "milliseconds since 1970 (the name speaks of time)",
    }.get(form.order, f"dates, written {form.order}")
    if form.ambiguous:
        why += "; nothing tells the day from the month, so the day was taken first"
    return Reading("date", why, form=plain_form(form))


def number(column: Column) -> Reading | None:
    """Quantities."""
    form = detect_number(column.sample)
    if form is None:
        return None
    why = "whole numbers" if column.whole else "numbers"
    if form.decimal == ",":
        why += ", with a decimal comma"
    if form.thousands is not None:
        mark = {" ": "a space", "'": "an apostrophe", ".": "a point", ",": "a comma"}[form.thousands]
        why += f", with {mark} between thousands"
    if form.ambiguous:
        why += " (nothing tells it from a decimal comma)"
    if form.unit is not None:
        why += f", in {form.unit}"
    unread = parse_number(column.sample, form).is_null() & ~is_missing(column.sample)
    if unread.any():
        share = _percent(int(unread.sum()) / len(unread))
        why += f"; {share} are none ({show(column.sample.filter(unread)[0])}) and count as missing"
    return Reading("number", why, unit=form.unit, form=plain_form(form))


def _written(column: Column) -> Reading:
    """Words: categories where they repeat, ids or free text where they do not. Always answers."""
    words = float(column.text.str.count_matches(r"\S+").median() or 0)  # type: ignore[arg-type]
    length = float(column.text.str.len_chars().median() or 0)  # type: ignore[arg-type]
    if column.named(ID_WORDS) and column.share >= 0.95 and column.filled >= FEW_ROWS:
        return Reading("id", _identifies(column), useless=True)
    repeats = column.filled / max(column.distinct, 1)
    long = words >= 6 or length >= 60
    if long and (repeats < 2 or (column.distinct > FEW_ROWS and repeats < 10)):
        return _free_text(column, words)
    if column.share <= 0.5 or column.filled < FEW_ROWS:
        return Reading("category", levels(column), form=category_form(column))
    if words >= 2:
        return _free_text(column, words)
    return Reading("id", _identifies(column), useless=True)


def _free_text(column: Column, words: float) -> Reading:
    share = _percent(column.share)
    return Reading("text", f"free text (median {words:.0f} words, {share} distinct){_written_as(column)}")


def _written_as(column: Column) -> str:
    """What free text is besides, for the reason."""
    if is_json(column.text):
        return ", written as JSON: read as words, not as fields"
    return ", with tags that are taken out" if has_markup(column.text) else ""


_RULES: Final[tuple[Callable[[Column], Reading | None], ...]] = (
    *(media, nested, _flag, date, _codes, number, _lists, _written),
)


def levels(column: Column) -> str:
    """How many values, and how often: "3 values: 'a', 'b', 'c'"."""
    if column.distinct == 1:
        return f"one value: {show(column.text[0])}, or missing"
    if column.distinct <= 3:
        shown = ", ".join(show(value) for value in column.text.unique().sort().head(3))
        return f"{column.distinct} values: {shown}"
    rows = (len(column.values) - column.values.null_count()) / column.distinct
    return f"{column.distinct:,} values, {rows:,.0f} rows each on average"


def _identifies(column: Column) -> str:
    """The reason of an id."""
    share = "all" if column.share == 1 else f"{_percent(column.share)} of the"
    return f"an id: {share} values are distinct"


def _percent(share: float) -> str:
    return f"{share:.1%}" if 0 < share < 0.01 else f"{share:.0%}"


def plain_form(form: msgspec.Struct) -> dict[str, Any]:
    """A form as plain data for the schema, always with its first member."""
    plain: dict[str, Any] = msgspec.structs.asdict(form)
    return {name: value for name, value in plain.items() if value not in (None, False)}


def category_form(column: Column) -> dict[str, Any]:
    """What type the levels had: "boolean", "integer", "number" or "text"."""
    dtype = column.values.dtype
    if dtype == pl.Boolean:
        return {"values": "boolean"}
    if column.whole:
        return {"values": "integer"}
    return {"values": "number" if dtype.is_numeric() else "text"}
