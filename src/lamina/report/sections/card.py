"""The model card: what this model is, of what it was made, where it ends."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterator
from importlib.metadata import version
from typing import Final

import msgspec

from lamina.data.fingerprint import Fingerprint
from lamina.features.targets.base import BEYOND
from lamina.features.targets.classes import ClassTarget
from lamina.features.targets.means import MeanTarget
from lamina.features.targets.number import NumberTarget
from lamina.predictions.inspect import layers_of
from lamina.report.facts import Facts, Part
from lamina.report.html import Html, data, folded, joined, table, tag
from lamina.report.sections.section import Section
from lamina.report.words import listed, number, short, size
from lamina.version import __version__

FEW: Final = 20  # rows of a class that say little of it
# Names of columns that the law of many places protects; found by name only
PROTECTED: Final = re.compile(
    r"(?i)(^|[^a-z])(sex|gender|race|ethnic\w*|religion\w*|nationality|native.?country|disab\w+|age|marital\w*|"
    r"pregnan\w+|orientation|birth\w*|dob)([^a-z]|$)"
)


def card(facts: Facts) -> Section:
    """Provenance, settings, limits."""
    body = [
        _facts(facts),
        tag("h3", "Where it ends"),
        tag("ul", *(tag("li", each) for each in limits(facts)), class_="limits"),
        tag("h3", "What it must not be used for, as far as is known"),
        tag("ul", *(tag("li", each) for each in misuse(facts)), class_="limits"),
        folded("Settings and layers", _settings(facts), _layers(facts)),
    ]
    return Section("card", "Model card", joined(body))


def _facts(facts: Facts) -> Html:
    fitted = facts.model.fitted
    rows = {
        "predicts": data(fitted.target.describe(), 300),
        "trained on": "; ".join(f"{n} {c:,} rows" for n, c in fitted.rows.items()) or "–",
        "training data": data(short(facts.model.validation.on.removeprefix("validation rows of "))),
        "SHA-256 of the training data": _print(fitted.data) if fitted.data else None,
        "judged on": joined([data(short(facts.table.source)), f", {facts.frame.height:,} rows"]),
        "SHA-256 of what it was judged on": _print(facts.data),
        "chosen by": fitted.metric,
        "weights": f"{fitted.engine.weights:,}",
        "seed": f"{fitted.settings.seed}",
        "report made": facts.made.strftime("%Y-%m-%d %H:%M UTC"),
        "versions": f"Lamina {__version__}, torch {version('torch')}, numpy {version('numpy')}, "
        f"polars {version('polars')}, Python {platform.python_version()}",
    }
    terms = (joined([tag("dt", name), tag("dd", value)]) for name, value in rows.items() if value)
    return tag("dl", *terms)


def _print(found: Fingerprint) -> Html:
    return joined([tag("code", found.digest), f" ({found.of}, {size(found.size)})"])


def limits(facts: Facts) -> Iterator[object]:
    """What is known of where the answers stop being good."""
    yield "Bounds and probabilities are promised for rows like those of the training; for others nothing is."
    for part in facts.parts:
        yield from _part_limits(part, several=len(facts.parts) > 1)
    if facts.model.fitted.confidence is None:
        yield "Probabilities were not corrected and there are no bounds: no rows were kept from training."
    ignored = [each.name for each in facts.model.schema.with_role("ignored")]
    if ignored:
        yield joined(["Not read: ", data(listed(ignored, 12), 400), "."])
    for each in facts.groups:
        if each.worse:
            names = listed(list(dict.fromkeys(one.group for one in each.worse)))
            yield joined(["Fares clearly worse for ", data(f"{each.column}: {names}", 300), "."])
    if not facts.groups:
        yield "How groups of rows fare was not asked for (--by COLUMN)."


def _part_limits(part: Part, *, several: bool) -> Iterator[object]:
    target, name = part.target, joined([data(part.target.column), ": "]) if several else ""
    if isinstance(target, NumberTarget):
        room = BEYOND * (target.highest - target.lowest)
        low, high = number(target.lowest - room, 4), number(target.highest + room, 4)
        yield joined([name, f"No answer lies outside {low} to {high}, a tenth beyond the training answers."])
    if isinstance(target, MeanTarget):
        yield joined([name, f"No answer lies above {number((1 + BEYOND) * target.highest, 4)}."])
    if isinstance(target, ClassTarget):
        rows = [int((part.came == k).sum()) for k in range(len(target.labels))]
        few = [label for label, count in zip(target.labels, rows, strict=True) if count < FEW]
        if few:
            yield joined(
                [
                    name,
                    f"Fewer than {FEW} rows here, so little is known of: ",
                    data(listed(few, 12), 400),
                    ".",
                ]
            )
        strange = int((part.came < 0).sum())
        if strange:
            yield joined(
                [name, f"{strange:,} rows here have a class that training never saw; it cannot be answered."]
            )


def misuse(facts: Facts) -> Iterator[object]:
    """What the figures on this page do not support."""
    yield "For rows of another kind, place or time than those judged here: judge it on such rows first."
    yield "To say what causes what: it tells what goes together."
    protected = [
        each.name
        for each in facts.model.schema.with_role("input")
        if PROTECTED.search(each.name.replace("_", " "))
    ]
    if protected:
        yield joined(
            ["To decide about people unless that is lawful and groups were compared. Columns that may be ",
             "protected, by their names: ", data(listed(protected, 12), 300), "."]
        )  # fmt: skip
    yield "Whatever else its makers know of and Lamina cannot: add it here before you hand this page on."


def _settings(facts: Facts) -> Html:
    settings = msgspec.structs.asdict(facts.model.fitted.settings)
    rows = [(name, data("chosen" if value is None else value)) for name, value in settings.items()]
    return table(("setting", "value"), rows, caption="Settings")


def _layers(facts: Facts) -> Html:
    rows = [
        (each.name, data(each.shape, 120), f"{each.neurons:,}", f"{each.weights:,}")
        for each in layers_of(facts.model.fitted)
    ]
    return table(("layer", "shape", "neurons", "weights"), rows, numbers=(2, 3), caption="Layers")
