"""What the data is, as the network understands it; and what the doctor said of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from lamina.records import Field, Finding
from lamina.report.facts import Facts
from lamina.report.html import Html, data, folded, joined, paragraph, table, tag
from lamina.report.sections.section import Section
from lamina.report.words import listed, percent, short

MOST_FIELDS: Final = 200
OPEN: Final = 15  # columns up to which the table stands open
MOST_FINDINGS: Final = 60
SEVERE: Final = {"fatal": 0, "warning": 1, "note": 2}


def schema(facts: Facts) -> Section:
    """Columns by kind, role and why."""
    fields = tuple(facts.model.schema)
    by_kind: dict[str, list[str]] = {}
    for each in facts.model.schema.with_role("input"):
        by_kind.setdefault(each.kind, []).append(each.name)
    told = [
        tag("li", tag("b", kind), f" {len(names)}: ", data(listed(names, 12), 400))
        for kind, names in by_kind.items()
    ]
    trained = facts.model.fitted.rows
    learnt = ", ".join(f"{name} {count:,}" for name, count in trained.items())
    body = [
        paragraph(
            "Judged on ", tag("b", f"{facts.frame.height:,} rows"), " of ", data(short(facts.table.source)),
            ". ",
            f"The network was trained on: {learnt}. " if learnt else "",
            "If these rows were among them, everything here is too kind.",
        ),
        tag("ul", *told, class_="kinds"),
    ]  # fmt: skip
    columns = table(
        ("column", "kind", "role", "missing here", "why it was taken so"),
        [_row(facts, each) for each in fields[:MOST_FIELDS]],
        numbers=(3,),
        caption="Columns by kind and role",
    )
    more = f" (the first {MOST_FIELDS})" if len(fields) > MOST_FIELDS else ""
    title = f"All {len(fields):,} columns{more}"
    body.append(columns if len(fields) <= OPEN else folded(title, columns))
    return Section("data", "What the data is", joined(body))


def _row(facts: Facts, field: Field) -> tuple[object, ...]:
    missing = "–"
    if field.name in facts.frame.columns and facts.frame.height:
        missing = percent(facts.frame[field.name].null_count() / facts.frame.height)
    kind = f"{field.kind}, {field.unit}" if field.unit else field.kind
    return (
        data(field.name, 60),
        kind,
        tag("span", field.role, class_=f"role {field.role}"),
        missing,
        data(field.why),
    )


def doctor(facts: Facts) -> Section:
    """What was noticed before training, and in the rows that are judged here."""
    parts = [
        tag("h3", "In the data that the network was trained on"),
        _findings(facts.model.findings),
        tag("h3", "In the data of this report"),
        _findings(facts.findings),
    ]
    return Section("doctor", "What the doctor said", joined(parts))


def _findings(findings: Sequence[Finding]) -> Html:
    if not findings:
        return paragraph("Nothing was found.", class_="note")
    ordered = sorted(findings, key=lambda each: SEVERE[each.severity])
    items = [_item(each) for each in ordered[:MOST_FINDINGS]]
    if len(ordered) > MOST_FINDINGS:
        items.append(tag("li", f"and {len(ordered) - MOST_FINDINGS} more"))
    return tag("ul", *items, class_="findings")


def _item(finding: Finding) -> Html:
    more: Iterable[object] = (
        tag("span", data(each, 400), class_="remedy") for each in (finding.remedy, finding.effect) if each
    )
    badge = tag("span", finding.severity, class_=f"badge {finding.severity}")
    return tag("li", badge, tag("div", data(finding.message, 600), *more))
