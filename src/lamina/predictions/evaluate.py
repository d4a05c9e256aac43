"""How good a network is on rows with known answers, beside honest baselines on the same rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
import numpy as np
import polars as pl

from lamina.data.groups import Grouping
from lamina.errors import TargetError
from lamina.predictions.answers import encoded, network_answers
from lamina.predictions.baseline import Baseline
from lamina.predictions.subgroups import subgroups
from lamina.records import Evaluation
from lamina.scores.intervals import intervals
from lamina.training.fitted import Fitted


def evaluate(
    fitted: Fitted,
    baseline: Baseline,
    frame: pl.DataFrame,
    *,
    on: str,
    by: Sequence[Grouping] = (),
    watch: Callable[[int], None] = lambda rows: None,
) -> Evaluation:
    """Scores, intervals and baselines on a conformed frame that has the target; ``by`` are groups of its
    rows that are judged by themselves, too."""
    answered, answers = answered_rows(fitted, baseline, frame, watch)
    scored = judge(fitted, baseline, answered, answers, on)
    if not by:
        return scored
    return msgspec.structs.replace(scored, groups=subgroups(fitted.target, answered[0], answers, by))


def answered_rows(
    fitted: Fitted,
    baseline: Baseline,
    frame: pl.DataFrame,
    watch: Callable[[int], None] = lambda rows: None,
) -> tuple[tuple[np.ndarray, np.ndarray], np.ndarray]:
    """The network's and the linear model's answers for a frame that has the target, and the true ones."""
    target = fitted.target
    answers = target.encode(frame)
    if not len(answers):
        raise TargetError(
            f"There is no row with an answer in {target.column!r}.",
            "Bring rows whose answers are known.",
            column=target.column,
        )
    network, linear = [], []
    for arrays, done in encoded(fitted.features, frame):
        network.append(network_answers(fitted.network, arrays))
        linear.append(baseline.linear_answers(fitted.features, arrays, fitted.network.output))
        watch(done)
    return (np.concatenate(network), np.concatenate(linear)), answers


def judge(
    fitted: Fitted,
    baseline: Baseline,
    answered: tuple[np.ndarray, np.ndarray],
    answers: np.ndarray,
    on: str,
) -> Evaluation:
    """The record of scores; ``answered`` are the network's and the linear model's answers."""
    target, (network, linear) = fitted.target, answered
    constant = baseline.constant_answers(target, len(answers))
    baselines = {target.simplest: target.judge(constant, answers)}
    if fitted.network.output.linear:
        baselines["linear"] = target.judge(linear, answers)
    return Evaluation(
        rows=len(answers),
        metric=fitted.metric,
        scores=target.judge(network, answers),
        intervals=intervals(target.judge, network, answers),
        baseline=baselines,
        on=on,
    )
