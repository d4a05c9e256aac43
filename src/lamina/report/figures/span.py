"""A value with its interval on a line, beside others: what stands in a cell of a table."""

from __future__ import annotations

from collections.abc import Iterable

from lamina.report.html import Html, tag


def span(
    value: float,
    bounds: tuple[float, float] | None,
    scale: tuple[float, float],
    *,
    strong: bool = True,
    zero: float | None = None,
) -> Html:
    """A tick at ``value``, a bar over its ``bounds``; ``scale`` is what both edges of the line mean.

    With ``zero`` a bar runs from there to the value. The numbers stand in words in the same row, so this
    drawing is silent for those who cannot see it.
    """
    parts = [tag("line", x1=0, x2=100, y1=9, y2=9, class_="rail")]
    at = _place(value, scale)
    if zero is not None:
        start = _place(zero, scale)
        left, wide = min(start, at), max(abs(at - start), 0.5)
        parts.append(tag("rect", x=f"{left:.2f}", width=f"{wide:.2f}", y=4, height=10, class_="bar"))
    if bounds is not None:
        low, high = (_place(each, scale) for each in bounds)
        parts.append(tag("line", x1=f"{low:.2f}", x2=f"{high:.2f}", y1=9, y2=9, class_="reach"))
    if zero is None:
        parts.append(tag("line", x1=f"{at:.2f}", x2=f"{at:.2f}", y1=3, y2=15, class_="tick"))
    kind = "span" if strong else "span faint"
    return tag(
        "svg", *parts, viewBox="0 0 100 18", preserveAspectRatio="none", class_=kind, aria_hidden="true"
    )


def scale_of(values: Iterable[float], *, from_zero: bool = False) -> tuple[float, float]:
    """Bounds that hold all these, with a little room."""
    known = [each for each in values if each == each]
    if not known:
        return 0.0, 1.0
    low, high = min(known), max(known)
    if from_zero:
        low, high = min(low, 0.0), max(high, 0.0)
    room = 0.03 * (high - low) or abs(high) * 0.1 or 1.0
    return low - (0 if from_zero and low == 0 else room), high + room


def _place(value: float, scale: tuple[float, float]) -> float:
    low, high = scale
    share = (value - low) / (high - low) if high > low else 0.5
    return 100 * min(max(share, 0.0), 1.0)
