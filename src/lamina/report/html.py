"""HTML that is safe by construction: what is not marked as ``Html`` is escaped."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

VOID: Final = frozenset({"meta", "img", "br", "hr", "line", "path", "rect", "circle"})
CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
UNBROKEN: Final = 22  # characters of a word beyond which it may be broken
LONGEST: Final = 200  # characters of a cell that are shown


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


def text(value: object) -> Html:
    """Anything as text: escaped, control characters made visible.

    >>> text("<b> & co")
    '&lt;b&gt; &amp; co'
    """
    return value if isinstance(value, Html) else Html(escape(CONTROL.sub("\ufffd", str(value))))


def tag(name: str, /, *inside: object, **attributes: object) -> Html:
    """An element. ``class_`` is class, other underscores are hyphens; attributes that are None are left out.

    >>> tag("p", "a < b", class_="note")
    '<p class="note">a &lt; b</p>'
    """
    told = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{text(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in VOID:
        return Html(
            f"<{name}{told}>" if name not in ("line", "path", "rect", "circle") else f"<{name}{told}/>"
        )
    return Html(f"<{name}{told}>{joined(inside)}</{name}>")


def joined(parts: Iterable[object]) -> Html:
    """One after another; None is left out."""
    return Html("".join(text(each) for each in parts if each is not None))


def data(value: object, most: int = LONGEST) -> Html:
    """A word of the user's data, cut where it is long; it may be broken after underscores, and its
    direction of writing stays inside."""
    words = str(value)
    words = words if len(words) <= most else words[: most - 1] + "…"
    long = any(len(each) > UNBROKEN for each in words.split())
    told = Html(text(words).replace("_", "_<wbr>"))
    return tag("bdi", told, class_="long" if long else None)


def value(told: object, under: object) -> Html:
    """A number, and beneath or beside it its interval."""
    return joined([told, tag("small", under)])


def paragraph(*inside: object, class_: str | None = None) -> Html:
    """A paragraph."""
    return tag("p", *inside, class_=class_)


def table(
    heads: Sequence[object], rows: Iterable[Sequence[object]], *, numbers: Iterable[int] = (), caption: object
) -> Html:
    """A table that scrolls by itself where it is too wide; ``numbers`` are the columns set to the right.

    The first cell of every row is its head; the caption is for those who cannot see the table.
    """
    right = frozenset(numbers)

    def cell(place: int, value: object) -> Html:
        kind = "n" if place in right else None
        head = {"scope": "row"} if not place else {}
        return tag("td" if place else "th", value, class_=kind, **head)

    top = tag(
        "tr", *(tag("th", h, scope="col", class_="n" if k in right else None) for k, h in enumerate(heads))
    )
    body = [tag("tr", *(cell(place, value) for place, value in enumerate(row))) for row in rows]
    whole = tag("table", tag("caption", caption, class_="unseen"), tag("thead", top), tag("tbody", *body))
    return tag("div", whole, class_="wide", tabindex="0", role="region", aria_label=caption)


def folded(summary: object, *inside: object) -> Html:
    """Something to open; printed open."""
    return tag("details", tag("summary", summary), *inside)
