"""Where the answers are wrong: classes mixed up, numbers off, single rows worth looking at."""

from __future__ import annotations

from functools import singledispatch
from typing import Final

import numpy as np

from lamina.features.targets.base import Target
from lamina.features.targets.classes import ClassTarget
from lamina.features.targets.labels import LabelsTarget
from lamina.features.targets.mask import MaskTarget
from lamina.features.targets.means import MeanTarget
from lamina.features.targets.number import NumberTarget
from lamina.features.targets.quantiles import QuantilesTarget
from lamina.records import Field
from lamina.report.answers import shown, worst
from lamina.report.cells import Cells
from lamina.report.comparison import NETWORK
from lamina.report.facts import Facts, Part
from lamina.report.figures.confusion import MOST_SHOWN, confusion, counted, found_least
from lamina.report.figures.histogram import histogram
from lamina.report.figures.scatter import truth_plot
from lamina.report.figures.span import span
from lamina.report.html import Html, data, joined, paragraph, table, tag
from lamina.report.svg import figure
from lamina.report.words import number, percent

MOST_COLUMNS: Final = 7  # of a row that are shown beside its answer
MOST_LABELS: Final = 30
MEDIA: Final = ("image", "audio", "video")


@singledispatch
def mistakes(target: Target, part: Part) -> Html | None:
    """What kinds of errors there are; None where nothing is to be said."""
    return None


@mistakes.register
def _(target: ClassTarget, part: Part) -> Html:
    counts = counted(part.told.argmax(1), part.came, len(target.labels))
    parts: list[object] = [tag("h3", "What is taken for what"), confusion(counts, target.labels)]
    if len(target.labels) > MOST_SHOWN:
        least = found_least(counts, target.labels)
        rows = [
            (data(name, 40), f"{rows:,}", span(share, None, (0, 1), zero=0), percent(share))
            for name, rows, share in least
        ]
        parts += [
            tag("h3", "Classes that are found least"),
            table(
                ("class", "rows", "found", ""), rows, numbers=(1, 3), caption="Classes that are found least"
            ),
        ]
    return joined(parts)


@mistakes.register
def _(target: LabelsTarget, part: Part) -> Html:
    told, came = part.told >= 0.5, part.came > 0.5
    both, given, true = (told & came).sum(0), told.sum(0), came.sum(0)
    order = np.argsort(-true, kind="stable")[:MOST_LABELS]
    rows = [
        (
            data(target.labels[k], 40),
            f"{true[k]:,}",
            f"{given[k]:,}",
            _share(both[k], given[k]),
            _share(both[k], true[k]),
        )
        for k in order
    ]
    heads = ("label", "applies", "answered", "of these right", "of those found")
    more = f"The {MOST_LABELS} most frequent labels." if len(target.labels) > MOST_LABELS else ""
    return joined(
        [tag("h3", "Label by label"), table(heads, rows, numbers=range(1, 5), caption="Label by label"), more]
    )


@mistakes.register
def _(target: MaskTarget, part: Part) -> Html:
    scores = part.comparison.scores[NETWORK]
    rows = [
        (name.removeprefix("iou_"), span(share, None, (0, 1), zero=0), percent(share))
        for name, share in scores.items()
        if name.startswith("iou_")
    ]
    head = tag("h3", "Value by value")
    return joined(
        [head, table(("value", "overlap (IoU)", ""), rows, numbers=(2,), caption="Overlap by value")]
    )


@mistakes.register
def _(target: NumberTarget, part: Part) -> Html:
    return _numbers(target.values(part.told), target.raw(part.came))


@mistakes.register
def _(target: QuantilesTarget, part: Part) -> Html:
    return _numbers(target.values(part.told)[:, target.middle], target.raw(part.came))


@mistakes.register
def _(target: MeanTarget, part: Part) -> Html:
    return _numbers(target.values(part.told), part.came.astype(np.float64) * target.mean)


def _numbers(told: np.ndarray, came: np.ndarray) -> Html:
    off = told - came
    scatter = figure(
        truth_plot(told, came, "True over predicted, a point per row"),
        "A faint point per row, a large one per tenth of the rows; on the line the answer is right.",
    )
    middle, far = (number(float(np.quantile(np.abs(off), share))) for share in (0.5, 0.9))
    bars = figure(
        histogram(off, "Rows by how far the answer is off", x_name="predicted − true", at=0.0),
        "Right of the middle: answered too high. Half of the answers are off by at most "
        f"{middle}, one in ten by "
        f"more than {far}.",
    )
    return joined([tag("h3", "Predicted and true"), tag("div", scatter, bars, class_="figures")])


def examples(facts: Facts, part: Part, cells: Cells) -> Html | None:
    """The rows that are answered worst, as they came."""
    chosen = worst(part.target, part.told, part.came, facts.examples)
    if not len(chosen):
        return None
    fields = _columns(facts)
    places = facts.numbers[part.rows[chosen]]
    raw = facts.table.frame[places.tolist()]
    heads, answers = shown(part.target, part.told[chosen], part.came[chosen], cells)
    rows = [
        (f"{place:,}", *answer, *(cells.show(raw[each.name][k], each) for each in fields))
        for k, (place, answer) in enumerate(zip(places, answers, strict=True))
    ]
    told = table(
        ("row", *heads, *(data(each.name, 30) for each in fields)),
        rows,
        caption="Rows that are answered worst",
    )
    left = len(facts.model.schema.with_role("input")) - len(fields)
    more = f" {left} more columns are not shown." if left > 0 else ""
    words = paragraph(
        "The answers that are furthest off, the worst first (of classes and labels the wrong ones, then the "
        "least sure). Rows are counted from 0. Sometimes it is the known answer that is wrong.",
        more,
        class_="note",
    )
    return joined([tag("h3", "Errors worth looking at"), words, told])


def _columns(facts: Facts) -> list[Field]:
    """The inputs that are shown: media first, then those that matter most, else the first."""
    inputs = [
        each for each in facts.model.schema.with_role("input") if each.name in facts.table.frame.columns
    ]
    rank: dict[str, int] = {}
    if facts.importance is not None:
        for place, each in enumerate(facts.importance.importance):
            for name in each.columns:
                rank.setdefault(name, place)
    ordered = sorted(inputs, key=lambda each: (each.kind not in MEDIA, rank.get(each.name, len(rank))))
    return ordered[:MOST_COLUMNS]


def _share(some: int, whole: int) -> str:
    return percent(some / whole) if whole else "–"
