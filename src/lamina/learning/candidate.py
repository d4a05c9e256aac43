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
from lamina.network.sizes import dropout_for
from lamina.training.additive import fit_again
from lamina.training.choose import choose_recipe, hardest
from lamina.training.encode import row_weights
from lamina.training.examples import Examples
from lamina.training.fitted import Fitted
from lamina.training.loop import Training, train
from lamina.training.precision import Machine, choose_device, choose_precision, computing
from lamina.training.recipe import Recipe
from lamina.training.see import see_once

BUDGET = 0.08  # of the rows that a training from scratch would see
MOST_OLD = 20.0  # remembered rows per new one


@dataclass(frozen=True)
class Lesson:
    """What a candidate learns from: encoded rows, the new ones first, then those remembered.

    ``arrays`` is what the network reads in training; ``new`` how many of the rows are new; ``stands`` how
    many rows each remembered one stands for, float64; ``today`` how many of the new rows came with this
    update, 0 where that is not known.
    """

    arrays: Arrays
    answers: np.ndarray
    weights: np.ndarray | None
    new: int
    stands: np.ndarray
    today: int = 0

    def __len__(self) -> int:
        return len(self.answers)


def lesson(
    fitted: Fitted, new: pl.DataFrame, old: pl.DataFrame, machine: Machine, *, today: int = 0
) -> Lesson:
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
    return Lesson(arrays, answers, weights, int((known < new.height).sum()), stands, today)


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
    world = int(what.new + what.stands.sum())
    recipe, _ = choose_recipe(fitted.features, fitted.target, max(world, 1), fitted.settings)
    own = dropout_for(world, fitted.target, mixed=hardest(fitted.features) != "tables")
    for team in network.hidden.teams:  # at most as much as a first training from so many rows would have
        team.dropout = min(team.dropout, own)
    with computing(str(precision.value), device, machine.threads):
        examples = Examples.of(what.arrays, what.answers, what.weights).to(device)
        # a training of so many passes must not take longer than a small part of one from scratch
        most = None if recipe.patience else round(BUDGET * recipe.steps * recipe.batch)
        recipe = gentle(recipe, what, plan)
        rows = torch.from_numpy(order(what, plan, plan.steps * recipe.batch, most)).to(device)
        if plan.hold:
            said = remembered(network, examples, rows.unique())
            examples = replace(examples, arrays=examples.arrays | said)
        start(network, examples)
        steps = max(1, len(rows) // min(recipe.batch, len(rows)))
        recipe = msgspec.structs.replace(recipe, steps=steps, warmup=min(recipe.warmup, steps // 4))
        objective = holding(network, plan.hold) if plan.hold else None
        training = Training(network, examples, rows, recipe, objective=objective)
        train(training, watch)
        fit_again(network, examples, torch.arange(len(examples), device=device))
    network.settle()
    network.cpu().eval()
    return replace(fitted, engine=network, onnx=None, epochs=tuple(training.epochs), stopped=training.stopped)


def start(network: Network, examples: Examples) -> None:
    """New codes are noted, new scores woken."""
    for layer in network.input_layers():
        own = {
            name: each for name, each in examples.arrays.items() if f"{name}.".startswith(f"{layer.name}.")
        }
        layer.meet(own)
    network.wake()
    if (
        network.additive is not None
    ):  # its input layers were left as they started; what is new they must learn
        network.inputs.requires_grad_(True)


def gentle(recipe: Recipe, what: Lesson, plan: Plan) -> Recipe:
    """The recipe of the kind of network, gentler: nothing is learnt from scratch."""
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


def order(what: Lesson, plan: Plan, least: int = 0, most: int | None = None) -> np.ndarray:
    """Row numbers for the whole training: in every pass new rows, and as many remembered ones as the plan
    says, others in each pass where there are more. ``least`` and ``most``: rows in all."""
    rng = np.random.default_rng((plan.seed, 1))
    new, old = np.arange(what.new), np.arange(what.new, len(what))
    fresh, again = shares(what, plan)
    passes = plan.passes
    if (
        not plan.natural and what.today
    ):  # rows that waited were learnt from before, by candidates that were kept
        passes = min(passes, max(1, round(1.5 * passes * what.today / max(what.new, 1))))
    count = max(passes, -(-len(new) // max(fresh, 1)), -(-least // max(fresh + again, 1)))
    if most is not None:
        count = max(1, min(count, most // max(fresh + again, 1)))
    chosen, waiting = [], new[:0]
    for _ in range(count):
        if len(waiting) < fresh:
            waiting = np.concatenate([waiting, rng.permutation(new)])
        chosen += [waiting[:fresh], old[drawn_again(what.stands, again, rng)] if again else old[:0]]
        waiting = waiting[fresh:]
    return np.concatenate(chosen).astype(np.int64)


def shares(what: Lesson, plan: Plan) -> tuple[int, int]:
    """How many new and how many remembered rows a pass has."""
    new, old = what.new, len(what) - what.new
    if not (plan.natural and new and old):
        return new, min(old, round(plan.old_per_new * max(new, 1)))
    ratio = float(np.clip(what.stands.sum() / new, 1.0, MOST_OLD))
    again = min(old, round(ratio * new))
    return max(1, min(new, round(again / ratio))), again
