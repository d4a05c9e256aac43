"""What moved in a column, in words."""

from __future__ import annotations

import polars as pl

from lamina.learning.records import Drift
from lamina.learning.two_samples import Apart
from lamina.records import Field


def said_column(field: Field, old: pl.Series, new: pl.Series, apart: Apart, effect: str) -> Drift:
    """Of its values: the median of numbers, of others the value whose share changed most."""
    if old.dtype.is_numeric():
        measure = "gap of the distributions"
        middle = [each.median() for each in (old, new)]
        said = f"median {_number(middle[0])} → {_number(middle[1])}"
    else:
        measure = "difference of shares"
        said = _moved_most(old, new)
    return Drift(
        what="column",
        measure=measure,
        distance=apart.distance,
        p=apart.p,
        moved=False,
        column=field.name,
        message=f"Column {field.name!r}: {said} ({measure} {apart.distance:.2f}).",
        effect=effect,
    )


def said_missing(field: Field, old: pl.Series, new: pl.Series, apart: Apart) -> Drift:
    """Of its missing cells."""
    shares = [each.null_count() / len(each) for each in (old, new)]
    return Drift(
        what="missing",
        measure="difference of shares",
        distance=apart.distance,
        p=apart.p,
        moved=False,
        column=field.name,
        message=f"Column {field.name!r}: {shares[0]:.1%} → {shares[1]:.1%} of the cells are missing.",
    )


def _moved_most(old: pl.Series, new: pl.Series) -> str:
    """The value whose share changed most."""
    before, now = (each.cast(pl.String).drop_nulls().value_counts(normalize=True) for each in (old, new))
    name = before.columns[0]
    both = before.join(now, on=name, how="full", coalesce=True).fill_null(0.0)
    if not both.height:
        return "no values"
    most = both.with_columns(gap=(pl.col("proportion") - pl.col("proportion_right")).abs())
    row = most.sort(["gap", name], descending=[True, False]).row(0, named=True)
    return f"{row[name]!r} {row['proportion']:.1%} → {row['proportion_right']:.1%}"


def _number(value: object) -> str:
    return f"{float(value):.4g}" if isinstance(value, int | float) else "none"
