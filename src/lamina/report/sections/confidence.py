"""Whether probabilities mean what they say, and whether bounds hold."""

from __future__ import annotations

from collections import Counter

import numpy as np

from lamina.features.targets.classes import ClassTarget
from lamina.features.targets.labels import LabelsTarget
from lamina.features.targets.quantiles import QuantilesTarget
from lamina.predictions.confidence import Held
from lamina.predictions.evaluate import chance_gaps
from lamina.predictions.novelty import FALSE_ALARMS
from lamina.report.comparison import NETWORK
from lamina.report.facts import Facts, Part
from lamina.report.figures.histogram import counts_plot, histogram
from lamina.report.figures.reliability import level_plot, reliability_plot
from lamina.report.figures.wilson import wilson
from lamina.report.html import Html, joined, paragraph, tag
from lamina.report.svg import figure
from lamina.report.words import between, number, percent
from lamina.scores.calibration import binned, reliability

FEWEST_SIZES, MOST_SIZES = 3, 40  # different ones that are drawn


def confidence(facts: Facts, part: Part) -> Html | None:
    """Reliability, levels of quantiles, coverage and sizes of bounds."""
    figures = [*_reliability(part), *_levels(part), *_sizes(facts, part)]
    if not figures:
        return None
    words = [each for each in (_gap(part), _coverage(facts, part), _unlike(facts, part)) if each is not None]
    return joined(
        [tag("h3", "How far to trust it"), *map(paragraph, words), tag("div", *figures, class_="figures")]
    )


def _gap(part: Part) -> str | None:
    scores = part.comparison.scores[NETWORK]
    if "ece" not in scores:
        return None
    noise = chance_gaps(part.target, part.told, part.came, scores)["ece_noise"]
    gap, bounds = scores["ece"], part.comparison.intervals[NETWORK].get("ece")
    if gap <= 1.5 * noise:
        verdict = "about what honest probabilities show by chance, so they can be taken at their word"
    elif gap <= 0.03:
        verdict = "more than chance, and small"
    else:
        verdict = "more than chance: take the probabilities with care"
    span = between(bounds, share=True, digits=2)
    return (
        f"Expected calibration error {percent(gap, 2)} (95 % interval {span}); perfectly honest "
        "probabilities would "
        f"show {percent(noise, 2)} on so few rows: {verdict}."
    )


def _reliability(part: Part) -> list[Html]:
    if isinstance(part.target, LabelsTarget):
        bins = binned(part.told.ravel(), part.came.ravel() > 0.5)
        names = {"x_name": "probability given to a label", "y_name": "share that applies"}
        words = "Of the labels given with 30 %, three in ten should apply."
    elif isinstance(part.target, ClassTarget):
        known = part.came >= 0
        if not known.any():
            return []
        bins = reliability(part.told[known], part.came[known])
        names = {"x_name": "confidence of the answer", "y_name": "share that is right"}
        words = "Of the answers given with 70 %, seven in ten should be right."
    else:
        return []
    drawn = reliability_plot(bins, "Reliability: share that is right over confidence", **names)
    return [figure(drawn, f"{words} Bars on the floor: how many rows; whiskers: 95 % intervals.")]


def _levels(part: Part) -> list[Html]:
    if not isinstance(part.target, QuantilesTarget):
        return []
    values, came = part.target.values(part.told), part.target.raw(part.came)
    shares = (came[:, None] <= values).mean(0).tolist()
    drawn = level_plot(part.target.levels, shares, len(came), "Share of answers at or below each quantile")
    return [figure(drawn, "A quantile at the level 0.9 should lie above nine in ten answers.")]


def _coverage(facts: Facts, part: Part) -> str | None:
    confidence = facts.model.fitted.confidence
    if part.bound is None or confidence is None:
        return "No bounds: too few rows were kept from training to promise any." if confidence else None
    held, rows = float(part.bound.inside.mean()), len(part.bound.inside)
    low, high = wilson(held, rows)
    promised = confidence.coverage
    clear = "more than promised" if held > promised else "less than promised"
    verdict = "as promised" if low <= promised <= high else clear
    what = "Sets" if part.bound.measure == "set_size" else "Intervals"
    return (
        f"{what} hold the truth in {percent(held)} of the rows "
        f"({between((low, high), share=True)}), {verdict} "
        f"({percent(promised, 0)}). {_sizes_in_words(part, part.bound)}"
    )


def _unlike(facts: Facts, part: Part) -> str | None:
    """Told once, with the first target: it is of the rows, whatever is asked of them."""
    if facts.unlike is None or part is not facts.parts[0]:
        return None
    share, rows = float(facts.unlike.mean()), len(facts.unlike)
    low, high = wilson(share, rows)
    verdict = "as many as chance alone would call so" if low <= FALSE_ALARMS else "more than chance"
    verdict = "no more than chance alone would call so" if high < FALSE_ALARMS else verdict
    advice = "" if low <= FALSE_ALARMS else "; look at some of them: their answers may be worth nothing"
    return (
        f"{percent(share)} of the rows ({between((low, high), share=True)}) are unlike those of the "
        f"training: {verdict} ({percent(FALSE_ALARMS, 0)}){advice}."
    )


def _sizes_in_words(part: Part, bound: Held) -> str:
    mean, middle = number(float(bound.size.mean())), number(float(np.median(bound.size)))
    if bound.measure == "width":
        return f"An interval is {mean} wide on average; half of them are at most {middle}."
    kind = "label" if isinstance(part.target, LabelsTarget) else "class"
    kind = kind if mean == "1" else {"label": "labels", "class": "classes"}[kind]
    one = percent(float((bound.size == 1).mean()))
    return f"A set has {mean} {kind} on average; {one} of them have a single one."


def _sizes(facts: Facts, part: Part) -> list[Html]:
    if part.bound is None:
        return []
    if part.bound.measure == "set_size":
        counts = Counter(int(each) for each in part.bound.size)
        if not FEWEST_SIZES <= len(counts) <= MOST_SIZES:
            return []
        kind = "labels" if isinstance(part.target, LabelsTarget) else "classes"
        drawn = counts_plot(
            dict(counts), f"Rows by the size of their set of {kind}", x_name=f"{kind} in the set"
        )
        return [figure(drawn, "Small sets are sure answers.")]
    drawn = histogram(part.bound.size, "Rows by the width of their interval", x_name="width of the interval")
    return [figure(drawn, "Wide where a row is hard, narrow where it is easy.")]
