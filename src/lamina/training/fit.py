"""From arrays to a trained network: sizes, recipe, training, in the order of the drawing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import msgspec
import numpy as np
import torch

from lamina.data.split import kept_apart
from lamina.network.architecture import Architecture
from lamina.network.engine import Answered
from lamina.network.sizes import choose_architecture
from lamina.records import Choice
from lamina.settings import Settings
from lamina.tasks import Task
from lamina.training.checkpoint import Checkpoint
from lamina.training.choose import choose_recipe
from lamina.training.deadline import Deadline
from lamina.training.encode import Encoded
from lamina.training.examples import Examples
from lamina.training.fitted import Fitted
from lamina.training.linear import fit_linear
from lamina.training.mirror import mirror_test, undecided, with_mirror, without_test
from lamina.training.precision import Machine, choose_device, choose_precision, computing
from lamina.training.recipe import Recipe
from lamina.training.run import Lesson, Parts, run_teams
from lamina.training.sample import Sample
from lamina.training.see import see_once
from lamina.training.teams import alone, together


def train_network(
    encoded: Encoded,
    task: Task,
    settings: Settings,
    machine: Machine,
    deadline: Deadline | None = None,
    rehearse: Callable[[Fitted, Unseen], float] | None = None,
) -> tuple[Fitted, Unseen]:
    """Sizes, weights, passes: the network for these arrays, and the rows that it has not learnt from.

    With a ``deadline``, ``rehearse`` is asked how many seconds judging will take after training, by a network
    that has not learnt yet; training gets what is left. Without one, ``settings.time_limit`` is for training
    alone.
    """
    device = choose_device(machine)
    precision = choose_precision(machine, device)
    rows, metric = len(encoded.split.train), task.metric or encoded.target.metrics[0]
    checkpoint = _checkpoint(encoded, settings, machine)
    with computing(str(precision.value), device, machine.threads):
        plan = _planned(encoded, settings, machine, device)
        networks = list(alone(plan.architecture, encoded.features, settings.seed))
        dealt = _dealt(encoded, settings, plan.recipe)
        linear, examples = fit_linear(networks[0], plan.examples, torch.from_numpy(dealt.allowed).to(device))
        recipe, parts = _spared(plan.recipe, dealt, encoded, device)
        fitted = Fitted(
            task=task,
            schema=encoded.schema,
            features=encoded.features,
            target=encoded.target,
            engine=together(networks, plan.architecture, encoded.features),
            settings=settings,
            metric=metric,
            choices=(_split_choice(encoded), *plan.choices, precision, _device_choice(device)),
            findings=encoded.findings,
            rows={"train": rows, "validation": len(encoded.split.validation)},
        )
        unseen = Unseen(dealt.kept if len(dealt.kept) else encoded.split.validation, None)
        if deadline is not None:
            if rehearse is not None:
                fitted.network.to(device)
                with torch.autocast(device.type, enabled=False):  # as it will be judged
                    deadline.reserve = rehearse(fitted, unseen)
            recipe = msgspec.structs.replace(recipe, time_limit=deadline.left)
        lesson = Lesson(examples, parts, recipe, metric, checkpoint, linear, machine.progress)
        networks, training, before = run_teams(networks, lesson)
        network = together(networks, plan.architecture, encoded.features)
    network.settle()
    network.eval()
    if checkpoint is not None and not training.stopped.startswith("interrupted"):
        checkpoint.clear(len(networks))
    short = deadline.short(training.step * training.batch, rows) if deadline is not None else ()
    fitted = replace(
        fitted,
        engine=network,
        findings=(*encoded.findings, *short),
        epochs=tuple(training.epochs),
        stopped=training.stopped,
    )
    return fitted, unseen._replace(before=before)


class _Plan(NamedTuple):
    """What is trained, how, on which arrays, and why."""

    architecture: Architecture
    recipe: Recipe
    examples: Examples
    choices: tuple[Choice, ...]


def _planned(encoded: Encoded, settings: Settings, machine: Machine, device: torch.device) -> _Plan:
    """Sizes and recipe; the arrays on the device, what never changes seen already."""
    split = encoded.split
    architecture, sizes = choose_architecture(encoded.features, encoded.target, len(split.train), settings)
    recipe, passes = choose_recipe(encoded.features, encoded.target, len(split.train), settings)
    arrays = see_once(architecture, encoded.features, encoded.arrays, device, shown=machine.progress)
    examples = Examples.of(arrays, encoded.answers, encoded.weights).to(device)
    if undecided(architecture):
        learnt, held_out = (torch.from_numpy(rows).to(device) for rows in (split.train, split.validation))
        mirror = mirror_test(architecture, encoded.features, examples, learnt, held_out, recipe)
        architecture = with_mirror(architecture, bool(mirror.value))
        recipe = without_test(recipe)
        sizes = (*sizes, mirror)
    return _Plan(architecture, recipe, examples, (*sizes, *passes))


class _Dealt(NamedTuple):
    """Row numbers: those kept from all learning, and those that may be learnt from in the end; int64."""

    kept: np.ndarray
    allowed: np.ndarray


def _dealt(encoded: Encoded, settings: Settings, recipe: Recipe) -> _Dealt:
    train, validation = encoded.split.train, encoded.split.validation
    kept = kept_apart(encoded.split, settings.seed) if recipe.anneal or recipe.spare else validation
    spare = np.setdiff1d(validation, kept) if len(kept) else validation[:0]
    return _Dealt(kept, np.union1d(train, spare))


def _spared(recipe: Recipe, dealt: _Dealt, encoded: Encoded, device: torch.device) -> tuple[Recipe, Parts]:
    """The rows of a training; where nothing is chosen by rows held out, most of them are learnt from at once,
    in as many passes."""
    train, held_out = encoded.split.train, encoded.split.validation
    if recipe.spare and len(dealt.kept):
        recipe = msgspec.structs.replace(recipe, steps=recipe.steps * len(dealt.allowed) // len(train))
        train, held_out = dealt.allowed, dealt.kept
    return recipe, Parts(*(torch.from_numpy(rows).to(device) for rows in (train, held_out, dealt.kept)))


class Unseen(NamedTuple):
    """Rows that a network has not learnt from, by number; where it did in the end, because there are few,
    what it answered for them before."""

    rows: np.ndarray
    before: Answered | None

    def sample(self, encoded: Encoded) -> Sample | None:
        """The rows kept of the table, those never learnt from marked."""
        never = self.rows if self.before is None else self.rows[:0]
        return None if encoded.sample is None else encoded.sample.marked(never)


def _checkpoint(encoded: Encoded, settings: Settings, machine: Machine) -> Checkpoint | None:
    if machine.checkpoint is None:
        return None
    digest = hashlib.sha256(msgspec.json.encode((settings, encoded.schema)))
    for name in sorted(encoded.arrays):
        digest.update(np.ascontiguousarray(encoded.arrays[name]).data)
    digest.update(np.ascontiguousarray(encoded.answers).data)
    return Checkpoint(machine.checkpoint, digest.hexdigest())


def _split_choice(encoded: Encoded) -> Choice:
    why = f"rows kept from training, {encoded.split.how}: {encoded.split.why}"
    return Choice(what="validation", value=len(encoded.split.validation), why=why)


def _device_choice(device: torch.device) -> Choice:
    cuda = device.type == "cuda"
    why = torch.cuda.get_device_name(device) if cuda else f"{torch.get_num_threads()} threads"
    return Choice(what="device", value=str(device), why=why)
