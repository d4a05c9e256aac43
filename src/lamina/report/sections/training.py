"""How the network learnt."""

from __future__ import annotations

import numpy as np

from lamina.records import Epoch
from lamina.report.facts import Facts
from lamina.report.figures.lines import curve
from lamina.report.html import data, joined, paragraph, table, tag
from lamina.report.sections.section import Section
from lamina.report.svg import figure
from lamina.report.words import number


def training(facts: Facts) -> Section | None:
    """Learning curves, and what was decided."""
    fitted = facts.model.fitted
    figures = _curves(fitted.epochs, fitted.metric) if len(fitted.epochs) > 1 else []
    choices = [(each.what, data(each.value), data(each.why, 300)) for each in fitted.choices]
    if not figures and not choices:
        return None
    body = [paragraph(f"{len(fitted.epochs)} passes over the training rows; {fitted.stopped}.")]
    if figures:
        body.append(tag("div", *figures, class_="figures"))
    if choices:
        body += [
            tag("h3", "What was decided, and why"),
            table(("what", "value", "why"), choices, caption="What Lamina decided"),
        ]
    return Section("training", "How it learnt", joined(body))


def _curves(epochs: tuple[Epoch, ...], metric: str) -> list[object]:
    passes = [float(k) for k in range(1, len(epochs) + 1)]
    losses: list[float | None] = [each.loss for each in epochs]
    name = metric.replace("_", " ")
    drawn = curve(
        passes,
        losses,
        title=f"Training loss over {len(epochs)} passes",
        x_name="pass",
        y_name="training loss",
    )
    told = (
        f"Loss on the rows that are learnt from, from {number(epochs[0].loss)} to {number(epochs[-1].loss)}."
    )
    found: list[object] = [figure(drawn, told)]
    scores = [each.score for each in epochs]
    known = [each for each in scores if each is not None and np.isfinite(each)]
    if len(known) > 1:
        drawn = curve(
            passes, scores, title=f"{name} on validation rows over the passes", x_name="pass", y_name=name
        )
        left = len(scores) - len(known)
        more = (
            f" The last {left} passes learnt from those rows, too, and are not judged by them."
            if left
            else ""
        )
        found.append(figure(drawn, f"{name} on rows that are not learnt from.{more}"))
    return found
