"""The candidate: the champion goes on learning, from new rows and from those it remembers."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace

import msgspec
import numpy as np
import polars as pl
import torch

from lamina.features.base import Arrays
from lamina.learning.distil import holding, remembered
from lamina.learning.memory import WEIGHT, bare
from lamina.learning.plan import Plan
from lamina.learning.replay import drawn_again
from lamina.network.network import Network
from lamina.training.choose import choose_recipe
from lamina.training.encode import row_weights
from lamina.training.examples import Examples
from lamina.training.fitted import Fitted
from lamina.training.loop import Training, train
from lamina.training.precision import Machine, choose_device, choose_precision, computing
from lamina.training.recipe import Recipe
from lamina.training.see import see_once


@dataclass(frozen=True)
class Lesson:
    """What a candidate learns from: encoded rows, the new ones first, then those remembered.

    ``arrays`` is what the network reads in training; ``new`` how many of the rows are new; ``stands`` how many
    rows each remembered one stands for, float64.
    """

    arrays: Arrays
    answers: np.ndarray
    weights: np.ndarray | None
    new: int
    stands: np.ndarray

    def __len__(self) -> int:
        return len(self.answers)


def lesson(fitted: Fitted, new: pl.DataFrame, old: pl.DataFrame, machine: Machine) -> Lesson:
    """The rows as arrays, for a network that has grown already; rows without an answer it knows are left
    out."""
    frame = pl.concat([bare(new), bare(old)], how="diagonal_relaxed") if old.height else bare(new)
    answers = fitted.target.encode(frame)
    known = np.flatnonzero(answers >= 0) if fitted.target.codes else np.arange(len(answers))
    frame, answers = frame[known], answers[known]
    arrays = fitted.features.transform(frame)
    device = choose_device(machine)
    arrays = see_once(
        fitted.network.architecture, fitted.features, arrays, device, shown=machine.progress
    )  # what frozen layers make of the rows, once
    weights = row_weights(frame, fitted.schema, answers, fitted.target, fitted.task)
    stands = old[WEIGHT].to_numpy()[known[known >= new.height] - new.height]
    return Lesson(arrays, answers, weights, int((known < new.height).sum()), stands)


def learn(
    fitted: Fitted,
    what: Lesson,
    plan: Plan,
    machine: Machine,
    watch: Callable[[Training], None] = lambda training: None,
) -> Fitted:
    """The candidate. ``fitted`` has grown and is left as it is.

    What the champion answers for remembered rows is held while the new ones are learnt (``plan.hold``).
    """
    device = choose_device(machine)
    precision = choose_precision(machine, device)
    network = copy.deepcopy(fitted.network).to(device)
    recipe = recipe_of(fitted, what, plan)
    with computing(str(precision.value), device, machine.threads):
        examples = Examples.of(what.arrays, what.answers, what.weights).to(device)
        if plan.hold:
            examples = replace(examples, arrays=examples.arrays | remembered(network, examples))
        start(network, examples)
        rows = torch.from_numpy(order(what, plan)).to(device)
        recipe = msgspec.structs.replace(recipe, steps=max(1, len(rows) // min(recipe.batch, len(rows))))
        training = Training(network, examples, rows, recipe)
        training.objective = holding(network, plan.hold) if plan.hold else None
        train(training, watch)
    network.settle()
    network.cpu().eval()
    return replace(fitted, network=network, epochs=tuple(training.epochs), stopped=training.stopped)


def start(network: Network, examples: Examples) -> None:
    """New codes are noted, new scores woken."""
    for layer in network.input_layers():
        own = {
            name: each for name, each in examples.arrays.items() if f"{name}.".startswith(f"{layer.name}.")
        }
        layer.meet(own)
    network.wake()


def recipe_of(fitted: Fitted, what: Lesson, plan: Plan) -> Recipe:
    """The recipe of the kind of network, gentler: nothing is learnt from scratch."""
    recipe, _ = choose_recipe(fitted.features, fitted.target, len(what), fitted.settings)
    return msgspec.structs.replace(
        recipe,
        rate=recipe.rate * plan.rate,
        convolution_rate=recipe.convolution_rate * plan.rate,
        batch=min(recipe.batch, max(32, len(what) // 8)),
        warmup=20,
        cooldown=0.8,
        patience=0,
        least=0,
        average=0.0,
        anneal=0.0,
        time_limit=plan.time_limit,
        seed=plan.seed,
    )


def order(what: Lesson, plan: Plan) -> np.ndarray:
    """Row numbers for the whole training: in every pass all new rows, and as many remembered ones as the plan
    says, others in each pass where there are more."""
    rng = np.random.default_rng((plan.seed, 1))
    new, old = np.arange(what.new), np.arange(what.new, len(what))
    count = min(len(old), round(plan.old_per_new * max(len(new), 1)))
    passes = []
    for _ in range(plan.passes):
        passes += [new, old[drawn_again(what.stands, count, rng)] if count else old[:0]]
    return np.concatenate(passes).astype(np.int64)
