"""How large the network is: chosen from the data, each choice with its reason."""

from __future__ import annotations

from typing import Any

from lamina.features.base import Feature
from lamina.features.features import Features
from lamina.features.image import ImageFeature
from lamina.features.target import ClassTarget, Target
from lamina.network.network import Architecture
from lamina.records import Choice
from lamina.training.settings import Settings

SIZE = 16  # length of the vector that a number or a category becomes
TINY = 16  # pictures smaller than this are enlarged before the convolutions


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
        hidden, why = ((), "the convolutions are the hidden layers") if only_pictures else _hidden(rows)
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
        smoothing=0.1 if pictures and isinstance(target, ClassTarget) else 0.0,
        gain=1 / 9 if only_pictures else 1.0,
        dropout=0.0 if pictures else 0.1,
    )
    return architecture, tuple(choices)


def _hidden(rows: int) -> tuple[tuple[int, ...], str]:
    if rows < 2000:
        return (256, 256, 256), f"{rows:,} training rows: narrow layers generalise better"
    return (256, 256, 256), f"{rows:,} training rows"


def _members(rows: int, settings: Settings) -> tuple[int, str]:
    if settings.quality == "fast":
        return 4, "fast: few members"
    if rows > 200_000:
        return 4, f"{rows:,} rows: members disagree little on this many"
    return 8, "members that share weights cost little and steady the answer"


def _input(feature: Feature, rows: int, settings: Settings, activation: str) -> dict[str, Any]:
    if isinstance(feature, ImageFeature):
        return _picture(feature, rows, settings, activation)
    return {"size": SIZE} if feature.kind in ("category", "number", "date") else {}


def _picture(feature: ImageFeature, rows: int, settings: Settings, activation: str) -> dict[str, Any]:
    side = min(feature.height, feature.width)
    widths = {"fast": [32, 64, 64], "good": [32, 64, 128], "best": [64, 128, 256]}[settings.quality]
    return {
        "widths": widths,
        "depths": [2, 2, 2],
        "activation": activation,
        "enlarge": 2 if side < TINY else 1,
        "turn": [15, 0.15, 0.2, 2.5] if feature.channels == 1 else None,
        "shift": 2,
        "mirror": feature.channels == 3,
        "views": settings.quality != "fast",
    }
