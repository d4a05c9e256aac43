"""From arrays to a trained network: sizes, recipe, training, in the order of the drawing."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import msgspec
import numpy as np
import torch

from lamina.data.split import kept_apart
from lamina.network.engine import Answered
from lamina.network.network import Network, build
from lamina.network.sizes import choose_architecture
from lamina.progress import Bar
from lamina.records import Choice
from lamina.settings import Settings
from lamina.tasks import Task
from lamina.training.additive import choose_share, fit_additive
from lamina.training.checkpoint import Checkpoint
from lamina.training.choose import choose_recipe
from lamina.training.deadline import Deadline
from lamina.training.encode import Encoded
from lamina.training.examples import Examples
from lamina.training.fitted import Fitted
from lamina.training.linear import NO_LINEAR_PARTS, LinearParts, choose_blend, fit_linear, put_in
from lamina.training.loop import Training, Watch, go_on_from, train
from lamina.training.mirror import mirror_test, undecided, with_mirror, without_test
from lamina.training.precision import Machine, choose_device, choose_precision, computing
from lamina.training.prepare import prepare
from lamina.training.recipe import Recipe, annealing
from lamina.training.sample import Sample
from lamina.training.see import see_once
from lamina.training.validation import Validation, answered_examples


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
        network = build(architecture, encoded.features, settings.seed)
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
            engine=network,
            settings=settings,
            metric=metric,
            choices=(split_choice, *sizes, *passes, precision, where),
            findings=encoded.findings,
            rows={"train": rows, "validation": len(encoded.split.validation)},
        )
        unseen = Unseen(kept if len(kept) else validation, None)
        if deadline is not None:
            if rehearse is not None:
                network.to(device)
                with torch.autocast(device.type, enabled=False):  # as it will be judged
                    deadline.reserve = rehearse(fitted, unseen)
            recipe = msgspec.structs.replace(recipe, time_limit=deadline.left)
        training, before = run(network, examples, parts, recipe, metric, checkpoint, machine.progress, linear)
    network.settle()
    network.eval()
    if checkpoint is not None and not training.stopped.startswith("interrupted"):
        checkpoint.clear()
    short = deadline.short(training.step * training.batch, rows) if deadline is not None else ()
    fitted = replace(
        fitted,
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


class Parts(NamedTuple):
    """Rows to learn from, rows held out, and those of them that are never learnt from; int64."""

    learnt: torch.Tensor
    held_out: torch.Tensor
    apart: torch.Tensor


def run(
    network: Network,
    examples: Examples,
    parts: Parts,
    recipe: Recipe,
    metric: str,
    checkpoint: Checkpoint | None,
    shown: bool,
    linear: LinearParts = NO_LINEAR_PARTS,
) -> tuple[Training, Answered | None]:
    """Learns until validation stops it, then anneals where the recipe says so, on the rows held out, too, but
    those to be kept apart. Where none are, the answers for the rows held out, before they are learnt from."""
    began = time.monotonic()
    rows, held_out, apart = parts
    network.to(examples.answers.device)
    prepare(network, examples, rows)
    validation = Validation(examples, held_out, metric) if len(held_out) else None
    limit = recipe.time_limit
    first = recipe
    if limit is not None:  # what the second phase will need is kept back
        first = msgspec.structs.replace(recipe, time_limit=limit / (1 + recipe.anneal))
    training = Training(network, examples, rows, first, validation, checkpoint)
    training.began = began
    with Bar("training", 1000, shown=shown) as bar:
        watch = _on(bar, metric)
        training = train(training, watch)
        blend = choose_blend(network, examples, held_out, linear)
        put_in(network, linear, blend)
        fit_additive(network, examples, rows)
        share = choose_share(network, examples, held_out)
        if not recipe.anneal or training.best is None or training.stopped.startswith("interrupted"):
            return training, None
        few = len(held_out) and not len(apart)
        before = answered_examples(network, linear.heard(examples), held_out) if few else None
        learnt = torch.cat([rows, held_out[~torch.isin(held_out, apart)]]).sort().values
        left = None if limit is None else max(1e-3, limit - training.seconds)
        last = Training(
            network,
            examples,
            learnt,
            annealing(recipe, training.best.step * len(learnt) // len(rows), left),
            checkpoint=checkpoint,
            phase="anneal",
        )
        go_on_from(last, training.best, averaged=recipe.anneal_averaged)
        train(last, watch)
        put_in(network, linear, blend)
        fit_additive(network, examples, learnt, share)
    training.step += last.step
    training.epochs += [
        msgspec.structs.replace(each, number=each.number + len(training.epochs)) for each in last.epochs
    ]
    return training, before


def _on(bar: Bar, metric: str) -> Watch:
    def watch(now: Training) -> None:
        bar.at(1000 * now.progress)
        last = now.epochs[-1].score if now.epochs else None
        bar.say(f"loss {now.loss:.4f}" + (f"  {metric} {last:.4f}" if last is not None else ""))

    return watch


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
