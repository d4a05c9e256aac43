"""How a network is trained, as plain numbers."""

from __future__ import annotations

from typing import Literal

import msgspec


class Recipe(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the training loop needs to know.

    - ``epochs`` passes of ``batch`` rows per step; ``rate`` is the peak learning rate, reached after
      ``warmup`` (share of all steps), held, and brought to zero over the last ``cooldown`` share
    - ``decay`` weight decay; ``clip`` the largest norm of a step's gradient; ``smoothing`` of labels
    - ``patience``: epochs without a better validation score before stopping (0: never)
    - ``average``: the evaluated weights are an exponential average with this decay per step (0: none)
    - ``time_limit`` in seconds; the schedule is squeezed so that it ends in time
    """

    epochs: int
    batch: int
    rate: float
    decay: float
    optimizer: Literal["adamw", "muon", "sgd"] = "adamw"
    warmup: float = 0.1
    cooldown: float = 0.9
    clip: float = 1.0
    patience: int = 0
    average: float = 0.0
    augment_until: float = 1.0
    time_limit: float | None = None
    seed: int = 0


def rate_at(progress: float, recipe: Recipe) -> float:
    """The share of the peak learning rate at this share of the training: up, level, down, in straight lines.

    >>> from lamina.training.recipe import Recipe
    >>> recipe = Recipe(epochs=1, batch=1, rate=1.0, decay=0.0, warmup=0.25, cooldown=0.5)
    >>> [rate_at(p, recipe) for p in (0.125, 0.25, 0.4, 0.75, 1.0)]
    [0.5, 1.0, 1.0, 0.5, 0.0]
    """
    up = progress / recipe.warmup if recipe.warmup > 0 else 1.0
    down = (1.0 - progress) / recipe.cooldown if recipe.cooldown > 0 else 1.0
    return max(0.0, min(1.0, up, down))
