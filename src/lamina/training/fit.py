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
from lamina.training.run import Parts, run_teams
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
    rows = len(encoded.split.train)
    architecture, sizes = choose_architecture(encoded.features, encoded.target, rows, settings)
    recipe, passes = choose_recipe(encoded.features, encoded.target, rows, settings)
    where = Choice(what="device", value=str(device), why=_device_words(device))
    split_choice = Choice(
        what="validation",
        value=len(encoded.split.validation),
        why=f"rows kept from training, {encoded.split.how}: {encoded.split.why}",
    )
    metric = task.metric or encoded.target.metrics[0]
    learnt = torch.from_numpy(encoded.split.train).to(device)
    held_out = torch.from_numpy(encoded.split.validation).to(device)
    checkpoint = _checkpoint(encoded, settings, machine)
    with computing(str(precision.value), device, machine.threads):
        arrays = see_once(architecture, encoded.features, encoded.arrays, device, shown=machine.progress)
        examples = Examples.of(arrays, encoded.answers, encoded.weights).to(device)
        if undecided(architecture):
            mirror = mirror_test(architecture, encoded.features, examples, learnt, held_out, recipe)
            architecture = with_mirror(architecture, bool(mirror.value))
            recipe = without_test(recipe)
            sizes = (*sizes, mirror)
        networks = list(alone(architecture, encoded.features, settings.seed))
        network = networks[0]
        validation = encoded.split.validation
        kept = validation
        if recipe.anneal or recipe.spare:
            kept = kept_apart(encoded.split, settings.seed)
        allowed = np.setdiff1d(validation, kept) if len(kept) else validation[:0]
        seen = torch.from_numpy(np.union1d(encoded.split.train, allowed)).to(device)
        linear, examples = fit_linear(network, examples, seen)
        if recipe.spare and len(kept):
            recipe = msgspec.structs.replace(recipe, steps=recipe.steps * len(seen) // rows)
            learnt, held_out = seen, torch.from_numpy(kept).to(device)
        parts = Parts(learnt, held_out, torch.from_numpy(kept).to(device))
        fitted = Fitted(
            task=task,
            schema=encoded.schema,
            features=encoded.features,
            target=encoded.target,
            engine=together(networks, architecture, encoded.features),
            settings=settings,
            metric=metric,
            choices=(split_choice, *sizes, *passes, precision, where),
            findings=encoded.findings,
            rows={"train": rows, "validation": len(encoded.split.validation)},
        )
        unseen = Unseen(kept if len(kept) else validation, None)
        if deadline is not None:
            if rehearse is not None:
                fitted.network.to(device)
                with torch.autocast(device.type, enabled=False):  # as it will be judged
                    deadline.reserve = rehearse(fitted, unseen)
            recipe = msgspec.structs.replace(recipe, time_limit=deadline.left)
        networks, training, before = run_teams(
            networks, examples, parts, recipe, metric, checkpoint, machine.progress, linear
        )
        network = together(networks, architecture, encoded.features)
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


def _device_words(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{torch.get_num_threads()} threads"
