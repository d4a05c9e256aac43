"""Which columns matter, with intervals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from lamina.predictions.explain.records import Importance
from lamina.report.facts import Facts
from lamina.report.figures.span import scale_of, span
from lamina.report.html import Html, data, joined, paragraph, table, tag
from lamina.report.html import value as value_cell
from lamina.report.sections.section import Section
from lamina.report.words import between, number

MOST_SHOWN: Final = 20  # columns of each target
MOST_TARGETS: Final = 8


def reasons(facts: Facts) -> Section | None:
    """How far each column moves the answers, and what is lost without it."""
    found = facts.importance
    if found is None or not found.importance:
        return None
    targets = list(dict.fromkeys(each.target for each in found.importance))[:MOST_TARGETS]
    words = ["Moves the answer: mean absolute Shapley value, in the unit of the answer. "]
    if found.judged:
        error = (found.metric or "error").replace("_", " ")
        words.append(
            f"Lost without it: by how much the {error} grows when the column's values are dealt "
            "out anew among "
            f"{found.judged:,} rows. "
        )
    words.append(
        "Columns that say the same share what they move. This is what the network uses, not what causes what."
    )
    body: list[object] = [paragraph(*words, class_="note")]
    for target in targets:
        own = [each for each in found.importance if each.target == target]
        body += [
            tag("h3", data(target)) if len(targets) > 1 else None,
            tag("div", *_tables(own), class_="figures"),
        ]
        if len(own) > MOST_SHOWN:
            body.append(paragraph(f"{len(own) - MOST_SHOWN} more columns matter less.", class_="note"))
    return Section("reasons", "Which columns matter", joined(body))


def _tables(own: Sequence[Importance]) -> Iterator[Html]:
    """One by how far columns move answers, one by what is lost without them, each in its own order."""
    yield _table([(each.name, each.shapley, each.shapley_interval) for each in own], "moves the answer")
    lost = [(each.name, each.loss, each.loss_interval) for each in own if each.loss is not None]
    if lost:
        yield _table([(n, v, i or (v, v)) for n, v, i in lost], "lost without it")


def _table(measured: list[tuple[str, float, tuple[float, float]]], title: str) -> Html:
    shown = sorted(measured, key=lambda each: -each[1])[:MOST_SHOWN]
    scale = scale_of([edge for *_, bounds in shown for edge in bounds], from_zero=True)
    rows = [
        (data(name, 40), span(size, bounds, scale, zero=0.0), value_cell(number(size), between(bounds)))
        for name, size, bounds in shown
    ]
    return table(
        ("column", title, "95 % interval"), rows, numbers=(2,), caption=f"Importance of columns: {title}"
    )
