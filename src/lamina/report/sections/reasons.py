"""Which columns matter, with intervals."""

from __future__ import annotations

from typing import Final

from lamina.predictions.explain.records import Importance
from lamina.report.facts import Facts
from lamina.report.figures.span import scale_of, span
from lamina.report.html import Html, data, joined, paragraph, table, tag
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
    body = [
        paragraph(
            "How far a column moves the answer, on average (mean absolute Shapley value, in the unit of the answer), ",
            f"and by how much the {(found.metric or 'error').replace('_', ' ')} grows when its values are dealt out anew "
            f"among {found.judged:,} rows." if found.judged else "compared with other rows.",
            " Columns that say the same share what they move. This tells what the network uses, not what causes what.",
        )
    ]  # fmt: skip
    for target in targets:
        own = [each for each in found.importance if each.target == target]
        body += [tag("h3", data(target)) if len(targets) > 1 else None, _table(own)]
        if len(own) > MOST_SHOWN:
            body.append(paragraph(f"{len(own) - MOST_SHOWN} more columns move less.", class_="note"))
    return Section("reasons", "Which columns matter", joined(body))


def _table(own: list[Importance]) -> Html:
    shown = own[:MOST_SHOWN]
    scale = scale_of([edge for each in shown for edge in each.shapley_interval], from_zero=True)
    losses = [edge for each in shown if each.loss_interval for edge in each.loss_interval]
    other = scale_of(losses, from_zero=True)
    rows = []
    for each in shown:
        row: list[object] = [
            data(each.name, 40),
            span(each.shapley, each.shapley_interval, scale, zero=0.0),
            f"{number(each.shapley)}",
            between(each.shapley_interval),
        ]
        if losses:
            grown = each.loss if each.loss is not None else float("nan")
            row += [
                span(grown, each.loss_interval, other, strong=False, zero=0.0),
                number(grown),
                between(each.loss_interval),
            ]
        rows.append(row)
    heads = ["column", "moves the answer by", "", "95 % interval"]
    heads += ["lost without it", "", "95 % interval"] if losses else []
    return table(heads, rows, numbers=(2, 3, 5, 6), caption="Importance of columns")
