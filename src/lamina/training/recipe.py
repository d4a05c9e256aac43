"""How a network is trained, as plain numbers."""

from __future__ import annotations

from typing import Literal

import msgspec


class Recipe(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the training loop needs to know about one phase.

    - ``steps`` of ``batch`` rows at most; ``rate`` is the peak learning rate, reached after ``warmup``
      steps, held, and brought to zero over the last ``cooldown`` share of the steps
    - ``optimizer`` "muon" moves convolutions with Muon at ``convolution_rate``, all else with AdamW
    - ``decay`` weight decay; ``betas`` of AdamW; ``clip`` the largest norm of a step's gradient
    - ``patience``: epochs without a better validation score before stopping (0: never)
    - ``average``: validated are the weights' exponential averages with this decay per step (0: none)
    - ``least``: steps before a state may count as the best
    - ``anneal``: after stopping, go on from the best state on all rows, validation rows included, for
      this share of the steps it took, with the rate falling from ``anneal_rate`` (a share of ``rate``)
      to zero (0: keep the best state); ``anneal_averaged``: from the averaged weights
    - ``spare``: of rows held out, by which nothing is chosen, those not to be kept apart are learnt from, too
    - ``time_limit`` in seconds for this phase
    """

    steps: int
    batch: int
    rate: float
    decay: float
    optimizer: Literal["adamw", "muon"] = "adamw"
    convolution_rate: float = 0.0
    betas: tuple[float, float] = (0.9, 0.99)
    warmup: int = 0
    cooldown: float = 1.0
    clip: float = 1.0
    patience: int = 0
    average: float = 0.0
    least: int = 0
    anneal: float = 0.0
    anneal_rate: float = 1.0
    anneal_averaged: bool = False
    spare: bool = False
    time_limit: float | None = None
    seed: int = 0


def rate_at(step: int, progress: float, recipe: Recipe) -> float:
    """The share of the peak learning rate at this step: up, level, down, in straight lines.

    ``progress`` is the share of the phase that is done, by steps or by time.

    >>> from lamina.training.recipe import Recipe
    >>> recipe = Recipe(steps=100, batch=1, rate=1.0, decay=0.0, warmup=20, cooldown=0.5)
    >>> [rate_at(step, step / 100, recipe) for step in (9, 19, 40, 75)]
    [0.5, 1.0, 1.0, 0.5]
    """
    up = (step + 1) / recipe.warmup if recipe.warmup else 1.0
    down = (1.0 - progress) / recipe.cooldown if recipe.cooldown else 1.0
    return max(0.0, min(1.0, up, down))


def annealing(recipe: Recipe, steps: int, left: float | None) -> Recipe:
    """The second phase: the rate falls to zero, no more validation."""
    return msgspec.structs.replace(
        recipe,
        steps=max(1, round(steps * recipe.anneal)),
        rate=recipe.rate * recipe.anneal_rate,
        convolution_rate=recipe.convolution_rate * recipe.anneal_rate,
        warmup=0,
        cooldown=1.0,
        patience=0,
        least=0,
        average=0.0,
        anneal=0.0,
        time_limit=left,
    )
