"""Contract checks that every kind of answer must pass, ours or a plug-in's.

>>> check_answer("number")
"""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import torch
from torch import Tensor

from lamina.catalog import ANSWERS
from lamina.checks.made import FRAMES, made_answers
from lamina.errors import UsageError, nearest
from lamina.features.targets.base import Target
from lamina.features.targets.several import fit_target, target_from_json
from lamina.network.outputs.base import Output
from lamina.network.outputs.several import make_output
from lamina.predictions.novelty import FEWEST, Novelty
from lamina.records import Schema
from lamina.tasks import more_is_better

WIDTH, MEMBERS = 5, 3
STEP, CLOSE = 1e-6, 1e-5  # of finite differences, relative to the largest gradient


class AnswerError(AssertionError):
    """A kind of answer breaks its contract; the message names it and what was expected."""


def check_answer(name: str, made: tuple[pl.DataFrame, Schema] | None = None) -> None:
    """Holds the target and the output layer of a registered kind of answer to what the other stages rely on.

    ``made`` is a frame with its schema, where the built-in kinds have their own. Raises AnswerError, and
    UsageError for a kind that is not registered.
    """
    if name not in ANSWERS:
        raise UsageError(f"There is no answer {name!r}.", nearest(name, ANSWERS), answer=name)
    frame, schema = made or made_answers(name)
    target = fit_target(frame, schema)
    _expect(target, target.answer == name, "the target says of which kind it is")
    check_target(target, frame)
    torch.manual_seed(0)
    frames = FRAMES if target.frames else 1
    output = make_output(
        name, frames * WIDTH, target.scores, MEMBERS, spec={**target.spec(), "frames": frames}
    )
    check_output(output, target, frame)


def check_target(target: Target, frame: pl.DataFrame) -> None:
    """The contract of a target fitted on ``frame``."""
    answers = target.encode(frame)
    _expect(target, len(answers) == frame.height, "one answer per row")
    alone = target.encode(frame[3:5])
    _expect(target, _equal(alone, answers[3:5]), "rows alone give the same answers as among the others")
    state = json.loads(json.dumps(target.to_json(), allow_nan=False))
    again = target_from_json(state)
    _expect(target, again == target, "from_json gives back what to_json wrote")
    _expect(target, _equal(again.encode(frame), answers), "a target that went through JSON reads the same")
    constant = target.constant(answers)
    _expect(target, constant.shape == (target.width,), "the constant answer has the decoded width")
    _expect(target, bool(np.isfinite(constant).all()), "the constant answer is finite")
    _expect(target, target.loss_of_constant(answers) > 0, "a constant answer makes errors")
    balance = target.balance(answers)
    _expect(target, balance is None or bool((balance > 0).all()), "weights against rare answers are positive")


def check_output(output: Output, target: Target, frame: pl.DataFrame) -> None:
    """The contract of an output layer for ``target``."""
    answers = torch.from_numpy(np.array(target.encode(frame)))
    frames = FRAMES if target.frames else 1
    scores = output(torch.randn(MEMBERS, frame.height, frames * WIDTH)).detach()
    wanted = (MEMBERS, frame.height, frames * target.scores)
    _expect(target, scores.shape == wanted, "scores are (member, batch, score)")
    losses = output.losses(scores, answers)
    _expect(target, losses.shape == scores.shape[:2], "losses are (member, batch)")
    for size in (0, 1, 300):
        extreme = output.losses(size * scores.sign(), answers)
        _expect(target, bool(extreme.isfinite().all()), f"losses are finite for scores of {size}")
    weights = torch.linspace(0, 2, frame.height)
    weighed = output.loss(scores, answers, weights)
    _expect(target, torch.allclose(weighed, (losses * weights).mean()), "row weights weigh the rows")
    _check_decoded(output, target, scores, answers)
    _check_growth(output, target, frame)
    _check_novelty(target, output.answer(scores).numpy(), answers.numpy())
    _check_gradient(output, target, scores.double(), answers)


def _check_decoded(output: Output, target: Target, scores: Tensor, answers: Tensor) -> None:
    decoded = output.decode(scores)
    wanted = (len(answers),) if target.flat else (len(answers), target.width)
    _expect(target, decoded.shape == wanted, f"decoded answers are {wanted}, not {tuple(decoded.shape)}")
    alone = output.decode(scores[:, 2:3])
    _expect(target, torch.allclose(alone[0], decoded[2], atol=1e-6), "a row alone is decoded as in a batch")
    for metric in target.metrics:
        value = output.score(metric, decoded, answers)
        _expect(target, bool(value.isfinite()), f"{metric} is a finite number")
    told, came = decoded.numpy(), answers.numpy()
    found = target.judge(told, came)
    _expect(target, all(np.isfinite(each) for each in found.values()), "all scores are finite")
    first = found[target.metrics[0]]
    error = 1 - first if more_is_better(target.metrics[0]) else first
    _expect(target, np.isclose(error, target.error(told, came)), "error is the first metric, less is better")
    columns = target.answer_columns(told, np.arange(len(came)) % 2 == 0, probabilities=True)
    _expect(target, all(len(each) == len(came) for each in columns), "answers have one cell per row")
    names = [each.name for each in columns]
    _expect(target, len(set(names)) == len(names), "every column of the answers has its own name")
    _expect(
        target, {f"predicted_{each}" for each in target.targets} <= set(names), "predicted_<target> is there"
    )
    _expect(target, all(each[1] is None for each in columns), "what is not answered is null")
    _expect(target, columns[0][0] is not None, "what is answered is not null")


def _check_novelty(target: Target, told: np.ndarray, came: np.ndarray) -> None:
    """Rows unlike the training rows are told whatever the answer is."""
    places = np.arange(FEWEST) % len(told)
    seen = np.random.default_rng(0).normal(size=(FEWEST, WIDTH)).astype(np.float32)
    classes = came[places] if target.answer in ("classes", "ordered") else None
    novelty = Novelty.found(target, [seen], classes, [seen], told[places], deep=False)
    near = novelty.judge(target)(told[places], [seen])
    far = novelty.judge(target)(told[places], [seen + 1000])
    _expect(target, bool(((near >= 0) & (near < 1)).all()), "novelty is from 0 to 1")
    _expect(target, bool(novelty.unlike(far).all()), "rows far from all others are unlike them")
    again = Novelty.of(novelty.tensors(), target).judge(target)(told[places], [seen])
    _expect(target, np.array_equal(near, again), "novelty that went through a file is the same")


@torch.no_grad()
def _check_growth(output: Output, target: Target, frame: pl.DataFrame) -> None:
    """More classes and more activations leave the old scores as they were, to the last bit."""
    if target.frames:
        return
    hidden, more = torch.randn(MEMBERS, frame.height, WIDTH), torch.randn(MEMBERS, frame.height, 2)
    before = output(hidden)
    grown = output.widen(2).extend(target.scores, target.spec())
    after = grown(torch.cat([hidden, more], -1))
    _expect(target, torch.equal(after, before), "growth leaves the old scores exactly equal")
    grown.wake()
    woken = grown(torch.cat([hidden, more], -1))
    _expect(target, torch.allclose(woken, before, atol=1e-5), "waking moves old scores by rounding at most")


def _check_gradient(output: Output, target: Target, scores: Tensor, answers: Tensor) -> None:
    """The loss's gradient against central differences, in float64."""
    answers = answers.double() if answers.is_floating_point() else answers
    scores = scores.requires_grad_()
    output.loss(scores, answers, None).backward()  # type: ignore[no-untyped-call]
    gradient = scores.grad
    _expect(target, gradient is not None and bool(gradient.any()), "the gradient reaches the scores")
    assert gradient is not None
    values, top = scores.detach(), float(gradient.abs().max())
    for place in range(0, values.numel(), max(1, values.numel() // 20)):
        at = np.unravel_index(place, values.shape)
        above, below = values.clone(), values.clone()
        above[at] += STEP
        below[at] -= STEP
        slope = float(output.loss(above, answers, None) - output.loss(below, answers, None)) / (2 * STEP)
        gap = abs(slope - float(gradient[at])) / top
        _expect(target, gap < CLOSE, f"the gradient equals finite differences (off by {gap:.1g})")


def _equal(one: np.ndarray, two: np.ndarray) -> bool:
    return one.dtype == two.dtype and np.array_equal(one, two, equal_nan=one.dtype.kind == "f")


def _expect(target: Target, kept: object, what: str) -> None:
    if not kept:
        raise AnswerError(f"{type(target).__name__} ({target.answer}) breaks its contract: {what}.")
