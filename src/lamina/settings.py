"""What a user may set about the network and its training; everything left away is chosen from the data."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import Any, Literal, get_args, get_origin, get_type_hints

import msgspec

from lamina.errors import UsageError, nearest
from lamina.records import Quality


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The dial and its overrides.

    - ``quality``: fast, good or best: how much time an answer is worth
    - ``hidden``: neurons per hidden layer, ``activation`` their function, ``members`` how many networks
      train side by side
    - ``epochs``: passes over the training rows; ``batch`` rows per step; ``rate`` the peak learning rate;
      ``decay`` the weight decay
    - ``validation``: share of the rows kept for early stopping and scores; ``split`` how they are chosen
    - ``time_limit``: seconds that the fit may take, from reading to judging (the result then depends on the
      machine's speed)
    - ``refit``: train once more on all rows, validation rows included, with the passes found
    - ``size``: height and width to which images are brought, in pixels
    - ``allow``: findings of the data doctor that are to change nothing: "leak" keeps columns that give the
      answer away, "too-many-classes" learns a target whose values hardly repeat
    - ``pretrained``: whether networks trained on other data may read these (``None``: where it pays and the
      extra is installed)
    - ``coverage``: the share of bounds (intervals, sets of classes) that are to hold; ``coverage_by``: a
      column in whose every group they are to hold so often, or the target itself: in every class
    - ``seed``: of every random choice
    """

    quality: Quality = "good"
    hidden: tuple[int, ...] | None = None
    activation: Literal["relu", "gelu", "silu", "tanh", "elu", "leaky_relu", "identity"] | None = None
    members: int | None = None
    epochs: int | None = None
    batch: int | None = None
    rate: float | None = None
    decay: float | None = None
    validation: float | None = None
    split: Literal["auto", "random", "group", "time"] = "auto"
    time_limit: float | None = None
    refit: bool | None = None
    size: int | None = None
    allow: tuple[Literal["leak", "too-many-classes"], ...] = ()
    pretrained: bool | None = None
    coverage: float = 0.9
    coverage_by: str | None = None
    seed: int = 0


def settings_from(choices: Mapping[str, Any]) -> Settings:
    """Checks names, types and ranges; all problems in one error.

    >>> settings_from({"members": 4}).members
    4
    """
    known = Settings.__struct_fields__
    problems = [
        f"there is no setting {name!r}. {nearest(name, known)}" for name in choices if name not in known
    ]
    for name, value in choices.items():
        if name in known:
            problems += _problem(name, value)
    if problems:
        raise UsageError(
            "These settings cannot be used: " + "; ".join(problems),
            "See help(lamina.Settings) for what may be set.",
            settings=dict(choices),
        )
    return msgspec.convert(dict(choices), Settings)


_AT_LEAST: dict[str, float] = {
    "members": 1, "epochs": 1, "batch": 1, "decay": 0, "size": 4, "seed": 0,
}  # fmt: skip
_MORE_THAN_0 = ("rate", "time_limit")


def _words(name: str) -> tuple[str, ...]:
    """The words that a setting may be, empty where it is no word."""
    hint = get_type_hints(Settings)[name]
    choices = [hint, *get_args(hint)]
    return next((get_args(each) for each in choices if get_origin(each) is Literal), ())


def _problem(name: str, value: Any) -> list[str]:
    try:
        checked = getattr(msgspec.convert({name: value}, Settings), name)
    except msgspec.ValidationError as error:
        allowed = _words(name)
        if allowed and isinstance(value, str):
            return [f"there is no {name} {value!r}. {nearest(value, allowed)}"]
        return [f"{name}={value!r}: {str(error).split(' - ')[0].lower()}"]
    if checked is None:
        return []
    if name in _AT_LEAST and checked < _AT_LEAST[name]:
        return [f"{name}={value!r}: at least {_AT_LEAST[name]:g} is needed"]
    if name in _MORE_THAN_0 and not 0 < checked < inf:
        return [f"{name}={value!r}: a number above 0 is needed"]
    if name == "decay" and not checked < inf:
        return [f"decay={value!r}: a finite number is needed"]
    if name == "hidden" and any(neurons < 1 for neurons in checked):
        return [f"hidden={value!r}: a layer needs at least one neuron"]
    if name == "coverage" and not 0 < checked < 1:
        return [f"coverage={value!r}: a share between 0 and 1 is needed"]
    if name == "validation" and not 0 < checked < 1:
        return [f"validation={value!r}: a share between 0 and 1 is needed"]
    return []
