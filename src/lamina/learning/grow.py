"""Room for what is new: the network knows more values and classes, and answers the old ones as before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import polars as pl
import torch

from lamina.features.base import Feature
from lamina.features.category import CategoryFeature
from lamina.features.features import Features
from lamina.features.set import SetFeature
from lamina.features.targets.base import Target
from lamina.features.targets.several import SeveralTarget
from lamina.learning.records import Grown
from lamina.network.inputs.base import Situation, layer_class
from lamina.records import Field
from lamina.training.fitted import Fitted

SHOWN = 100  # new values named


def grow(
    fitted: Fitted, frame: pl.DataFrame, fields: Sequence[Field] = ()
) -> tuple[Fitted, tuple[Grown, ...]]:
    """A copy that knows the values and classes of ``frame``, conformed rows to learn from, and further
    columns, ``fields``.

    Growing moves no answer: the scores of old classes for old values are exactly the same, new classes are
    not answered and new columns tell nothing before they are learnt. The champion itself stays as it is.
    """
    features = fitted.features.extend(frame).with_columns(frame, fields)
    target = fitted.target.extend(frame)
    added = {
        each.name: _spec(each, fitted, frame.height) for each in features.parts[len(fitted.features.parts) :]
    }
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(fitted.settings.seed)
        network = fitted.network.extend(features, added, target.scores, target.spec())
    grown = replace(
        fitted,
        schema=fitted.schema.with_fields(fields),
        features=features,
        target=target,
        engine=network,
        onnx=None,
        confidence=None if fitted.confidence is None else fitted.confidence.extend(target),
        novelty=None,  # it tells of what the champion saw
    )
    columns = [Grown(what="column", column=each.name, values=(), count=1) for each in fields]
    new = (*columns, *new_values(fitted.features, features), *new_classes(fitted.target, target))
    return grown, new


def _spec(feature: Feature, fitted: Fitted, rows: int) -> dict[str, Any]:
    """The sizes of a new block, as a first training would choose them."""
    situation = Situation(rows=rows, quality=fitted.settings.quality, alone=False)
    return layer_class(feature).choose(feature, situation)


def new_values(old: Features, new: Features) -> list[Grown]:
    """The categories and members of sets that the new features know beside the old ones."""
    found = []
    for before, after in zip(old, new, strict=False):
        if isinstance(before, CategoryFeature) and isinstance(after, CategoryFeature):
            beside = zip(before.columns, before.known, after.known, strict=True)
            found += [_named("category", name, a[len(b) :]) for name, b, a in beside]
        elif isinstance(before, SetFeature) and isinstance(after, SetFeature):
            found.append(_named("set", before.columns[0], after.known[len(before.known) :]))
    return [each for each in found if each.count]


def new_classes(old: Target, new: Target) -> list[Grown]:
    """The classes and labels that the new target knows beside the old ones."""
    if isinstance(old, SeveralTarget) and isinstance(new, SeveralTarget):
        return [each for pair in zip(old.parts, new.parts, strict=True) for each in new_classes(*pair)]
    before, after = getattr(old, "labels", ()), getattr(new, "labels", ())
    what = "label" if new.answer == "labels" else "class"
    return [_named(what, new.column, after[len(before) :])] if len(after) > len(before) else []


def _named(what: str, column: str, values: tuple[str, ...]) -> Grown:
    return Grown(what=what, column=column, values=values[:SHOWN], count=len(values))  # type: ignore[arg-type]
