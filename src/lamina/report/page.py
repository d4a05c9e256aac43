"""The page: sections one after another, contents, style. No script, nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from typing import Final

from lamina.report.cells import Cells
from lamina.report.facts import Facts, Part
from lamina.report.html import Html, data, joined, tag
from lamina.report.sections.card import card
from lamina.report.sections.confidence import confidence
from lamina.report.sections.glance import MOST_DETAILED, glance
from lamina.report.sections.groups import groups
from lamina.report.sections.mistakes import examples, mistakes
from lamina.report.sections.reasons import reasons
from lamina.report.sections.schema import doctor, schema
from lamina.report.sections.section import Section, drawn
from lamina.report.sections.training import training
from lamina.report.sections.worth import worth
from lamina.report.words import short
from lamina.version import __version__

# The browser itself refuses scripts and anything from elsewhere
POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; media-src data:; base-uri 'none'"
)


def page(facts: Facts) -> str:
    """The whole document."""
    shown = list(sections(facts))
    title = f"Report: {', '.join(facts.model.fitted.target.targets)[:80]}"
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=POLICY),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="generator", content=f"Lamina {__version__}"),
        tag("title", title),
        Html(f"<style>{files('lamina.report').joinpath('style.css').read_text(encoding='utf-8')}</style>"),
    )
    links = (tag("li", tag("a", each.title, href=f"#{each.key}")) for each in shown)
    body = tag(
        "body",
        tag("a", "To the report", href="#main", class_="skip"),
        _top(facts),
        tag("div", tag("nav", tag("ul", *links), aria_label="Contents"), _main(shown), class_="columns"),
        _foot(facts),
    )
    return f"<!doctype html>\n{tag('html', head, body, lang='en')}\n"


def sections(facts: Facts) -> Iterator[Section]:
    """What has something to say, in the order of the page."""
    cells = Cells()
    found = [glance(facts), *_by_target(facts, cells), reasons(facts), groups(facts), worth(facts)]
    found += [training(facts), schema(facts), doctor(facts), card(facts)]
    yield from (each for each in found if each is not None)


def _by_target(facts: Facts, cells: Cells) -> Iterator[Section]:
    for number, part in enumerate(facts.parts[:MOST_DETAILED]):
        body = joined(_answers(facts, part, cells))
        name = f": {part.target.column}" if len(facts.parts) > 1 else ""
        if body:
            yield Section(f"answers-{number}", f"The answers{name}"[:80], body)


def _answers(facts: Facts, part: Part, cells: Cells) -> Iterator[Html | None]:
    yield mistakes(part.target, part)
    yield confidence(facts, part)
    yield examples(facts, part, cells)


def _top(facts: Facts) -> Html:
    target = facts.model.fitted.target
    made = facts.made.strftime("%Y-%m-%d")
    return tag(
        "header",
        tag("p", "Lamina report", class_="brand"),
        tag("h1", "Predicting ", data(", ".join(target.targets), 100)),
        tag("p", data(target.describe(), 300), f". Judged on {facts.frame.height:,} rows of ",
            data(short(facts.table.source), 120), f", {made}.", class_="under"),
    )  # fmt: skip


def _main(shown: list[Section]) -> Html:
    return tag("main", *map(drawn, shown), id="main")


def _foot(facts: Facts) -> Html:
    kept = (
        " This page holds rows of your data: hand it on as you would hand on those." if facts.examples else ""
    )
    return tag(
        "footer",
        tag(
            "p",
            f"Made by Lamina {__version__}. Intervals are of 95 %, by resampling the rows.{kept}",
        ),
    )
