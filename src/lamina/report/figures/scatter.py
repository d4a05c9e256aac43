"""Predicted beside true, a point per row."""

from __future__ import annotations

from typing import Final

import numpy as np

from lamina.predictions.explain.explain import evenly
from lamina.report.html import Html
from lamina.report.svg import Plot, spread

MOST_POINTS: Final = 2000
TENTHS: Final = 10
FAR: Final = 0.002  # share of the rows at either end that may lie beyond the edge


def truth_plot(told: np.ndarray, came: np.ndarray, title: str) -> Html:
    """True over predicted, a faint point per row, the mean of every tenth of the rows as a large one, and
    the line on which they would be right."""
    both = np.concatenate([told, came])
    edges = spread(np.quantile(both, (FAR, 1 - FAR)))
    plot = Plot(edges, edges, 360, 330)
    some = evenly(np.argsort(told, kind="stable"), MOST_POINTS)
    parts = [plot.axes("predicted", "true"), plot.dots(told[some].tolist(), came[some].tolist(), "cloud")]
    parts.append(plot.line(edges, edges, "level"))
    if len(told) >= 5 * TENTHS:
        order = np.array_split(np.argsort(told, kind="stable"), TENTHS)
        x, y = ([float(values[rows].mean()) for rows in order] for values in (told, came))
        parts.append(plot.dots(x, y, "large"))
    return plot.drawn(title, *parts)
