"""Drawing: a square of paper with two axes, made of pure functions that give SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, isfinite, log10

import numpy as np

from lamina.report.html import Html, tag
from lamina.report.words import number

WIDTH, HEIGHT = 360, 270  # of a figure, in pixels at its natural size
LEFT, RIGHT, TOP, BOTTOM = 56, 12, 10, 40  # margins
LETTERS = 7  # of a tick, beyond which it is written shorter


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Round numbers between two bounds.

    >>> ticks(0, 1), ticks(3, 47)
    ([0.0, 0.2, 0.4, 0.6, 0.8, 1.0], [10.0, 20.0, 30.0, 40.0])
    """
    if not high > low:
        return [low]
    rough = (high - low) / about
    base = 10 ** floor(log10(rough))
    step = next(base * k for k in (1, 2, 2.5, 5, 10) if base * k >= rough * 0.999)
    first, last = ceil(low / step - 1e-9), floor(high / step + 1e-9)
    return [float(f"{k * step:.10g}") for k in range(first, last + 1)]


def mark(value: float) -> str:
    """A number beside a tick.

    >>> mark(0.25), mark(15000), mark(2500000)
    ('0.25', '15k', '2.5M')
    """
    for unit, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= 10 * unit or (abs(value) >= unit and unit > 1e3):
            return f"{value / unit:g}{letter}"
    return number(value, 4)


@dataclass(frozen=True)
class Plot:
    """The paper: what its edges mean in the data's units."""

    x: tuple[float, float]
    y: tuple[float, float]
    width: int = WIDTH
    height: int = HEIGHT

    def across(self, value: float) -> float:
        """A horizontal place in pixels."""
        return self._placed(value, self.x, LEFT, self.width - RIGHT)

    def down(self, value: float) -> float:
        """A vertical place in pixels."""
        return self._placed(value, self.y, self.height - BOTTOM, TOP)

    @staticmethod
    def _placed(value: float, bounds: tuple[float, float], start: float, end: float) -> float:
        low, high = bounds
        share = (value - low) / (high - low) if high > low else 0.5
        return round(start + min(max(share, 0.0), 1.0) * (end - start), 1)

    def line(self, x: Sequence[float], y: Sequence[float], class_: str) -> Html:
        """Points joined; a gap where one is missing."""
        return tag("path", d=self._path(x, y), class_=class_)

    def dots(self, x: Sequence[float], y: Sequence[float], class_: str) -> Html:
        """Points as round ends of lines of no length: a few bytes each."""
        steps = (f"M{self.across(a):g} {self.down(b):g}h0" for a, b in zip(x, y, strict=True))
        return tag("path", d="".join(steps), class_=f"dots {class_}")

    def whisker(self, x: float, low: float, high: float) -> Html:
        """An upright interval."""
        place = self.across(x)
        return tag("line", x1=place, x2=place, y1=self.down(low), y2=self.down(high), class_="whisker")

    def bar(self, left: float, right: float, top: float, class_: str = "bar") -> Html:
        """A bar from the floor up."""
        start, end = self.across(left), self.across(right)
        high, low = self.down(top), self.down(self.y[0])
        wide = max(round(end - start - 1, 1), 0.5)
        return tag("rect", x=start, y=high, width=wide, height=round(low - high, 1), class_=class_)

    def words(self, x: float, y: float, words: object, class_: str = "", anchor: str = "start") -> Html:
        """Text at a place in the data's units."""
        return tag("text", words, x=self.across(x), y=self.down(y), class_=class_ or None, text_anchor=anchor)

    def axes(self, x_name: str, y_name: str, *, x_ticks: Sequence[tuple[float, str]] | None = None) -> Html:
        """Both axes with round numbers, faint lines across, and what they show."""
        beside = x_ticks if x_ticks is not None else [(each, mark(each)) for each in ticks(*self.x)]
        floor_, left = self.height - BOTTOM, LEFT
        parts = []
        for each in ticks(*self.y):
            place = self.down(each)
            parts.append(tag("line", x1=left, x2=self.width - RIGHT, y1=place, y2=place, class_="grid"))
            parts.append(tag("text", mark(each), x=left - 6, y=round(place + 3.5, 1), text_anchor="end"))
        for value, label in beside:
            place = self.across(value)
            parts.append(tag("text", label, x=place, y=floor_ + 15, text_anchor="middle"))
        middle = (left + self.width - RIGHT) / 2
        parts.append(tag("text", x_name, x=middle, y=self.height - 6, text_anchor="middle", class_="axis"))
        turn = f"rotate(-90 11 {(TOP + floor_) / 2:g})"
        parts.append(
            tag(
                "text",
                y_name,
                x=11,
                y=f"{(TOP + floor_) / 2:g}",
                text_anchor="middle",
                class_="axis",
                transform=turn,
            )
        )
        parts.append(tag("line", x1=left, x2=self.width - RIGHT, y1=floor_, y2=floor_, class_="floor"))
        return tag("g", *parts)

    def drawn(self, title: str, *parts: object) -> Html:
        """The whole figure; ``title`` is what it shows, for those who cannot see it."""
        return tag(
            "svg",
            tag("title", title),
            *parts,
            viewBox=f"0 0 {self.width} {self.height}",
            role="img",
            class_="plot",
        )

    def _path(self, x: Sequence[float], y: Sequence[float]) -> str:
        steps, pen = [], "M"
        for a, b in zip(x, y, strict=True):
            if not isfinite(a) or not isfinite(b):
                pen = "M"
                continue
            steps.append(f"{pen}{self.across(a):g} {self.down(b):g}")
            pen = "L"
        return "".join(steps)


def figure(drawing: object, caption: object) -> Html:
    """A drawing with the sentence that says how to read it."""
    return tag("figure", drawing, tag("figcaption", caption))


def spread(values: Sequence[float] | np.ndarray, room: float = 0.04) -> tuple[float, float]:
    """Bounds with a little room around all finite values."""
    known = np.asarray(values, np.float64)
    known = known[np.isfinite(known)]
    if not len(known):
        return 0.0, 1.0
    low, high = float(known.min()), float(known.max())
    more = room * (high - low) or abs(high) * 0.1 or 1.0
    return low - more, high + more
