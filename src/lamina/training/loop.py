"""The training loop: compare with the answers, send the errors back, adjust the weights."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from lamina.errors import TrainingError
from lamina.network.inputs.base import Batch
from lamina.network.network import Network
from lamina.records import Epoch
from lamina.training.average import Average
from lamina.training.checkpoint import Checkpoint, Progress, flatten, unflatten
from lamina.training.examples import Examples
from lamina.training.optimizer import make_optimizers
from lamina.training.recipe import Recipe, rate_at
from lamina.training.recorded import FEW, Recorded
from lamina.training.step import Move, Step
from lamina.training.validation import Validation

SCORED_EVERY = 10  # steps: on a tiny table, scoring every pass would cost more than learning

Watch = Callable[["Training"], None]


@dataclass
class State:
    """Weights and optimizer at one moment, to go back to."""

    step: int
    weights: dict[str, Tensor]
    averaged: dict[str, Tensor]
    optimizers: list[dict[str, Any]]


@dataclass
class Training:
    """One phase of a training and its state: everything that changes from step to step."""

    network: Network
    examples: Examples
    rows: Tensor
    recipe: Recipe
    validation: Validation | None = None
    checkpoint: Checkpoint | None = None
    phase: str = "learn"
    # What is made small, of (arrays as augmented, answers, weights); None: the network's own loss
    objective: Callable[[Batch, Tensor, Tensor | None], Tensor] | None = None
    epochs: list[Epoch] = field(default_factory=list)
    step: int = 0
    loss: float = float("nan")
    best: State | None = None
    best_epoch: int = 0
    best_score: float | None = None
    scored: int = 0
    stopped: str = "all passes made"

    def __post_init__(self) -> None:
        self.before, self.began = 0.0, time.monotonic()  # first: what follows takes its time, too
        self.optimizers = make_optimizers(self.network, self.recipe)
        self.average = Average(self.network, self.recipe.average)
        self.generator = torch.Generator().manual_seed(self.recipe.seed)
        self.network.hidden.randomise(self.generator)
        step = Step(self.network, self.objective or self.network.loss, self.optimizers, self.recipe.clip)
        recorded = self.examples.answers.is_cuda and self.recipe.steps > FEW
        self.move: Move = Recorded(step) if recorded else step

    @property
    def batch(self) -> int:
        return min(self.recipe.batch, len(self.rows))

    @property
    def seconds(self) -> float:
        """Time spent on this phase, earlier runs of the same checkpoint included."""
        return self.before + time.monotonic() - self.began

    @property
    def progress(self) -> float:
        """Share of the phase that is done, 0 to 1: by steps, or by time where that runs out first."""
        by_steps = self.step / self.recipe.steps
        limit = self.recipe.time_limit
        return min(1.0, by_steps if limit is None else max(by_steps, self.seconds / limit))


def train(training: Training, watch: Watch = lambda training: None) -> Training:
    """Runs to the end, to the time limit, to Ctrl-C or to the end of patience; the best weights stay.

    ``watch`` is called after every step. Raises TrainingError when the loss is not finite before any
    epoch was complete.
    """
    resume(training)
    try:
        while training.progress < 1.0 and not out_of_patience(training):
            loss = run_epoch(training, watch)
            close_epoch(training, loss)
        note_time(training)
    except KeyboardInterrupt:
        training.stopped = f"interrupted in pass {len(training.epochs) + 1}"
    except NotFiniteError as error:
        if not training.epochs:
            raise no_finite_start(training) from error
        training.stopped = f"the loss stopped being finite in pass {len(training.epochs) + 1}"
    leave_with_best(training)
    return training


def run_epoch(training: Training, watch: Watch) -> float:
    """One pass over the rows in a new order; the mean loss."""
    training.network.train()
    total, steps = 0.0, 0
    for batch in batches(training):
        set_rate(training)
        training.loss = train_step(training, batch)
        total, steps = total + training.loss, steps + 1
        training.step += 1
        watch(training)
        if training.progress >= 1.0:
            break
    return total / max(steps, 1)


def train_step(training: Training, batch: Examples) -> float:
    """Forward, backward, adjust."""
    arrays = training.network.augment(batch.arrays, training.generator)
    loss = training.move(arrays, batch.answers, batch.weights)
    if not loss < float("inf"):
        raise NotFiniteError
    training.average.update()
    return loss


def batches(training: Training) -> Iterator[Examples]:
    """The rows in a random order, ``batch`` at a time; the few that are left over come another time."""
    order = torch.randperm(len(training.rows), generator=training.generator)
    order = training.rows[order.to(training.rows.device)]
    for start in range(0, len(order) - training.batch + 1, training.batch):
        yield training.examples.take(order[start : start + training.batch])


def set_rate(training: Training) -> None:
    """This step's learning rates."""
    share = rate_at(training.step, training.progress, training.recipe)
    for optimizer in training.optimizers:
        optimizer.at(share)


def close_epoch(training: Training, loss: float) -> None:
    """Score, keep if best, write the checkpoint."""
    number, score = len(training.epochs) + 1, None
    due = training.step - training.scored >= SCORED_EVERY or training.progress >= 1.0
    if training.validation is not None and due:
        training.scored = training.step
        with training.average.applied(training.network):
            score = training.validation.score(training.network)
        ready = training.recipe.patience and training.step >= training.recipe.least
        if ready and training.validation.better(score, training.best_score):
            training.best_score, training.best_epoch = score, number
            training.best = state_of(training)
    rate = float(training.optimizers[0].param_groups[0]["lr"])
    training.epochs.append(Epoch(number=number, loss=loss, score=score, rate=rate))
    if training.checkpoint is not None:
        save(training, training.checkpoint)


def out_of_patience(training: Training) -> bool:
    """Whether validation has brought nothing for long enough."""
    patience = training.recipe.patience
    waited = sum(each.score is not None for each in training.epochs[training.best_epoch :])
    if not patience or training.best is None or waited < patience:
        return False
    training.stopped = f"no better validation score for {len(training.epochs) - training.best_epoch} passes"
    return True


def note_time(training: Training) -> None:
    """Where the time was up before the passes were: says so; with no best state yet, this one is it."""
    if (
        training.progress < 1.0
        or training.step >= training.recipe.steps
        or training.recipe.time_limit is None
    ):
        return
    training.stopped = f"the time limit was reached in pass {max(1, len(training.epochs))}"
    if training.best is None and training.recipe.anneal:
        training.best = state_of(training)


def state_of(training: Training) -> State:
    """A copy of the weights and the optimizer as they are now."""
    return State(
        training.step,
        _copy(training.network),
        {name: each.clone() for name, each in training.average.weights.items()},
        [copy.deepcopy(each.state_dict()) for each in training.optimizers],
    )


def leave_with_best(training: Training) -> None:
    """The network leaves with its best weights: by validation score, else the last; averaged if asked."""
    if training.best is not None:
        training.network.load_state_dict({**training.best.weights, **training.best.averaged})
    else:
        training.average.settle(training.network)
    training.network.eval()


def go_on_from(training: Training, state: State, *, averaged: bool = False) -> None:
    """Starts this phase from the weights and the optimizer of an earlier one."""
    weights = {**state.weights, **state.averaged} if averaged else state.weights
    training.network.load_state_dict(weights)
    for optimizer, old in zip(training.optimizers, state.optimizers, strict=True):
        optimizer.load_state_dict(old)


def save(training: Training, checkpoint: Checkpoint) -> None:
    """Writes the state after a complete epoch."""
    tensors: dict[str, Tensor] = {"random.order": training.generator.get_state()}
    now = state_of(training)
    best = None if training.best is None else flatten("best", vars(training.best), tensors)
    progress = Progress(
        fingerprint=checkpoint.fingerprint,
        phase=training.phase,
        epochs=training.epochs,
        best_epoch=training.best_epoch,
        best_score=training.best_score,
        seconds=training.seconds,
        average_steps=training.average.steps,
        scored=training.scored,
        now=flatten("now", vars(now), tensors),
        best=best,
    )
    checkpoint.save(progress, tensors)


def resume(training: Training) -> None:
    """Goes on where the checkpoint of this phase stopped, to the same result."""
    found = training.checkpoint.load(training.phase) if training.checkpoint else None
    if found is None:
        return
    progress, tensors = found
    now = State(**unflatten(progress.now, tensors))
    training.best = None if progress.best is None else State(**unflatten(progress.best, tensors))
    go_on_from(training, now)
    training.average.weights, training.average.steps = now.averaged, progress.average_steps
    training.generator.set_state(tensors["random.order"])
    training.step, training.epochs = now.step, list(progress.epochs)
    training.scored = progress.scored
    training.best_epoch, training.best_score = progress.best_epoch, progress.best_score
    training.before = progress.seconds


class NotFiniteError(Exception):
    """The loss became infinite or not a number."""


def no_finite_start(training: Training) -> TrainingError:
    """The error for a training that never had a finite loss."""
    return TrainingError(
        f"The loss is not finite (step {training.step + 1}, learning rate {training.recipe.rate:g}): "
        "the network's answers overflow.",
        "Give a smaller `rate`, or look for extreme values in the target.",
        step=training.step,
        rate=training.recipe.rate,
    )


def _copy(network: Network) -> dict[str, Tensor]:
    return {name: each.detach().clone() for name, each in network.state_dict().items()}
