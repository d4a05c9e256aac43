"""How often values occur."""

from __future__ import annotations

from typing import Final

import numpy as np

from lamina.report.html import Html
from lamina.report.svg import Plot

BARS: Final = 31
FAR: Final = 0.005  # share of the rows at either end that is gathered in the outermost bars


def histogram(values: np.ndarray, title: str, *, x_name: str, at: float | None = None) -> Html:
    """Bars of equal width; what lies far out is in the outermost bars. ``at`` marks a place."""
    known = values[np.isfinite(values)].astype(np.float64)
    low, high = (float(each) for each in np.quantile(known, (FAR, 1 - FAR))) if len(known) else (0.0, 1.0)
    if not high - low > max(1e-9 * max(abs(low), abs(high)), 1e-300):  # all alike, but for rounding
        reach = max(0.5, 1e-6 * abs(low))
        low, high = low - reach, high + reach
    counts, edges = np.histogram(np.clip(known, low, high), BARS, (low, high))
    plot = Plot((low, high), (0.0, 1.05 * max(1, int(counts.max(initial=0)))))
    parts = [plot.axes(x_name, "rows")]
    parts += [plot.bar(edges[k], edges[k + 1], float(n)) for k, n in enumerate(counts) if n]
    if at is not None and low <= at <= high:
        parts.append(plot.line((at, at), plot.y, "level"))
    return plot.drawn(title, *parts)


def counts_plot(counts: dict[int, int], title: str, *, x_name: str) -> Html:
    """A bar per whole number."""
    low, high = min(counts), max(counts)
    plot = Plot((low - 0.5, high + 0.5), (0.0, 1.05 * max(counts.values())))
    step = max(1, -(-(high - low + 1) // 10))
    marks = [(float(k), str(k)) for k in range(low, high + 1, step)]
    parts = [plot.axes(x_name, "rows", x_ticks=marks)]
    parts += [plot.bar(k - 0.42, k + 0.42, float(n)) for k, n in counts.items() if n]
    return plot.drawn(title, *parts)
