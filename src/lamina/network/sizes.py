"""How large the network is: chosen from the data, each choice with its reason."""

from __future__ import annotations

from typing import Any

from lamina.features.base import Feature
from lamina.features.features import Features
from lamina.features.image import ImageFeature
from lamina.features.target import ClassTarget, Target
from lamina.network.network import Architecture
from lamina.records import Choice
from lamina.settings import Settings

FEW, MANY = 3000, 300_000  # training rows at which other sizes are better
TINY, TINY_TO = 20, 24  # pixels: smaller pictures are enlarged, about to this size
LARGE = 48  # pixels: larger pictures are halved by the first layer


def choose_architecture(
    features: Features, target: Target, rows: int, settings: Settings
) -> tuple[Architecture, tuple[Choice, ...]]:
    """The network's sizes for ``rows`` training rows; what the user set stays as set."""
    pictures = any(isinstance(each, ImageFeature) for each in features)
    only_pictures = all(isinstance(each, ImageFeature) for each in features)
    activation = settings.activation or ("silu" if only_pictures else "relu")
    hidden = settings.hidden
    members = settings.members
    choices = []
    if hidden is None:
        hidden, why = (
            ((), "the convolutions are the hidden layers") if only_pictures else _hidden(rows, settings)
        )
        choices.append(Choice(what="hidden layers", value=list(hidden), why=why))
    if members is None:
        members, why = (1, "pictures: one network") if pictures else _members(rows, settings)
        choices.append(Choice(what="members", value=members, why=why))
    architecture = Architecture(
        inputs={each.name: _input(each, rows, settings, activation) for each in features},
        hidden=hidden,
        activation=activation,
        members=members,
        output="classes" if isinstance(target, ClassTarget) else "number",
        scores=len(target.labels) if isinstance(target, ClassTarget) else 1,
        smoothing=_smoothing(features, target),
        gain=1 / 9 if only_pictures else 1.0,
        dropout=0.0 if pictures else 0.3 if rows < FEW else 0.1,
    )
    return architecture, tuple(choices)


def _smoothing(features: Features, target: Target) -> float:
    """Of labels: pictures are learnt by heart otherwise, colour ones most."""
    channels = [each.channels for each in features if isinstance(each, ImageFeature)]
    if not channels or not isinstance(target, ClassTarget):
        return 0.0
    return 0.1 if max(channels) == 1 else 0.2


def _hidden(rows: int, settings: Settings) -> tuple[tuple[int, ...], str]:
    if rows < FEW:
        return (128, 128, 128), f"{rows:,} training rows: narrow layers generalise better"
    if rows > MANY:
        return (128, 64), f"{rows:,} training rows: narrow layers answer large tables quickly"
    if settings.quality == "fast":
        return (128, 128), "fast: two narrow layers"
    return (256, 256, 256), f"{rows:,} training rows"


def _members(rows: int, settings: Settings) -> tuple[int, str]:
    if rows > MANY:
        return 2, f"{rows:,} rows: members would hardly disagree"
    if settings.quality == "best":
        return 16, "best: many members"
    return 8, "members that share weights cost little and steady the answer"


def _input(feature: Feature, rows: int, settings: Settings, activation: str) -> dict[str, Any]:
    if isinstance(feature, ImageFeature):
        return _picture(feature, rows, settings, activation)
    size = 8 if rows < FEW or rows > MANY or settings.quality == "fast" else 16
    return {"size": size} if feature.kind in ("category", "number", "date") else {}


def _picture(feature: ImageFeature, rows: int, settings: Settings, activation: str) -> dict[str, Any]:
    """Grey pictures (writing, shapes) need fewer channels than colour ones (things, scenes)."""
    side = max(feature.height, feature.width)
    enlarge = -(-TINY_TO // side) if side < TINY else 1
    grey = feature.channels == 1
    widths = {
        "fast": [32, 64, 128] if grey else [32, 128, 128],
        "good": [32, 64, 128] if grey else [64, 128, 256],
        "best": [48, 96, 192] if grey else [64, 256, 256],
    }[settings.quality]
    return {
        "widths": widths,
        "depths": [2, 2, 2],
        "activation": activation,
        "enlarge": enlarge,
        "stride": 2 if side * enlarge > LARGE else 1,
        "shift": max(1, round(side * enlarge / 16)),
        "mirror": False if settings.quality == "fast" else None,
        "views": settings.quality != "fast",
    }
