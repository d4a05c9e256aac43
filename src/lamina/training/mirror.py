"""Whether left and right may be exchanged: asked of the data, not of the user.

A mirrored cat is a cat, a mirrored 7 is nothing. A short training without mirroring tells them apart: where
mirrored pictures it has not seen are still recognised, mirroring teaches; where not, it would confuse.
"""

from __future__ import annotations

import msgspec
import torch
from torch import Tensor

from lamina.features.features import Features
from lamina.network.architecture import Architecture
from lamina.network.network import build
from lamina.records import Choice
from lamina.training.examples import Examples
from lamina.training.loop import Training, train
from lamina.training.prepare import prepare
from lamina.training.recipe import Recipe
from lamina.training.validation import joint_answers

SHARE = 0.1  # of the steps of the real training
LEAST = 20  # steps
ROWS = 1000  # held-out rows that are looked at
MOST_LOSS = 0.35  # share of the accuracy that mirroring may cost


def undecided(architecture: Architecture) -> bool:
    """Whether some picture input still needs the test."""
    return any(spec.get("mirror", False) is None for spec in architecture.inputs.values())


def with_mirror(architecture: Architecture, mirror: bool) -> Architecture:
    """The architecture with the undecided inputs decided."""
    inputs = {
        name: {**spec, "mirror": mirror} if spec.get("mirror", False) is None else spec
        for name, spec in architecture.inputs.items()
    }
    return msgspec.structs.replace(architecture, inputs=inputs)


def mirror_test(
    architecture: Architecture,
    features: Features,
    examples: Examples,
    rows: Tensor,
    held_out: Tensor,
    recipe: Recipe,
) -> Choice:
    """A short training without mirroring, and how its answers bear it: a Choice of True or False."""
    plain = with_mirror(architecture, False)
    network = build(plain, features, recipe.seed).to(examples.answers.device)
    prepare(network, examples, rows)
    steps = max(LEAST, round(recipe.steps * SHARE))
    limit = None if recipe.time_limit is None else SHARE * recipe.time_limit
    short = msgspec.structs.replace(recipe, steps=steps, time_limit=limit, patience=0)
    train(Training(network, examples, rows, short))
    # evenly: the rows of a folder come sorted by class
    seen = examples.take(held_out[:: max(1, len(held_out) // ROWS)])
    mirrored = seen.arrays
    for layer in network.input_layers():
        mirrored = layer.mirrored(mirrored)
    everything = torch.arange(len(seen), device=rows.device)
    as_is, turned = (
        float(network.output.skill_of(joint_answers(network, each, everything), each.answers))
        for each in (seen, Examples(mirrored, seen.answers))
    )
    allowed = as_is > 0 and turned > (1 - MOST_LOSS) * as_is
    why = f"a short training recognised {as_is:.0%} of what it had not seen, {max(turned, 0):.0%} mirrored"
    return Choice(what="mirroring", value=allowed, why=why)


def without_test(recipe: Recipe) -> Recipe:
    """The recipe with what the test may take kept out of its time limit."""
    if recipe.time_limit is None:
        return recipe
    return msgspec.structs.replace(recipe, time_limit=(1 - SHARE) * recipe.time_limit)
