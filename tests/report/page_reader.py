"""Reads a page strictly: every element closed, nothing from elsewhere, everything named."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = {"meta", "img", "br", "hr", "wbr"}
ALLOWED = {
    *("html", "head", "meta", "title", "style", "body", "header", "footer", "main", "nav", "section", "div"),
    *(
        "p",
        "h1",
        "h2",
        "h3",
        "ul",
        "li",
        "a",
        "span",
        "small",
        "b",
        "bdi",
        "code",
        "dl",
        "dt",
        "dd",
        "br",
        "wbr",
    ),
    *("table", "caption", "thead", "tbody", "tr", "th", "td", "figure", "figcaption", "details", "summary"),
    *("img", "audio", "svg", "g", "text", "line", "path", "rect"),
}


class Page(HTMLParser):
    """``words`` are what a person reads, ``seen`` how often each element stands there."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.words: list[str] = []
        self.seen: dict[str, int] = {}
        self.ids: list[str] = []
        self.links: list[str] = []
        self.broken = False
        self.feed(content)
        self.close()
        assert not self.open, f"not closed: {self.open}"
        assert len(set(self.ids)) == len(self.ids), "an id stands there twice"
        assert {each.removeprefix("#") for each in self.links} <= set(self.ids)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        assert tag in ALLOWED, f"<{tag}> has no business here"
        assert not [name for name in found if name.startswith("on")], f"{tag} runs code: {found}"
        assert str(found.get("src", "data:")).startswith("data:")
        assert str(found.get("href", "#")).startswith("#")
        assert tag not in ("img",) or found.get("alt")
        assert tag != "th" or found.get("scope")
        self.broken = tag == "wbr"
        self.seen[tag] = self.seen.get(tag, 0) + 1
        self.ids += [str(found["id"])] if "id" in found else []
        self.links += [str(found["href"])] if "href" in found else []
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open
        assert self.open[-1] == tag, f"</{tag}> closes <{self.open[-1]}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        if self.broken and self.words:  # a word that may be broken here
            self.words[-1] += data
        elif "style" not in self.open:
            self.words.append(data)
        self.broken = False
