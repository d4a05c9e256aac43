"""Which kind and role each column has, and why: the schema.

Every rule looks at one column and either answers or passes it on; the first that answers decides.
Rules look at an even sample of the rows and confirm on the whole column only what one odd value
could overturn, so that a table of a million rows takes no longer than its few doubtful columns.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final, get_args

import msgspec
import numpy as np
import polars as pl

from lamina.data.parse import (
    MISSING_TEXT,
    DateForm,
    FlagForm,
    NumberForm,
    detect_date,
    detect_flag,
    detect_number,
    is_missing,
    parse_flag,
    parse_number,
    to_text,
)
from lamina.data.table import Table
from lamina.errors import TargetError, UsageError, nearest
from lamina.records import Field, Role, Schema
from lamina.tasks import Answer, Predict

# Every kind there is a word for; READABLE are those that have a feature and an input layer now.
KINDS: Final = (
    *("number", "category", "flag", "date", "text", "image"),
    *("audio", "video", "series", "set", "vector", "id"),
)
READABLE: Final = frozenset({"number", "category", "flag", "date", "image"})

SAMPLE_ROWS: Final = 20_000
CLASS_LEVELS: Final = 10  # a whole-number target with more distinct values is a number
CLASS_RANGE: Final = 20  # ... and so is one that spans more than this
FEW_ROWS: Final = 20  # below this, "every value differs" says nothing

_ID_WORDS = frozenset({"id", "ids", "uuid", "guid", "pk", "index", "idx", "identifier", "unnamed"})
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
_CLASS_WORDS = frozenset({"class", "label", "category", "type", "species", "target_class"})
_TIME_WORDS = frozenset(
    {
        *("time", "timestamp", "date", "datetime", "ts", "epoch", "created", "updated", "modified"),
        *("unixtime", "unix", "when", "moment", "day", "at"),
    }
)
_MEDIA: Final = {
    "image": r"(?i)\.(png|jpe?g|bmp|gif|tiff?|webp)$",
    "audio": r"(?i)\.(wav|mp3|flac|ogg|opus|m4a|aac)$",
    "video": r"(?i)\.(mp4|avi|mov|mkv|webm|mpe?g)$",
}
_IMAGE_MAGIC: Final = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\x00", b"MM\x00*")


@dataclass(frozen=True)
class Reading:
    """What a rule found: a kind, the reason, how to read the cells; ``useless`` is no input."""

    kind: str
    why: str
    unit: str | None = None
    form: dict[str, Any] = field(default_factory=dict)
    useless: bool = False


@dataclass(frozen=True)
class Column:
    """One raw column as the rules see it. ``wide``: the table has more than a few columns."""

    name: str
    values: pl.Series
    sample: pl.Series
    wide: bool

    @cached_property
    def words(self) -> tuple[str, ...]:
        """The words of the name: ``customerID`` → customer, id."""
        spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", self.name)
        return tuple(word for word in re.split(r"[^a-zà-ÿ]+", spaced.lower()) if word)

    @cached_property
    def text(self) -> pl.Series:
        """The filled cells of the sample as stripped text."""
        texts = to_text(self.sample).str.strip_chars()
        return texts.filter(~is_missing(texts, MISSING_TEXT))

    @cached_property
    def distinct(self) -> int:
        """Distinct filled cells: of the column where the sample shows many, else of the sample."""
        in_sample = self.text.n_unique()
        if len(self.sample) == len(self.values) or in_sample <= 0.2 * len(self.text):
            return in_sample
        return self.values.drop_nulls().n_unique()

    @cached_property
    def filled(self) -> int:
        """How many cells the count of distinct ones refers to."""
        if len(self.sample) == len(self.values) or self.distinct == self.text.n_unique():
            return len(self.text)
        return len(self.values) - self.values.null_count()

    @property
    def share(self) -> float:
        """Distinct cells per filled cell: 1 where all differ."""
        return self.distinct / max(self.filled, 1)

    @property
    def is_text(self) -> bool:
        """Whether the raw cells are text."""
        return self.values.dtype == pl.String

    @cached_property
    def whole(self) -> bool:
        """Whether all filled cells of the sample are whole numbers, however typed."""
        if self.sample.dtype.is_integer():
            return True
        if self.sample.dtype.is_float() or self.sample.dtype.is_decimal():
            numbers = self.sample.cast(pl.Float64).fill_nan(None).drop_nulls()
            return bool(numbers.is_finite().all() and (numbers == numbers.round()).all())
        return len(self.text) > 0 and bool(self.text.str.contains(r"^[+-]?\d+(\.0+)?$").all())

    def named(self, words: frozenset[str]) -> bool:
        """Whether the name ends with (for ids also: begins with) one of these words."""
        if not self.words:
            return False
        return self.words[-1] in words or (words is _ID_WORDS and self.words[0] in words)


# ------------------------------------------------------------------------------------- the schema


def infer(
    table: Table,
    *,
    target: str | None = None,
    task: Predict | None = None,
    kinds: Mapping[str, str] | None = None,
    roles: Mapping[str, str] | None = None,
    readable: Container[str] = READABLE,
) -> Schema:
    """The schema of a table: for every column its kind, role and the reason.

    ``target`` (else the task's, else the table's own label) is the answer; a table without one
    gets a schema of inputs. ``kinds`` and ``roles`` overrule, by column name. Columns of a kind
    that is not in ``readable`` are ignored, and say so.

    Raises ``UsageError`` for overrides that cannot be, ``TargetError`` for a target that is not
    there, is empty, or is of a kind that cannot be an answer.
    """
    kinds, roles = dict(kinds or {}), dict(roles or {})
    names = table.frame.columns
    _check_overrides(names, kinds, roles)
    target = _target_name(table, target, task, roles)
    sample = _sample(table.frame)
    fields = []
    for name in names:
        column = Column(name, table.frame[name], sample[name], wide=len(names) > 3)
        if name == target:
            fields.append(_target_field(column, task.answer if task else None, kinds.get(name)))
        else:
            fields.append(_field(column, kinds.get(name), roles.get(name), readable))
    return Schema(tuple(fields))


def _sample(frame: pl.DataFrame) -> pl.DataFrame:
    """At most SAMPLE_ROWS rows, spread evenly, in order."""
    if frame.height <= SAMPLE_ROWS:
        return frame
    return frame[np.linspace(0, frame.height - 1, SAMPLE_ROWS).astype(np.int64)]


def _check_overrides(names: list[str], kinds: dict[str, str], roles: dict[str, str]) -> None:
    """All impossible overrides of one call, in one message."""
    problems, remedies = [], []
    for what, given, known in (("kind", kinds, KINDS), ("role", roles, get_args(Role))):
        for name, value in given.items():
            if name not in names:
                problems.append(f"The {what} of {name!r} was set, but there is no such column.")
                remedies.append(nearest(name, names))
            elif value not in known:
                problems.append(f"{value!r} is no {what} (set for column {name!r}).")
                remedies.append(nearest(str(value), known))
    if problems:
        raise UsageError(" ".join(problems), " ".join(remedies), kinds=kinds, roles=roles)


def _target_name(table: Table, target: str | None, task: Predict | None, roles: dict[str, str]) -> str | None:
    """The one column to predict, however it was named; ``None`` where nobody named one."""
    asked = [target] if target is not None else [task.target] if task is not None else []
    named = dict.fromkeys([*asked, *(name for name, role in roles.items() if role == "target")])
    if len(named) > 1:
        listed = " and ".join(repr(name) for name in named)
        raise UsageError(
            f"Several targets were named: {listed}.",
            "Name one column to predict.",
            targets=[*named],
        )
    name = next(iter(named), table.label)
    if name is not None and name not in table.frame.columns:
        raise TargetError(
            f"There is no column {name!r} to predict in {table.source}.",
            nearest(name, table.frame.columns),
            column=name,
        )
    if name is not None and roles.get(name, "target") != "target":
        raise UsageError(
            f"Column {name!r} is the target and was given the role {roles[name]!r}.",
            "Drop the role, or name another target.",
            column=name,
        )
    return name


def _field(column: Column, kind: str | None, role: str | None, readable: Container[str]) -> Field:
    """One column that is not the target."""
    reading = read(column) if kind is None else read_as(column, kind)
    chosen: Any = role or ("ignored" if reading.useless or reading.kind not in readable else "input")
    why = reading.why
    if role is not None:
        _check_role(column.name, role, reading.kind, readable)
        why = f"{why}; you set the role"
    elif reading.kind not in readable and not reading.useless:
        why = f"{why}; this version reads no {reading.kind} yet"
    return Field(
        name=column.name,
        kind=reading.kind,
        role=chosen,
        why=why,
        unit=reading.unit,
        form=reading.form,
    )


def _check_role(name: str, role: str, kind: str, readable: Container[str]) -> None:
    """Whether a column of this kind can take the role the user gave it."""
    able = {"time": {"date", "number"}, "weight": {"number", "flag"}}.get(role)
    if able is not None and kind not in able:
        raise UsageError(
            f"Column {name!r} is of kind {kind} and cannot have the role {role!r}.",
            f"A column with this role must be one of: {', '.join(sorted(able))}. "
            f"If it is, say so with kinds={{{name!r}: {min(able)!r}}}.",
            column=name,
        )
    if role == "input" and kind not in readable:
        raise UsageError(
            f"Column {name!r} was taken for {kind}, which cannot be an input in this version.",
            f"Take its values as categories with kinds={{{name!r}: 'category'}}, or leave it out.",
            column=name,
        )


# -------------------------------------------------------------------------------------- the rules


def read(column: Column) -> Reading:
    """The kind of a column, by the first rule that answers."""
    empty = _empty(column)
    if empty is not None:
        return empty
    reading = next(found for rule in _RULES if (found := rule(column)) is not None)
    constant = _constant(column)
    if constant is None or reading.useless:
        return reading
    return Reading(reading.kind, constant, reading.unit, reading.form, useless=True)


def _empty(column: Column) -> Reading | None:
    """No filled cell at all."""
    dtype = column.values.dtype
    if dtype != pl.Null and not (is_missing(column.sample).all() and is_missing(column.values).all()):
        return None
    kind = "number" if dtype.is_numeric() else "category"
    return Reading(kind, "every value is missing", useless=True)


def _constant(column: Column) -> str | None:
    """The reason, where every row holds the same value."""
    values = column.values
    if values.dtype.is_nested() or values.dtype == pl.Binary or values.null_count() > 0:
        return None
    first = values[0]
    if not (column.sample == first).all() or not (values == first).all():
        return None
    return f"constant: always {_shown(first)}"


def _shown(value: object) -> str:
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 40 else text[:37] + "…"


def _media(column: Column) -> Reading | None:
    """Pictures and recordings: pixels, encoded files, or paths by their ending."""
    dtype = column.values.dtype
    if isinstance(dtype, pl.Array) and len(dtype.shape) in (2, 3) and _innermost(dtype) == pl.UInt8:
        size = " × ".join(str(length) for length in dtype.shape)
        return Reading("image", f"pixels, {size}", form={"raw": "pixels"})
    if dtype == pl.Binary:
        starts = [bytes(cell[:12]) for cell in column.sample.drop_nulls().head(50)]
        pictures = sum(s.startswith(_IMAGE_MAGIC) or s[8:12] == b"WEBP" for s in starts)
        if starts and pictures >= 0.9 * len(starts):
            return Reading("image", "encoded picture files", form={"raw": "bytes"})
        return Reading("id", "binary data of an unknown format", useless=True)
    if column.is_text:
        for kind, ending in _MEDIA.items():
            if column.text.str.contains(ending).sum() >= 0.95 * max(len(column.text), 1):
                return Reading(kind, f"paths of {kind} files", form={"raw": "path"})
    return None


def _innermost(dtype: pl.DataType) -> Any:
    while isinstance(dtype, (pl.Array, pl.List)):
        dtype = dtype.inner  # type: ignore[assignment]
    return dtype


def _nested(column: Column) -> Reading | None:
    """Several values in one cell."""
    dtype = column.values.dtype
    if not dtype.is_nested() and dtype != pl.Object:
        return None
    if not isinstance(dtype, (pl.List, pl.Array)):
        return Reading("set", "nested records in one cell")
    if not _innermost(dtype).is_numeric():
        return Reading("set", "several values in one cell")
    if isinstance(dtype, pl.Array) and len(dtype.shape) == 1:
        return Reading("vector", f"{dtype.shape[0]} numbers in every cell")
    lengths = column.sample.drop_nulls().list.len() if isinstance(dtype, pl.List) else None
    if lengths is not None and lengths.n_unique() == 1 and not _innermost(dtype).is_nested():
        return Reading("vector", f"{lengths[0]} numbers in every cell")
    return Reading("series", "a series of numbers in every cell")


def _flag(column: Column) -> Reading | None:
    """Yes and no."""
    form = detect_flag(column.sample)
    if form is None or column.values.dtype == pl.Boolean:
        return None if form is None else Reading("flag", "true or false", form=_plain(form))
    values = column.values
    unread = parse_flag(values, form).is_null() & ~is_missing(values)
    if unread.any():  # a third value outside the sample
        return None
    return Reading("flag", f"two values: {form.true} and {form.false}", form=_plain(form))


def _codes(column: Column) -> Reading | None:
    """Digits that count nothing: identifiers, postcodes, row numbers."""
    if not column.whole:
        return None
    numbered = column.named(_ID_WORDS) or column.named(_COUNT_WORDS)
    if column.share == 1 and column.filled >= FEW_ROWS and (numbered or _counts_rows(column)):
        why = _identifies(column) if numbered else "it counts the rows"
        return Reading("id", why, useless=True)
    written = _written_as_code(column)
    if written is None and not (numbered or column.named(_CODE_WORDS)):
        return None
    why = written or f"the name says code, not quantity, and there are {_levels(column)}"
    if column.share <= 0.5 or column.filled < FEW_ROWS:
        return Reading("category", why, form=_category_form(column))
    if written or column.named(_ID_WORDS):
        return Reading("id", _identifies(column), useless=True)
    return None


def _written_as_code(column: Column) -> str | None:
    """Text whose digits are no quantity: leading zeros, or more of them than a number can hold."""
    if not column.is_text:
        return None
    if column.text.str.contains(r"^0\d").sum() >= 0.01 * len(column.text):
        return f"digits with leading zeros are codes ({_levels(column)})"
    if (column.text.str.len_chars() >= 16).sum() >= 0.5 * len(column.text):
        return f"numbers of 16 and more digits are codes ({_levels(column)})"
    return None


def _counts_rows(column: Column) -> bool:
    """Whether a whole-number column grows by one from row to row, beside other columns."""
    if not column.wide or len(column.values) < 100 or column.values.null_count() > 0:
        return False
    numbers = parse_number(column.values, NumberForm())
    return bool((numbers.diff().drop_nulls() == 1).all()) and numbers.null_count() == 0


def _date(column: Column) -> Reading | None:
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
    return Reading("date", why, form=_plain(form))


def _number(column: Column) -> Reading | None:
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
        why += f"; {share} are none ({_shown(column.sample.filter(unread)[0])}) and count as missing"
    return Reading("number", why, unit=form.unit, form=_plain(form))


def _written(column: Column) -> Reading:
    """Words: categories where they repeat, ids or free text where they do not. Always answers."""
    words = float(column.text.str.count_matches(r"\S+").median() or 0)  # type: ignore[arg-type]
    length = float(column.text.str.len_chars().median() or 0)  # type: ignore[arg-type]
    if column.named(_ID_WORDS) and column.share >= 0.95 and column.filled >= FEW_ROWS:
        return Reading("id", _identifies(column), useless=True)
    free = f"free text (median {words:.0f} words, {_percent(column.share)} distinct)"
    repeats = column.filled / max(column.distinct, 1)
    long = words >= 6 or length >= 60
    if long and (repeats < 2 or (column.distinct > FEW_ROWS and repeats < 10)):
        return Reading("text", free)
    if column.share <= 0.5 or column.filled < FEW_ROWS:
        return Reading("category", _levels(column), form=_category_form(column))
    if words >= 2:
        return Reading("text", free)
    return Reading("id", _identifies(column), useless=True)


_RULES: Final[tuple[Callable[[Column], Reading | None], ...]] = (
    *(_media, _nested, _flag, _date, _codes, _number, _written),
)


def _levels(column: Column) -> str:
    """How many values, and how often: "3 values: 'a', 'b', 'c'"."""
    if column.distinct == 1:
        return f"one value: {_shown(column.text[0])}, or missing"
    if column.distinct <= 3:
        shown = ", ".join(_shown(value) for value in column.text.unique().sort().head(3))
        return f"{column.distinct} values: {shown}"
    rows = (len(column.values) - column.values.null_count()) / column.distinct
    return f"{column.distinct:,} values, {rows:,.0f} rows each on average"


def _identifies(column: Column) -> str:
    """The reason of an id."""
    share = "all" if column.share == 1 else f"{_percent(column.share)} of the"
    return f"an id: {share} values are distinct"


def _percent(share: float) -> str:
    return f"{share:.1%}" if 0 < share < 0.01 else f"{share:.0%}"


def _plain(form: msgspec.Struct) -> dict[str, Any]:
    """A form as plain data for the schema, always with its first member."""
    plain: dict[str, Any] = msgspec.structs.asdict(form)
    return {name: value for name, value in plain.items() if value not in (None, False)}


def _category_form(column: Column) -> dict[str, Any]:
    """What type the levels had: "boolean", "integer", "number" or "text"."""
    dtype = column.values.dtype
    if dtype == pl.Boolean:
        return {"values": "boolean"}
    if column.whole:
        return {"values": "integer"}
    return {"values": "number" if dtype.is_numeric() else "text"}


# --------------------------------------------------------------------------- what the user decides


def read_as(column: Column, kind: str) -> Reading:
    """A column read as the kind the user names. Raises ``UsageError`` if it cannot be."""
    why = f"you set the kind to {kind}"
    if kind == "number":
        number = detect_number(column.sample) or _closest_number(column)
        return Reading(kind, why, unit=number.unit, form=_plain(number))
    if kind == "date":
        date = detect_date(column.sample, counts=True)
        return Reading(kind, why, form=_plain(date or _refuse(column, kind)))
    if kind == "flag":
        flag = detect_flag(column.sample) or _two_words(column)
        return Reading(kind, f"{why}; {flag.true} counts as true", form=_plain(flag))
    if kind == "category":
        return Reading(kind, why, form=_category_form(column))
    return Reading(kind, why)


def _closest_number(column: Column) -> NumberForm:
    """The form of the cells that are numbers, in a column where many are not."""
    if column.is_text:
        digits = column.sample.filter(column.sample.str.contains(r"^\W*\d[\d.,' ]*\W*$").fill_null(False))
        form = detect_number(digits)
        if form is not None:
            return form
    raise _refusal(column, "number")


def _two_words(column: Column) -> FlagForm:
    """Two words of any meaning as false and true, in alphabetical order."""
    found = sorted(set(column.text.str.to_lowercase().unique().to_list()))
    if len(found) != 2:
        raise _refusal(column, "flag")
    return FlagForm(true=found[1], false=found[0])


def _refuse(column: Column, kind: str) -> DateForm:
    raise _refusal(column, kind)


def _refusal(column: Column, kind: str) -> UsageError:
    filled = column.sample.drop_nulls()
    example = f" It holds values such as {_shown(filled[0])}." if len(filled) else " It is empty."
    return UsageError(
        f"Column {column.name!r} cannot be read as kind {kind!r}.{example}",
        f"Take the kind away to let the values decide, or use kinds={{{column.name!r}: 'category'}}.",
        column=column.name,
        kind=kind,
    )


# ------------------------------------------------------------------------------------- the target


def _target_field(column: Column, answer: Answer | None, kind: str | None) -> Field:
    """The column to predict: a number, or classes as categories that keep their own words."""
    if kind is not None and kind not in ("number", "category", "flag"):
        raise UsageError(
            f"The target {column.name!r} was given the kind {kind!r}, which cannot be an answer.",
            "A target is of kind 'number' (predict a quantity) or 'category' (predict a class).",
            column=column.name,
        )
    if _empty(column) is not None:
        raise TargetError(
            f"The target {column.name!r} has no value in any row.",
            "Name another column, or fill it for the rows to learn from.",
            column=column.name,
        )
    wanted = answer or {"number": "number", None: None}.get(kind, "classes")
    if wanted == "classes":
        _refuse_kinds(column, ("image", "audio", "video", "set", "series", "vector"))
        reading = Reading("category", "you asked for classes", form=_category_form(column))
    elif wanted == "number":
        reading = _as_quantity(column)
    else:
        reading = _classes_or_number(column)
    return Field(
        name=column.name,
        kind=reading.kind,
        role="target",
        why=reading.why,
        unit=reading.unit,
        form=reading.form,
    )


def _as_quantity(column: Column) -> Reading:
    """A target that the user wants as a number."""
    form = detect_number(column.sample)
    if form is None:
        example = column.text[0] if len(column.text) else ""
        raise TargetError(
            f"The target {column.name!r} was asked for as a number, but holds values such as "
            f"{_shown(example)}.",
            'Predict classes instead: Predict(target=…, answer="classes").',
            column=column.name,
        )
    return Reading("number", "you asked for a number", unit=form.unit, form=_plain(form))


def _classes_or_number(column: Column) -> Reading:
    """What a target is when nobody said: words are classes, quantities are numbers."""
    _refuse_kinds(column, ("image", "audio", "video", "set", "series", "vector", "date"))
    number = None if _written_as_code(column) else _number(column)
    if column.values.dtype == pl.Boolean or number is None:
        return Reading("category", f"classes: {_levels(column)}", form=_category_form(column))
    if not _few_wholes(column):
        return _hint_classes(column, number)
    override = 'to predict a number, use Predict(target=…, answer="number")'
    return Reading(
        "category",
        f"classes: only {column.distinct} distinct whole numbers ({override})",
        form=_category_form(column),
    )


def _hint_classes(column: Column, number: Reading) -> Reading:
    """A number that could as well be the number of a class says how to have it so."""
    if not column.whole or column.distinct > 100 or column.filled < 10 * column.distinct:
        return number
    hint = 'to predict classes, use Predict(target=…, answer="classes")'
    return replace(number, why=f"{number.why}, {column.distinct} distinct ({hint})")


def _refuse_kinds(column: Column, kinds: tuple[str, ...]) -> None:
    """Some kinds cannot be an answer."""
    found = next((r for rule in (_media, _nested, _date) if (r := rule(column))), None)
    if found is not None and found.kind in kinds:
        raise TargetError(
            f"The target {column.name!r} holds {found.why}; a {found.kind} cannot be predicted.",
            "Name a column of numbers or classes, or compute one (for a date: the days until it).",
            column=column.name,
        )


def _few_wholes(column: Column) -> bool:
    """Whether a numeric target is a handful of whole numbers that repeat: classes in disguise."""
    if not column.whole:
        return False
    numbers = parse_number(column.values, NumberForm()).drop_nulls()
    distinct = numbers.n_unique()
    if distinct <= 2:
        return len(numbers) > 2
    if column.values.dtype.is_float() or column.filled < 2 * distinct:
        return False
    if column.named(_CLASS_WORDS):
        return distinct <= 1000
    low, high = float(numbers.min()), float(numbers.max())  # type: ignore[arg-type]
    return distinct <= CLASS_LEVELS and high - low <= CLASS_RANGE
