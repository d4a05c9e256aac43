"""Checks of single columns that need no answer: constant, id-like, of mixed types, dates that cannot be."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

import polars as pl

from lamina.data.doctor.case import Case, places, some
from lamina.records import Finding

MIXED: Final = (0.05, 0.95)  # share of cells that are numbers, between which a column is mixed
MIXED_LEVELS: Final = 20
OFTEN_ONCE: Final = 0.5  # of a category's values seen once: it names rows
FEW_LATE: Final = 0.05  # of the dates in the future: slips of the pen; more is a plan


def no_inputs(case: Case) -> Iterator[Finding]:
    """Nothing to predict from."""
    if not case.schema.with_role("input"):
        yield Finding(
            severity="fatal",
            code="no-inputs",
            message="No column is left to predict from: all others are ignored.",
            remedy="Look at the reasons in the schema; take columns in with kinds={…}.",
        )


def useless(case: Case) -> Iterator[Finding]:
    """Inputs that are the same in every row."""
    for field in case.inputs:
        values = case.frame[field.name]
        if values.null_count() == case.frame.height:
            yield Finding(
                severity="note",
                code="all-missing",
                column=field.name,
                count=case.frame.height,
                message=f"Column {field.name!r} has no value in any row; it tells nothing.",
                remedy="Leave it out, or find out why it is empty.",
            )
        elif values.null_count() == 0 and (values == values[0]).all():
            yield Finding(
                severity="note",
                code="constant",
                column=field.name,
                count=case.frame.height,
                message=f"Column {field.name!r} is {values[0]!r} in every row; it tells nothing.",
                remedy="Leave it out.",
            )


def id_like(case: Case) -> Iterator[Finding]:
    """Categories whose values hardly come again."""
    for field in case.inputs:
        if field.kind != "category" or len(case.sampled) < 100:
            continue
        counts = case.sample[field.name].drop_nulls().alias("value").value_counts(name="rows")
        once = int((counts["rows"] == 1).sum())
        if once > OFTEN_ONCE * int(counts["rows"].sum()):
            yield Finding(
                severity="warning",
                code="id-like",
                column=field.name,
                count=counts.height,
                message=f"Column {field.name!r} names rows rather than kinds of rows: {counts.height:,} "
                f"values, {once:,} of them seen once. A network can learn such names by heart, which helps "
                "only with rows it has seen.",
                remedy=f"Leave it out with roles={{{field.name!r}: 'ignored'}}, or keep all rows of one name "
                "on one side of the split with the role group.",
                effect="Scores may fall a little here and will hold better in use.",
            )


def mixed_types(case: Case) -> Iterator[Finding]:
    """Categories of which many cells are numbers and many are words."""
    for field in case.inputs:
        if field.kind != "category":
            continue
        cells = case.sample[field.name].drop_nulls()
        if cells.n_unique() <= MIXED_LEVELS:
            continue
        number = cells.str.contains(r"^[+-]?\d+([.,]\d+)?$")
        share = float(number.mean() or 0)  # type: ignore[arg-type]
        if MIXED[0] < share < MIXED[1]:
            minority = share < 0.5
            found = places(case.frame[field.name].str.contains(r"^[+-]?\d+([.,]\d+)?$") == minority)
            yield Finding(
                severity="note",
                code="mixed-types",
                column=field.name,
                rows=case.rows(found),
                count=len(found),
                message=f"Column {field.name!r} mixes numbers ({share:.0%} of the filled cells) and words: "
                "read as names, the order of its numbers is lost.",
                remedy="Split it into two columns, or clear the words and read it with "
                f"kinds={{{field.name!r}: 'number'}}.",
            )


def future_dates(case: Case) -> Iterator[Finding]:
    """Dates that have not come yet: few are slips of the pen, many are plans."""
    tomorrow = datetime.now(UTC).replace(tzinfo=None) + timedelta(days=1)
    for field in case.inputs:
        if field.kind != "date" or not case.frame[field.name].dtype.is_temporal():
            continue
        dates = case.frame[field.name]
        found = places(dates.cast(pl.Datetime("us")) > tomorrow)
        if len(found):
            few = len(found) <= FEW_LATE * (len(dates) - dates.null_count())
            yield Finding(
                severity="warning" if few else "note",
                code="future-date",
                column=field.name,
                rows=case.rows(found),
                count=len(found),
                message=f"Column {field.name!r} holds {some(len(found), 'date', 'dates')} that "
                f"{'has' if len(found) == 1 else 'have'} not come yet: slips of the pen pull the scale of "
                "the column, and a planned date may not be known for new rows.",
                remedy="Correct the rows or empty the cells; for planned dates there is nothing to do.",
            )


def late_dates(case: Case) -> Iterator[Finding]:
    """Dates later than the moment that the column with the role time names."""
    time = next(iter(case.schema.with_role("time")), None)
    if time is None or time.name not in case.frame.columns or time.kind != "date":
        return
    for field in case.inputs:
        if field.kind != "date":
            continue
        pair = case.frame.select(late=pl.col(field.name) > pl.col(time.name))["late"]
        found = places(pair)
        if len(found) > 0.01 * max(len(pair) - pair.null_count(), 1):
            yield Finding(
                severity="warning",
                code="late-date",
                column=field.name,
                rows=case.rows(found),
                count=len(found),
                message=f"Column {field.name!r} is later than {time.name!r} in {len(found):,} rows: at the "
                "moment of the prediction it may not be known.",
                remedy=f"If so, leave it out with roles={{{field.name!r}: 'ignored'}}.",
                effect="Scores may fall here and will hold in use.",
            )
