"""Learning curves: how an error fell over the passes; and money over a threshold or a cost."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lamina.report.html import Html
from lamina.report.svg import Plot, spread


def curve(
    x: Sequence[float],
    y: Sequence[float | None],
    *,
    title: str,
    x_name: str,
    y_name: str,
    at: float | None = None,
    level: tuple[float, str] | None = None,
) -> Html:
    """``y`` over ``x``, missing ones left out; ``at`` marks a place, ``level`` a height with its name."""
    known = [(a, float(b)) for a, b in zip(x, y, strict=True) if b is not None and np.isfinite(b)]
    xs, ys = [a for a, _ in known], [b for _, b in known]
    plot = Plot((min(x), max(x)), spread([*ys, *([level[0]] if level else [])], 0.08))
    parts = [plot.axes(x_name, y_name)]
    if level is not None:
        parts.append(plot.line(plot.x, (level[0], level[0]), "level"))
        above = level[0] < sum(plot.y) / 2
        place = level[0] + (0.03 if above else -0.055) * (plot.y[1] - plot.y[0])
        parts.append(plot.words(plot.x[1], place, level[1], "note", "end"))
    if at is not None:
        parts.append(plot.line((at, at), plot.y, "level"))
    parts += (
        [plot.line(xs, ys, "curve"), plot.dots(xs, ys, "small")]
        if len(xs) < 60
        else [plot.line(xs, ys, "curve")]
    )
    return plot.drawn(title, *parts)
