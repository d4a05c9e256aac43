"""Raw cells → flags: which of two words is true."""

from __future__ import annotations

from typing import Final

import msgspec
import polars as pl

from lamina.data.parse import is_missing, to_text


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
_FIRST: Final = 1000  # cells among which most columns of numbers show that they are no flags
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
    if sample.dtype.is_numeric() and _counts_on(sample.head(_FIRST)):
        return None
    words = _flag_words(sample)
    found = set(words.filter(~is_missing(words)).unique().head(3).to_list())
    for true, false in _FLAGS:
        if found == {true, false}:
            return FlagForm(true=true, false=false)
    return None


def _counts_on(numbers: pl.Series) -> bool:
    """Whether there are other numbers than 0 and 1."""
    return bool(((numbers != 0) & (numbers != 1) & ~is_missing(numbers)).any())


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
