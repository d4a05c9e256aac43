"""Room for what is new: the network knows more values and classes, and answers the old ones as before."""

from __future__ import annotations

import copy
from dataclasses import replace

import msgspec
import polars as pl
import torch

from lamina.features.category import CategoryFeature
from lamina.features.features import Features
from lamina.features.set import SetFeature
from lamina.features.targets.base import Target
from lamina.features.targets.several import SeveralTarget
from lamina.learning.records import Grown
from lamina.network.network import Network
from lamina.training.fitted import Fitted

SHOWN = 100  # new values named


def grow(fitted: Fitted, frame: pl.DataFrame) -> tuple[Fitted, tuple[Grown, ...]]:
    """A copy that knows the values and classes of ``frame``, conformed rows to learn from, too.

    Growing moves no answer: the scores of old classes for old values are exactly the same, and new classes
    are not answered before they are learnt. The champion itself stays as it is.
    """
    features = fitted.features.extend(frame)
    target = fitted.target.extend(frame)
    network = grown_network(fitted.network, features, target)
    confidence = None if fitted.confidence is None else fitted.confidence.extend(target)
    grown = replace(fitted, features=features, target=target, network=network, confidence=confidence)
    return grown, (*new_values(fitted.features, features), *new_classes(fitted.target, target))


def grown_network(network: Network, features: Features, target: Target) -> Network:
    """A copy of the network with room for what these features and this target know."""
    network = copy.deepcopy(network)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        for feature in features:
            key = feature.name.replace(".", "·")
            network.inputs[key] = network.inputs[key].extend(feature)  # type: ignore[operator, union-attr]
        network.output = network.output.extend(target.scores, target.spec())
    network.architecture = msgspec.structs.replace(
        network.architecture, scores=target.scores, answer=target.spec()
    )
    return network.eval()


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
