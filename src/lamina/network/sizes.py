"""How large the network is: chosen from the data, each choice with its reason."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lamina.features.features import Features
from lamina.features.targets.base import Target
from lamina.network.architecture import Architecture
from lamina.network.inputs.base import FEW, MANY, Input, Situation, layer_class
from lamina.network.inputs.image import ImageInput
from lamina.records import Choice
from lamina.settings import Settings

FEW_MIXED = 20_000  # training rows up to which a table with text or media is easily learnt by heart
MANY_OF_TWO = 50_000  # training rows from which two classes may need wide layers; measured up to 34,000
MANY_OF_NUMBERS = 8_000  # training rows from which a number is learnt better without dropout
DROPOUT = 0.1
NO_TEAMS: tuple[float, ...] = ()
LINEAR = ("classes", "number")  # answers whose scores a linear model gives in closed form
DEEP_ALREADY = "the input layers are deep themselves"


def choose_architecture(
    features: Features, target: Target, rows: int, settings: Settings
) -> tuple[Architecture, tuple[Choice, ...]]:
    """The network's sizes for ``rows`` training rows; what the user set stays as set."""
    layers: dict[str, type[Input]] = {each.name: layer_class(each) for each in features}
    deep = any(layer.deep for layer in layers.values())
    only_deep = all(layer.deep for layer in layers.values())
    activation = settings.activation or ("silu" if only_deep else "relu")
    hidden = settings.hidden
    members, teams = settings.members, NO_TEAMS
    choices = []
    if hidden is None:
        hidden, why = (
            ((), DEEP_ALREADY) if only_deep else _hidden(rows, settings, mixed=deep, two=target.binary)
        )
        choices.append(Choice(what="hidden layers", value=list(hidden), why=why))
    if members is None:
        pictures = [each for each in features if layers[each.name] is ImageInput and not target.frames]
        alone = len(pictures) == len(layers)
        if hidden and all(layer.in_teams for layer in layers.values()):
            teams = _teams(rows, target, settings)
        members, why = (
            _deep_members(pictures if alone else [], settings)
            if only_deep
            else _members(rows, settings, len(teams))
        )
        choices.append(Choice(what="members", value=members, why=why))
    additive = (
        target.binary and rows < FEW and hidden != ()
        and all(layers[each.name].additive(each) for each in features)
        and sum(len(each.columns) for each in features) < rows  # else it learns the rows by heart
    )  # fmt: skip
    if additive:
        choices.append(
            Choice(
                what="beside the hidden layers",
                value="an additive model",
                why=f"{rows:,} training rows: what each column says by itself counts for much",
            )
        )
    situation = Situation(
        fixed=additive,
        rows=rows,
        quality=settings.quality,
        activation=settings.activation or "silu",
        alone=len({each.kind for each in features}) == 1,
        frames=target.frames,
        members=1 if hidden else members,
        teams=max(1, len(teams)),
        linear=target.scores if target.answer in LINEAR and settings.quality != "fast" else 0,
    )
    inputs = {each.name: layers[each.name].choose(each, situation) for each in features}
    for each in features:
        choices += layers[each.name].choices(each, inputs[each.name])
    architecture = Architecture(
        inputs=inputs,
        hidden=hidden,
        activation=activation,
        members=members,
        output=target.answer,
        scores=target.scores,
        answer=target.spec(),
        smoothing=max(layers[each.name].smoothing(each) for each in features),
        gain=min(layer.gain for layer in layers.values()) if only_deep else 1.0,
        beside=deep and bool(hidden),
        additive=additive,
        dropout=0.0 if only_deep else dropout_for(rows, target, mixed=deep),
        teams=teams,
    )
    return architecture, tuple(choices)


def _hidden(rows: int, settings: Settings, *, mixed: bool, two: bool) -> tuple[tuple[int, ...], str]:
    if mixed and rows < FEW_MIXED:
        return (64,), "text or media beside other columns: what they tell goes to the output directly too"
    if rows < FEW:
        return (128, 128, 128), f"{rows:,} training rows: narrow layers generalise better"
    if rows > MANY:
        return (128, 64), f"{rows:,} training rows: narrow layers answer large tables quickly"
    if settings.quality == "fast":
        return (128, 128), "fast: two narrow layers"
    if two and rows < MANY_OF_TWO:
        return (128, 128), f"two classes, {rows:,} training rows: narrow layers are as good, and quick"
    return (256, 256, 256), f"{rows:,} training rows"


def dropout_for(rows: int, target: Target, *, mixed: bool) -> float:
    """The share of neurons that a step leaves out where so many rows are learnt from."""
    if rows < (FEW_MIXED if mixed else FEW):
        return 0.3
    return 0.0 if target.answer == "number" and rows >= MANY_OF_NUMBERS else DROPOUT


def _deep_members(pictures: Sequence[Any], settings: Settings) -> tuple[int, str]:
    if pictures and settings.quality == "best":
        members = 4 if all(each.channels == 1 for each in pictures) else 2
        return members, f"best: {members} networks, whose answers are averaged"
    return 1, "deep input layers: one network"


def _teams(rows: int, target: Target, settings: Settings) -> tuple[float, ...]:
    """The dropout of every team of members; none where all are to share their weights."""
    if settings.quality != "best" or not FEW <= rows <= MANY:
        return NO_TEAMS
    own = dropout_for(rows, target, mixed=False)
    return (own, DROPOUT, own, DROPOUT)


def _members(rows: int, settings: Settings, teams: int) -> tuple[int, str]:
    if rows > MANY:
        return 2, f"{rows:,} rows: members would hardly disagree"
    if teams:
        return 8 * teams, f"best: {teams} teams, trained one after another, that share no weight"
    if settings.quality == "best":
        return 16, "best: many members"
    return 8, "members that share weights cost little and steady the answer"
