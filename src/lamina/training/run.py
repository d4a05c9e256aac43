"""The phases of a training: learning until validation stops it, annealing; of teams one after another."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import NamedTuple

import msgspec
import torch

from lamina.network.engine import Answered
from lamina.network.network import Network
from lamina.progress import Bar
from lamina.training.additive import choose_share, fit_additive
from lamina.training.checkpoint import Checkpoint
from lamina.training.examples import Examples
from lamina.training.linear import NO_LINEAR_PARTS, LinearParts, choose_blend, put_in
from lamina.training.loop import Training, Watch, go_on_from, train
from lamina.training.prepare import prepare
from lamina.training.recipe import Recipe, annealing
from lamina.training.validation import Validation, answered_examples


class Parts(NamedTuple):
    """Rows to learn from, rows held out, and those of them that are never learnt from; int64."""

    learnt: torch.Tensor
    held_out: torch.Tensor
    apart: torch.Tensor


@dataclass(frozen=True)
class Lesson:
    """What networks are to learn: ``parts`` of ``examples`` by ``recipe``, until ``metric`` of the rows held
    out gets no better. ``checkpoint`` keeps the state; ``linear`` are what linear models of texts say;
    ``name`` stands before the progress bar, which is ``shown`` or not."""

    examples: Examples
    parts: Parts
    recipe: Recipe
    metric: str
    checkpoint: Checkpoint | None = None
    linear: LinearParts = NO_LINEAR_PARTS
    shown: bool = False
    name: str = "training"


class Trained(NamedTuple):
    """The networks that are trained, the training of the first with the steps of all, and what they answered
    together for rows held out that were learnt in the end."""

    networks: list[Network]
    first: Training
    before: Answered | None


def run_teams(networks: list[Network], lesson: Lesson) -> Trained:
    """One network after another, each with an order of rows and a share of the time of its own. Of those that
    an interruption stopped only the first counts."""
    began, trainings, answered = time.monotonic(), list[Training](), list[Answered]()
    for number, network in enumerate(networks):
        own = _of_team(lesson, number, len(networks), time.monotonic() - began)
        training, before = run(network, own)
        if training.stopped.startswith("interrupted") and number:
            trainings[0].stopped = training.stopped
            break
        trainings.append(training)
        answered += [before] if before is not None else []
        if training.stopped.startswith("interrupted"):
            break
    trainings[0].step = sum(each.step for each in trainings)
    return Trained(networks[: len(trainings)], trainings[0], Answered.mean(answered) if answered else None)


def _of_team(lesson: Lesson, number: int, teams: int, seconds: float) -> Lesson:
    """The lesson of one team, ``seconds`` after the first began."""
    if teams == 1:
        return lesson
    recipe, file, limit = lesson.recipe, lesson.checkpoint, lesson.recipe.time_limit
    if limit is not None:
        limit = max(1e-3, limit - seconds) / (teams - number)
    return replace(
        lesson,
        recipe=msgspec.structs.replace(recipe, seed=recipe.seed + number, time_limit=limit),
        checkpoint=None if file is None else file.of_team(number),
        name=f"training team {number + 1} of {teams}",
    )


def run(network: Network, lesson: Lesson) -> tuple[Training, Answered | None]:
    """Learns until validation stops it, then anneals where the recipe says so, on the rows held out, too, but
    those to be kept apart. Where none are, the answers for the rows held out, before they are learnt from."""
    began = time.monotonic()
    examples, recipe, linear = lesson.examples, lesson.recipe, lesson.linear
    rows, held_out, apart = lesson.parts
    network.to(examples.answers.device)
    prepare(network, examples, rows)
    validation = Validation(examples, held_out, lesson.metric) if len(held_out) else None
    limit = recipe.time_limit
    first = recipe
    if limit is not None:  # what the second phase will need is kept back
        first = msgspec.structs.replace(recipe, time_limit=limit / (1 + recipe.anneal))
    training = Training(network, examples, rows, first, validation, lesson.checkpoint)
    training.began = began
    with Bar(lesson.name, 1000, shown=lesson.shown) as bar:
        watch = _on(bar, lesson.metric)
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
            checkpoint=lesson.checkpoint,
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
