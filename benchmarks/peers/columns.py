"""Raw columns read the way a careful engineer reads them for a library of numbers and categories.

A column whose values are all numbers is one (blanks, "?", "NA" are missing); dates become days, month and
weekday; long texts stay texts; everything else is a category. Categories never met before are missing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

if TYPE_CHECKING:
    import pandas as pd

MISSING = ("", "?", "NA", "N/A", "nan", "NaN", "null", "None")
WORDS = 4  # on the mean, from which a column of mostly different values is a text


@dataclass(frozen=True)
class Columns:
    """The kinds of the columns, fitted on training rows; ``categories`` with their values."""

    numbers: tuple[str, ...]
    dates: tuple[str, ...]
    categories: dict[str, tuple[str, ...]]
    texts: tuple[str, ...]

    @classmethod
    def of(cls, rows: pl.DataFrame, without: tuple[str, ...]) -> Columns:
        kinds: dict[str, list[str]] = {"number": [], "date": [], "text": [], "category": []}
        for name in rows.columns:
            if name not in without:
                kinds[_kind(rows[name])].append(name)
        values = {
            name: tuple(rows[name].cast(pl.String).drop_nulls().unique().sort().to_list())
            for name in kinds["category"]
        }
        return cls(tuple(kinds["number"]), tuple(kinds["date"]), values, tuple(kinds["text"]))

    def pandas(self, rows: pl.DataFrame) -> pd.DataFrame:
        """Floats (missing: NaN) and columns of type category; texts are left out."""
        import pandas as pd

        made: dict[str, Any] = {name: _floats(rows[name]).to_numpy() for name in self.numbers}
        for name in self.dates:
            days = _dates(rows[name])
            made[f"{name} days"] = days.cast(pl.Int32).cast(pl.Float64).to_numpy()
            made[f"{name} month"] = days.dt.month().cast(pl.Float64).to_numpy()
            made[f"{name} weekday"] = days.dt.weekday().cast(pl.Float64).to_numpy()
        for name, values in self.categories.items():
            codes = rows[name].cast(pl.String).replace_strict(
                {value: code for code, value in enumerate(values)}, default=-1, return_dtype=pl.Int32
            )  # fmt: skip
            made[name] = pd.Categorical.from_codes(codes.fill_null(-1).to_numpy(), categories=list(values))
        return pd.DataFrame(made)

    def words(self, rows: pl.DataFrame) -> list[str]:
        """The texts of each row, one after the other."""
        joined = [rows[name].cast(pl.String).fill_null("") for name in self.texts]
        return [" ".join(parts) for parts in zip(*joined, strict=True)]


def _kind(column: pl.Series) -> str:
    if column.dtype.is_numeric() or column.dtype == pl.Boolean:
        return "number"
    said = column.cast(pl.String).str.strip_chars(" %\t")
    said = said.filter(said.is_not_null() & ~said.is_in(MISSING))
    if said.cast(pl.Float64, strict=False).null_count() == 0:
        return "number"
    if _dates(said).null_count() == 0:
        return "date"
    words = said.str.count_matches(r"\S+").mean()
    if said.n_unique() > 0.5 * len(said) and float(words or 0) >= WORDS:  # type: ignore[arg-type]
        return "text"
    return "category"


def _floats(column: pl.Series) -> pl.Series:
    if column.dtype == pl.String:
        column = column.str.strip_chars(" %\t")
    return column.cast(pl.Float64, strict=False)


def _dates(column: pl.Series) -> pl.Series:
    return column.cast(pl.String).str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False)
