"""Whether probabilities mean what they say: the share that is right over the confidence."""

from __future__ import annotations

from collections.abc import Sequence
from math import floor

from lamina.report.figures.wilson import wilson
from lamina.report.html import Html
from lamina.report.svg import Plot
from lamina.scores.calibration import Bin


def reliability_plot(bins: Sequence[Bin], title: str, *, x_name: str, y_name: str) -> Html:
    """A dot per bin with the 95 % interval of its share, the honest diagonal, and the rows per bin as bars
    on the floor."""
    edges = _edges(bins)
    plot = Plot(edges, edges, 360, 330)
    most = max((each.rows for each in bins), default=1)
    tall = 0.2 * (edges[1] - edges[0]) / most
    parts = [
        plot.bar(max(each.low, edges[0]), each.high, edges[0] + tall * each.rows, "bar faint")
        for each in bins
    ]
    parts += [plot.axes(x_name, y_name), plot.line(edges, edges, "level")]
    for each in bins:
        parts.append(plot.whisker(each.confidence, *wilson(each.right, each.rows)))
    parts.append(plot.dots([b.confidence for b in bins], [b.right for b in bins], "large"))
    return plot.drawn(title, *parts)


def _edges(bins: Sequence[Bin]) -> tuple[float, float]:
    """From the tenth below all that is drawn, at most 0.5, to 1: of two classes nothing lies below."""
    lowest = min((min(each.confidence, wilson(each.right, each.rows)[0]) for each in bins), default=0.0)
    return min(floor(10 * lowest) / 10, 0.5), 1.0


def level_plot(levels: Sequence[float], shares: Sequence[float], rows: int, title: str) -> Html:
    """Of quantiles: how many answers lie at or below each, beside how many should."""
    plot = Plot((0.0, 1.0), (0.0, 1.0), 360, 330)
    parts = [plot.axes("level promised", "share at or below"), plot.line((0, 1), (0, 1), "level")]
    parts += [plot.whisker(a, *wilson(b, rows)) for a, b in zip(levels, shares, strict=True)]
    return plot.drawn(title, *parts, plot.dots(levels, shares, "large"))
