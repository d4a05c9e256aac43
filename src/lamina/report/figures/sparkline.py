"""A series as a small line."""

from __future__ import annotations

import numpy as np

from lamina.report.html import Html, tag
from lamina.report.svg import spread

POINTS = 120


def sparkline(values: np.ndarray, title: str) -> Html:
    """The values in their order, at most ``POINTS`` of them evenly over the whole."""
    known = (
        values[np.linspace(0, len(values) - 1, min(len(values), POINTS)).astype(int)]
        if len(values)
        else values
    )
    low, high = spread(known)
    steps, pen = [], "M"
    for k, value in enumerate(known):
        if not np.isfinite(value):
            pen = "M"
            continue
        steps.append(
            f"{pen}{118 * k / max(len(known) - 1, 1) + 1:.1f} {31 - 30 * (value - low) / (high - low):.1f}"
        )
        pen = "L"
    return tag(
        "svg", tag("title", title), tag("path", d="".join(steps), class_="curve"),
        viewBox="0 0 120 32", class_="sparkline", role="img",
    )  # fmt: skip
