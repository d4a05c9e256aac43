"""What a section is."""

from __future__ import annotations

from typing import NamedTuple

from lamina.report.html import Html, tag


class Section(NamedTuple):
    """``key`` is its anchor, ``title`` stands above it and in the contents."""

    key: str
    title: str
    body: Html


def drawn(section: Section) -> Html:
    """The section as it stands on the page."""
    head = tag("h2", section.title, id=f"{section.key}-title")
    return tag("section", head, section.body, id=section.key, aria_labelledby=f"{section.key}-title")
