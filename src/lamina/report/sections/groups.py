"""How groups of rows fare."""

from __future__ import annotations

from typing import Final

from lamina.predictions.summary import shown, worse_words
from lamina.records import Group, Groups
from lamina.report.facts import Facts
from lamina.report.figures.span import scale_of, span
from lamina.report.html import Html, data, joined, paragraph, table, tag
from lamina.report.html import value as value_cell
from lamina.report.sections.glance import SHARES
from lamina.report.sections.section import Section
from lamina.report.words import between, number, percent
from lamina.scores.worse import FALSE_ALARMS

MOST_SCORES: Final = 3


def groups(facts: Facts) -> Section | None:
    """The scores by the columns that were asked for, and the groups that fare clearly worse."""
    if not facts.groups:
        return None
    worse = [one for each in facts.groups for one in each.worse]
    if worse:
        badge = tag("span", "worse", class_="badge warning")
        items = [tag("li", badge, tag("div", data(worse_words(one), 400))) for one in worse]
        told = tag("ul", *items, class_="findings close")
        words = f"Clear beyond chance: at most {FALSE_ALARMS:.0%} of such tables name any group by mistake."
        body: list[object] = [told, paragraph(words, class_="note")]
    else:
        body = [paragraph("No group fares clearly worse than the other rows.")]
    names = _scores(facts)
    for each in facts.groups:
        body += [tag("h3", data(each.column)), paragraph(each.how, class_="note"), _table(each, names)]
    return Section("groups", "How groups fare", joined(body))


def _scores(facts: Facts) -> list[str]:
    """The headline of every target first, then what the summary shows."""
    single = len(facts.parts) == 1
    first = [
        each.comparison.headline if single else f"{each.target.column}.{each.comparison.headline}"
        for each in facts.parts
    ]
    rest = [
        name for name, _ in shown(facts.evaluation.scores) if name in ("log_loss", "ece", "rmse", "auroc")
    ]
    return list(dict.fromkeys([*first[:MOST_SCORES], *rest]))[:MOST_SCORES]


def _table(groups: Groups, names: list[str]) -> Html:
    first = names[0]
    edges = [edge for each in groups.groups for edge in each.intervals.get(first, ())]
    values = [each.scores[first] for each in groups.groups if first in each.scores]
    scale = scale_of([*edges, *values])
    worse = {one.group for one in groups.worse}
    rows = [_row(each, names, scale, each.name in worse) for each in groups.groups]
    plain = [name.replace("_", " ") for name in names]
    heads = ["group", "rows", plain[0], "95 % interval", *plain[1:]]
    return table(heads, rows, numbers=(1, *range(3, 4 + len(names))), caption=f"Scores by {groups.column}")


def _row(group: Group, names: list[str], scale: tuple[float, float], worse: bool) -> list[object]:
    first = names[0]
    name = data(group.name, 40)
    marked = joined([name, " ", tag("span", "worse", class_="badge warning")]) if worse else name
    value = group.scores.get(first)
    share = first.rpartition(".")[2] in SHARES
    drawn = span(value, group.intervals.get(first), scale) if value is not None else "–"
    told = "–" if value is None else percent(value) if share else number(value)
    rest = [number(group.scores.get(each, float("nan"))) for each in names[1:]]
    bounds = between(group.intervals.get(first), share=share)
    return [marked, f"{group.rows:,}", drawn, value_cell(told, bounds), *rest]
