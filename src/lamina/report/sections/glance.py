"""How good the answers are, beside honest baselines, in plain words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from lamina.predictions.summary import SHOWN, shown
from lamina.report.comparison import NETWORK, Comparison
from lamina.report.facts import Facts, Part
from lamina.report.figures.span import scale_of, span
from lamina.report.figures.wilson import wilson
from lamina.report.html import Html, data, folded, joined, paragraph, table, tag
from lamina.report.html import value as value_cell
from lamina.report.sections.section import Section
from lamina.report.words import between, number, percent

SHARES: Final = frozenset(
    {"accuracy", "balanced_accuracy", "wer", "cer", "exact", "iou", "pixel_accuracy", "coverage"}
)
ANSWERER: Final[Mapping[str, str]] = {
    NETWORK: "this network",
    "linear": "a linear model",
    "majority": "always the most common",
    "mean": "always the mean",
    "quantiles": "always the same quantiles",
    "frequency": "always how often each occurs",
    "most common": "always the most common text",
}
SENTENCES: Final[Mapping[str, Callable[[float], str]]] = {
    "accuracy": lambda x: f"{percent(x)} of the answers are right",
    "mae": lambda x: f"Answers are {number(x)} off on average",
    "micro_f1": lambda x: f"Precision and recall together (micro F1) reach {number(x)}",
    "wer": lambda x: f"{percent(x)} of the words are wrong",
    "iou": lambda x: f"Answered and true pixels overlap by {percent(x)}",
}
MOST_DETAILED: Final = 8  # targets that are told of one by one


def glance(facts: Facts) -> Section:
    """The first thing to read."""
    parts = facts.parts[:MOST_DETAILED]
    several = len(facts.parts) > 1
    body = [_of_part(part, named=several) for part in parts]
    if len(facts.parts) > len(parts):
        body.append(
            paragraph(f"{len(facts.parts) - len(parts)} more targets: see all scores.", class_="note")
        )
    body.append(_all_scores(facts))
    return Section("glance", "At a glance", joined(body))


def _of_part(part: Part, *, named: bool) -> Html:
    compared = part.comparison
    head = tag("h3", data(part.target.column)) if named else None
    return tag(
        "div", head, paragraph(sentence(compared), class_="lead"), paragraph(verdict(compared)),
        _tiles(part), _beside(compared), class_="part",
    )  # fmt: skip


def sentence(compared: Comparison) -> Html:
    """The headline score in words, with its interval."""
    name = compared.headline
    say = SENTENCES.get(name)
    value = compared.scores[NETWORK][name]
    words = say(value) if say else f"{name.replace('_', ' ')} is {number(value)}"
    bounds = compared.intervals[NETWORK].get(name)
    told = between(bounds, share=name in SHARES)
    return joined([words, f" (95 % interval: {told})."])


def verdict(compared: Comparison) -> str:
    """Whether that is clearly better than each baseline."""
    name, told = compared.headline, []
    for baseline in compared.ahead:
        if name in compared.scores[baseline]:
            word = {"better": "clearly better than", "worse": "clearly worse than"}
            how = word.get(compared.verdict(baseline, name), "not clearly different from")
            score = _score(name, compared.scores[baseline][name])
            told.append(f"{how} {ANSWERER.get(baseline, baseline)} ({score})")
    return f"On the same rows that is {' and '.join(told)}." if told else ""


def _tiles(part: Part) -> Html:
    scores = part.comparison.scores[NETWORK]
    tiles = []
    for name, title in (("auroc", "AUROC"), ("r2", "R²"), ("kappa", "kappa"), ("cer", "characters wrong")):
        if name in scores:
            bounds = part.comparison.intervals[NETWORK].get(name)
            tiles.append(_tile(title, _score(name, scores[name]), between(bounds, share=name in SHARES)))
    if "ece" in scores:
        bounds = part.comparison.intervals[NETWORK].get("ece")
        tiles.append(
            _tile("calibration error", percent(scores["ece"], 2), between(bounds, share=True, digits=2))
        )
    if part.bound is not None:
        held = float(part.bound.inside.mean())
        what = "sets" if part.bound.measure == "set_size" else "intervals"
        told = between(wilson(held, len(part.bound.inside)), share=True)
        tiles.append(_tile(f"{what} that hold the truth", percent(held), told))
    tiles.append(_tile("rows with known answers", f"{len(part.came):,}", ""))
    return tag("ul", *tiles, class_="tiles")


def _tile(title: str, value: str, under: str) -> Html:
    below = tag("span", under, class_="under") if under else None
    return tag("li", tag("span", title, class_="name"), tag("span", value, class_="value"), below)


def _beside(compared: Comparison) -> Html:
    """The headline and the score that training looks at, the network's and the baselines', as spans."""
    name = compared.headline
    bounds = {who: compared.intervals[who].get(name) for who in compared.scores}
    edges = [edge for each in bounds.values() if each for edge in each]
    known = {who: scores[name] for who, scores in compared.scores.items() if name in scores}
    scale = scale_of([*known.values(), *edges])
    rows = [
        (
            ANSWERER.get(who, who),
            span(value, bounds[who], scale, strong=who == NETWORK),
            value_cell(_score(name, value), between(bounds[who], share=name in SHARES)),
        )
        for who, value in known.items()
    ]
    words = f"{name.replace('_', ' ')}: {SHOWN.get(name, '')}".rstrip(": ")
    return table(("answered by", words, "95 % interval"), rows, numbers=(2,), caption=words)


def _all_scores(facts: Facts) -> Html:
    evaluation = facts.evaluation
    others = list(evaluation.baseline)
    rows = [
        (
            name.replace("_", " "),
            number(evaluation.scores[name], 4),
            between(evaluation.intervals.get(name)),
            *(number(evaluation.baseline[each].get(name, float("nan")), 4) for each in others),
            words,
        )
        for name, words in shown(evaluation.scores)
    ]
    heads = ("score", "network", "95 % interval", *(ANSWERER.get(each, each) for each in others), "in words")
    numbers = range(1, 3 + len(others))
    return folded("All scores", table(heads, rows, numbers=numbers, caption="All scores with intervals"))


def _score(name: str, value: float) -> str:
    return percent(value) if name in SHARES else number(value)
