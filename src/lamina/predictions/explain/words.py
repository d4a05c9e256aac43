"""Explanations as lines that a person reads, and as a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import numpy as np
import polars as pl

from lamina.predictions.explain.records import (
    Contribution,
    Counterfactual,
    Explanation,
    Importance,
    Inside,
    RowExplanation,
)

MOST_SHOWN = 12  # columns or words of one answer
LONGEST = 40  # characters of a value
REGIONS = 8  # of a map, per side, that are told of
BAR = 20  # characters of the longest bar


def shown(value: Any) -> str:
    """A cell in short."""
    if value is None:
        return "missing"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, bytes):
        return f"{len(value):,} bytes"
    if isinstance(value, datetime):
        return value.isoformat(" ").removesuffix(" 00:00:00")
    if isinstance(value, list | pl.Series):
        words = ", ".join(shown(each) for each in list(value)[:4])
        return f"{words}, … {len(value):,} values" if len(value) > 4 else words
    text = " ".join(str(value).split())
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def told(explanation: Explanation) -> str:
    """Everything that was found, as plain text."""
    lines: list[str] = []
    for row in explanation.rows:
        lines += [*_row_lines(row), ""]
    for inside in explanation.inside:
        lines += [*_inside_lines(inside), ""]
    for target in dict.fromkeys(each.target for each in explanation.importance):
        found = [each for each in explanation.importance if each.target == target]
        lines += [*_importance_lines(found, explanation), ""]
    if explanation.background:
        lines.append(f"Compared with {explanation.background}.")
    return "\n".join(lines).rstrip()


def _row_lines(row: RowExplanation) -> Iterator[str]:
    yield f"Row {row.row}, {row.target}: {row.of} is {_number(row.answer)}, on the mean {_number(row.mean)}"
    yield from _share_lines([(_named(each), each.contribution, each.error) for each in row.contributions])


def _named(each: Contribution) -> str:
    return f"{each.name} = {each.value}"


def _share_lines(shares: Sequence[tuple[str, float, float | None]]) -> Iterator[str]:
    """A line per share with a bar, the largest first; the small ones in one line."""
    most = max((abs(share) for _, share, _ in shares), default=0.0)
    wide = max((len(name) for name, *_ in shares[:MOST_SHOWN]), default=0)
    for name, share, error in shares[:MOST_SHOWN]:
        bar = "█" * round(BAR * abs(share) / most) if most > 0 else ""
        about = f" ± {_number(error)}" if error else ""
        yield f"  {name:<{wide}}  {_signed(share):>10}{about:<11}  {bar}"
    rest = shares[MOST_SHOWN:]
    if rest:
        yield f"  {f'{len(rest):,} more':<{wide}}  {_signed(sum(share for _, share, _ in rest)):>10}"


def _inside_lines(inside: Inside) -> Iterator[str]:
    yield f"Row {inside.row}, {inside.column}: {inside.of} is {_number(inside.answer)}"
    yield f"  with {inside.instead}: {_number(inside.baseline)}"
    named = [f"{word.word} (×{word.times})" if word.times > 1 else word.word for word in inside.words]
    yield from _share_lines(
        [(name, word.contribution, None) for name, word in zip(named, inside.words, strict=True)]
    )
    yield from _strongest(inside)
    if abs(inside.gap) > 0.01 * abs(inside.answer - inside.baseline):
        yield f"  not accounted for: {_signed(inside.gap)}"


def _strongest(inside: Inside) -> Iterator[str]:
    """The regions of a picture or a recording that did most."""
    if not inside.map or inside.axes is None:
        return
    shares, (down, across) = np.array(inside.map), (np.array(axis) for axis in inside.axes)
    found = []
    for rows in np.array_split(np.arange(len(down)), min(REGIONS, len(down))):
        for columns in np.array_split(np.arange(len(across)), min(REGIONS, len(across))):
            ends = down[rows[[0, -1]]], across[columns[[0, -1]]]
            found.append((_region(inside.kind, *ends), float(shares[np.ix_(rows, columns)].sum()), None))
    yield from _share_lines(sorted(found, key=lambda each: -abs(each[1])))


def _region(kind: str, down: np.ndarray, across: np.ndarray) -> str:
    if kind == "audio":
        return f"{across[0]:.2f} to {across[1]:.2f} s, {down[0]:,.0f} to {down[1]:,.0f} Hz"
    return f"{_span('row', down)}, {_span('column', across)}"


def _span(what: str, ends: np.ndarray) -> str:
    first, last = (f"{each:.0f}" for each in ends)
    return f"{what} {first}" if first == last else f"{what}s {first} to {last}"


def _importance_lines(found: Sequence[Importance], explanation: Explanation) -> Iterator[str]:
    judged = any(each.loss is not None for each in found)
    wide = max(len(each.name) for each in found)
    head = f"  {'column':<{wide}}  {'moves the answer by':>34}"
    yield f"{found[0].target}: how much each column matters"
    yield head + (f"  {f'{explanation.metric} grows without it by':>38}" if judged else "")
    for each in found:
        line = f"  {each.name:<{wide}}  {_between(each.shapley, each.shapley_interval):>34}"
        if each.loss is not None and each.loss_interval is not None:
            line += f"  {_between(each.loss, each.loss_interval):>38}"
        yield line


def _between(value: float, interval: tuple[float, float]) -> str:
    return f"{_number(value)} ({_number(interval[0])} to {_number(interval[1])})"


def change_told(found: Counterfactual) -> str:
    """A counterfactual in a few lines."""
    head = f"Row {found.row}, {found.target}: {found.before}; wanted {found.wanted}"
    if not found.found:
        nearest = [f"  nearest: {found.after}", *_change_lines(found)] if found.changes else []
        return "\n".join([head, f"  none of the changes allowed brings it ({found.why})", *nearest])
    if not found.changes:
        return "\n".join([head, "  it is so already"])
    return "\n".join([head, *_change_lines(found), f"  then: {found.after} ({found.why})"])


def _change_lines(found: Counterfactual) -> list[str]:
    return [f"  {each.column}: {shown(each.before)} → {shown(each.after)}" for each in found.changes]


def table(explanation: Explanation) -> pl.DataFrame:
    """All that was found as one table, a line per row (null for all rows), answer and part.

    ``what`` is column, word, place, importance or loss; ``low`` and ``high`` are 95 % bounds.
    """
    found = [*_column_rows(explanation.rows), *_part_rows(explanation.inside)]
    found += _importance_rows(explanation.importance)
    return pl.DataFrame(found, schema=_SCHEMA, orient="row")


_SCHEMA = {
    "row": pl.Int64, "target": pl.String, "of": pl.String, "answer": pl.Float64, "compared": pl.Float64,
    "what": pl.String, "name": pl.String, "value": pl.String, "contribution": pl.Float64, "low": pl.Float64,
    "high": pl.Float64,
}  # fmt: skip


def _column_rows(rows: Sequence[RowExplanation]) -> Iterator[tuple[Any, ...]]:
    for row in rows:
        for each in row.contributions:
            share, room = each.contribution, 1.96 * each.error
            yield (
                row.row, row.target, row.of, row.answer, row.mean, "column", each.name, each.value, share,
                share - room, share + room,
            )  # fmt: skip


def _part_rows(inside: Sequence[Inside]) -> Iterator[tuple[Any, ...]]:
    for one in inside:
        head = (one.row, one.target, one.of, one.answer, one.baseline)
        for word in one.words:
            yield (*head, "word", one.column, word.word, word.contribution, None, None)
        down, across = one.axes or ((), ())
        for y, row in zip(down, one.map, strict=True):
            for x, value in zip(across, row, strict=True):
                yield (*head, "place", one.column, f"{y:g}, {x:g}", value, None, None)


def _importance_rows(importance: Sequence[Importance]) -> Iterator[tuple[Any, ...]]:
    for each in importance:
        head = (None, each.target, None, None, None)
        yield (*head, "importance", each.name, None, each.shapley, *each.shapley_interval)
        if each.loss is not None and each.loss_interval is not None:
            yield (*head, "loss", each.name, None, each.loss, *each.loss_interval)


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1e5 else f"{value:.4g}"


def _signed(value: float) -> str:
    return f"{value:+,.0f}" if abs(value) >= 1e5 else f"{value:+.4g}"
