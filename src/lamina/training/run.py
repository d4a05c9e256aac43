"""The phases of a training: learning until validation stops it, annealing; of teams one after another."""

from __future__ import annotations

import time
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


class Trained(NamedTuple):
    """The networks that are trained, the training of the first with the steps of all, and what they answered
    together for rows held out that were learnt in the end."""

    networks: list[Network]
    first: Training
    before: Answered | None


def run_teams(
    networks: list[Network],
    examples: Examples,
    parts: Parts,
    recipe: Recipe,
    metric: str,
    checkpoint: Checkpoint | None,
    shown: bool,
    linear: LinearParts = NO_LINEAR_PARTS,
) -> Trained:
    """One network after another, each with an order of rows and a share of the time of its own. Of those that
    an interruption stopped only the first counts."""
    began, trainings, answered = time.monotonic(), list[Training](), list[Answered]()
    for number, network in enumerate(networks):
        limit = recipe.time_limit
        if limit is not None:
            limit = max(1e-3, limit - (time.monotonic() - began)) / (len(networks) - number)
        own = msgspec.structs.replace(recipe, seed=recipe.seed + number, time_limit=limit)
        file = checkpoint.of_team(number) if checkpoint is not None else None
        name = "training" if len(networks) == 1 else f"training team {number + 1} of {len(networks)}"
        training, before = run(network, examples, parts, own, metric, file, shown, linear, name=name)
        if training.stopped.startswith("interrupted") and number:
            trainings[0].stopped = training.stopped
            break
        trainings.append(training)
        answered += [before] if before is not None else []
        if training.stopped.startswith("interrupted"):
            break
    trainings[0].step = sum(each.step for each in trainings)
    return Trained(networks[: len(trainings)], trainings[0], Answered.mean(answered) if answered else None)


def run(
    network: Network,
    examples: Examples,
    parts: Parts,
    recipe: Recipe,
    metric: str,
    checkpoint: Checkpoint | None,
    shown: bool,
    linear: LinearParts = NO_LINEAR_PARTS,
    *,
    name: str = "training",
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
    with Bar(name, 1000, shown=shown) as bar:
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
