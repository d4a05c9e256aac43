"""From a raw table to a trained network: schema, features, sizes, training, in the order of the drawing."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import msgspec
import numpy as np
import polars as pl
import torch

from lamina.catalog import ANSWERS, KINDS
from lamina.data.conform import conform
from lamina.data.doctor import Case, examine, set_aside, stop_on_fatal
from lamina.data.doctor.report import numbers_of
from lamina.data.infer import infer
from lamina.data.split import Split, split
from lamina.data.table import Table
from lamina.errors import ColumnError, TrainingError, UsageError
from lamina.features.base import Arrays
from lamina.features.features import Features, broken, broken_findings
from lamina.features.targets.base import Target
from lamina.features.targets.several import fit_target
from lamina.network.network import Network, build
from lamina.network.sizes import choose_architecture
from lamina.progress import Bar
from lamina.records import Choice, Finding, Schema
from lamina.settings import Settings
from lamina.tasks import Task, check_metric
from lamina.training.checkpoint import Checkpoint
from lamina.training.choose import choose_recipe
from lamina.training.examples import Examples
from lamina.training.fitted import Fitted
from lamina.training.loop import Training, Watch, go_on_from, train
from lamina.training.mirror import mirror_test, undecided, with_mirror, without_test
from lamina.training.precision import Machine, choose_device, choose_precision, computing
from lamina.training.prepare import prepare
from lamina.training.recipe import Recipe, annealing
from lamina.training.see import see_once
from lamina.training.temperature import set_temperatures
from lamina.training.validation import Validation

SHARE = 0.15  # of the rows kept for validation, at most MOST_VALIDATION of them
MOST_VALIDATION = 20_000
PICTURES = 2000  # validation rows when they only judge, as they do for pictures
CALIBRATED = "the logits' divisor that makes probabilities match frequencies on held-out rows"


@dataclass(frozen=True)
class Encoded:
    """Everything about the data that training and the baselines need, once it is in arrays."""

    schema: Schema
    features: Features
    target: Target
    arrays: Arrays
    answers: np.ndarray
    weights: np.ndarray | None
    split: Split
    findings: tuple[Finding, ...]


def encode(
    table: Table,
    task: Task,
    settings: Settings,
    kinds: Mapping[str, str],
    roles: Mapping[str, str],
) -> Encoded:
    """Raw columns → arrays: the features learn from the training rows only."""
    schema = infer(table, task=task, kinds=kinds, roles=roles)
    frame, findings = conform(table, schema, need_target=True)
    target = fit_target(frame, schema)
    _check_frames(schema, target, settings)
    check_metric(task, target.metrics, ANSWERS[target.answer].what)
    parts = split(
        frame, schema, answer=schema.with_role("target")[0].answer,
        share=_share(frame.height, schema, settings), seed=settings.seed, how=settings.split,
    )  # fmt: skip
    case = Case(frame, schema, held_out=parts.validation, numbers=numbers_of(table, schema, frame.height))
    schema, found = set_aside(schema, examine(case), roles, settings.allow)
    findings = (*table.findings, *findings, *found)
    stop_on_fatal(findings, settings.allow)
    pretrained = False if target.frames else settings.pretrained
    options: dict[str, dict[str, Any]] = {
        "image": {"side": settings.size, "pretrained": pretrained, "whole": target.frames},
        "video": {"side": settings.size},
        "text": {"pretrained": _pretrained(settings)},
        "audio": {"whole": target.frames},
    }
    features = Features.fit(frame, schema, parts.train, options)
    arrays = features.transform(frame)
    findings += tuple(finding for each in features for finding in each.findings(arrays))
    unreadable = broken(arrays, frame, features)
    answers = target.encode(frame)
    weights = _weights(frame, schema, answers, target, task)
    encoded = Encoded(schema, features, target, arrays, answers, weights, parts, tuple(findings))
    return without_broken(encoded, unreadable) if unreadable else encoded


def train_network(encoded: Encoded, task: Task, settings: Settings, machine: Machine) -> Fitted:
    """Sizes, weights, passes: the network for these arrays."""
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
        training = run(network, examples, (learnt, held_out), recipe, metric, checkpoint, machine.progress)
        if not recipe.anneal and len(held_out):
            passes = (*passes, *_temperatures(network, examples, held_out))
    network.settle()
    network.cpu().eval()
    if checkpoint is not None and not training.stopped.startswith("interrupted"):
        checkpoint.clear()
    return Fitted(
        task=task,
        schema=encoded.schema,
        features=encoded.features,
        target=encoded.target,
        network=network,
        settings=settings,
        metric=metric,
        choices=(split_choice, *sizes, *passes, precision, where),
        findings=encoded.findings,
        epochs=tuple(training.epochs),
        stopped=training.stopped,
        rows={"train": rows, "validation": len(encoded.split.validation)},
    )


def run(
    network: Network,
    examples: Examples,
    parts: tuple[torch.Tensor, torch.Tensor],
    recipe: Recipe,
    metric: str,
    checkpoint: Checkpoint | None,
    shown: bool,
) -> Training:
    """Learns until validation stops it, then anneals on all rows where the recipe says so.

    ``parts`` are the rows to learn from and the rows held out.
    """
    rows, held_out = parts
    network.to(examples.answers.device)
    prepare(network, examples, rows)
    validation = Validation(examples, held_out, metric) if len(held_out) else None
    limit = recipe.time_limit
    first = recipe
    if limit is not None:  # what the second phase will need is kept back
        first = msgspec.structs.replace(recipe, time_limit=limit / (1 + recipe.anneal))
    training = Training(network, examples, rows, first, validation, checkpoint)
    with Bar("training", 1000, shown=shown) as bar:
        watch = _on(bar, metric)
        training = train(training, watch)
        if not recipe.anneal or training.best is None or training.stopped.startswith("interrupted"):
            return training
        left = None if limit is None else max(1e-3, limit - training.seconds)
        last = Training(
            network,
            examples,
            torch.cat([rows, held_out]).sort().values,
            annealing(recipe, training.best.step * (len(rows) + len(held_out)) // len(rows), left),
            checkpoint=checkpoint,
            phase="anneal",
        )
        go_on_from(last, training.best, averaged=recipe.anneal_averaged)
        train(last, watch)
    training.epochs += [
        msgspec.structs.replace(each, number=each.number + len(training.epochs)) for each in last.epochs
    ]
    return training


def _on(bar: Bar, metric: str) -> Watch:
    def watch(now: Training) -> None:
        bar.at(1000 * now.progress)
        last = now.epochs[-1].score if now.epochs else None
        bar.say(f"loss {now.loss:.4f}" + (f"  {metric} {last:.4f}" if last is not None else ""))

    return watch


def without_broken(encoded: Encoded, unreadable: Mapping[str, np.ndarray]) -> Encoded:
    """Sets rows aside whose pictures cannot be read, with a finding per column."""
    rows = np.unique(np.concatenate(list(unreadable.values())))
    total = len(encoded.answers)
    if len(rows) > total / 2:
        raise TrainingError(
            f"{len(rows):,} of {total:,} rows hold media that cannot be read.",
            "Check that the files exist and are pictures; `lamina schema` shows how columns are read.",
            rows=rows[:100].tolist(),
        )
    keep = np.ones(total, bool)
    keep[rows] = False
    train, validation = encoded.split.train, encoded.split.validation
    # only the split forgets them: arrays of media are too large to be copied without a few rows
    return replace(
        encoded,
        split=replace(encoded.split, train=train[keep[train]], validation=validation[keep[validation]]),
        findings=(*encoded.findings, *broken_findings(unreadable)),
    )


def _check_frames(schema: Schema, target: Target, settings: Settings) -> None:
    """What is read part by part from a recording or a picture is read from it alone."""
    others = [each.name for each in schema.with_role("input") if each.kind != target.source]
    recordings = schema.of_kind(target.source)
    if target.frames and (others or len(recordings) != 1):
        ignored = ", ".join(f"{name!r}: 'ignored'" for name in (others or [e.name for e in recordings[1:]]))
        raise UsageError(
            f"The answer, {ANSWERS[target.answer].what}, is read from one column of "
            f"{KINDS[target.source].plural}; here are {len(recordings)}"
            + (f", and other inputs: {', '.join(map(repr, others))}." if others else "."),
            f"Leave columns out with roles={{{ignored}}}."
            if ignored
            else f"Name a table with {KINDS[target.source].plural}.",
            recordings=[each.name for each in recordings],
            others=others,
        )
    if target.frames and settings.hidden:
        raise UsageError(
            f"For {ANSWERS[target.answer].what} there are no hidden layers beside those of the input.",
            "Leave `hidden` away.",
            hidden=settings.hidden,
        )


def _temperatures(network: Network, examples: Examples, rows: torch.Tensor) -> list[Choice]:
    heats = set_temperatures(network, examples, rows)
    return [
        Choice(what=f"temperature {name}".rstrip(), value=round(heat, 3), why=CALIBRATED)
        for name, heat in heats.items()
    ]


def _pretrained(settings: Settings) -> bool | None:
    """Whether pretrained weights read along: as set; never by itself at the quality "fast"."""
    if settings.pretrained is None and settings.quality == "fast":
        return False
    return settings.pretrained


def _share(rows: int, schema: Schema, settings: Settings) -> float:
    if settings.validation is not None:
        return settings.validation
    most = PICTURES if any(map(schema.of_kind, ("image", "audio", "video"))) else MOST_VALIDATION
    return min(SHARE, most / max(rows, 1))


def _weights(
    frame: pl.DataFrame, schema: Schema, answers: np.ndarray, target: Target, task: Task
) -> np.ndarray | None:
    """Row weights with mean 1: from the weight column, and against rare classes when asked."""
    columns = schema.with_role("weight")
    weights = np.ones(len(answers))
    if not columns and task.balance == "none":
        return None
    if columns:
        weights = frame[columns[0].name].cast(pl.Float64).fill_null(0.0).to_numpy()
        if weights.min() < 0:
            raise ColumnError(
                f"Column {columns[0].name!r} weighs the rows, and holds {weights.min():g}: "
                "a weight below zero means nothing.",
                "Give weights of zero and more, or take the role away.",
                column=columns[0].name,
            )
    if task.balance == "balanced":
        rare = target.balance(answers)
        weights = weights if rare is None else weights * rare
    if not weights.sum() > 0:
        raise TrainingError(
            "Every row has weight zero: there is nothing to learn from.",
            "Check the column with the role weight.",
        )
    return (weights / weights.mean()).astype(np.float32)


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
