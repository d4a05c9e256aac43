"""How good a network is on rows with known answers, beside honest baselines on the same rows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl

from lamina.errors import TargetError
from lamina.features.target import ClassTarget
from lamina.predictions.answers import encoded, network_answers
from lamina.predictions.baseline import Baseline
from lamina.predictions.scores import Scores, class_scores, intervals, number_scores
from lamina.records import Evaluation
from lamina.training.fitted import Fitted


def evaluate(
    fitted: Fitted,
    baseline: Baseline,
    frame: pl.DataFrame,
    *,
    on: str,
    watch: Callable[[int], None] = lambda rows: None,
) -> Evaluation:
    """Scores, intervals and baselines on a conformed frame that has the target."""
    target = fitted.target
    answers = target.encode(frame[target.column])
    if not len(answers):
        raise TargetError(
            f"There is no row with an answer in {target.column!r}.",
            "Bring rows whose answers are known.",
            column=target.column,
        )
    network, linear = [], []
    for arrays, done in encoded(fitted.features, frame):
        network.append(network_answers(fitted.network, arrays))
        linear.append(baseline.linear_answers(fitted.features, arrays))
        watch(done)
    answered = np.concatenate(network), np.concatenate(linear)
    return judge(fitted, baseline, answered, answers, on)


def judge(
    fitted: Fitted,
    baseline: Baseline,
    answered: tuple[np.ndarray, np.ndarray],
    answers: np.ndarray,
    on: str,
) -> Evaluation:
    """The record of scores; ``answered`` are the network's and the linear model's answers."""
    constant = baseline.constant_answers(len(answers))
    score: Callable[[np.ndarray, np.ndarray], Scores]
    if isinstance(fitted.target, ClassTarget):
        score, simplest = class_scores, "majority"
    else:
        score, simplest = number_scores, "mean"
        answered = (fitted.target.values(answered[0]), fitted.target.values(answered[1]))
        constant, answers = fitted.target.values(constant), fitted.target.raw(answers)
    return Evaluation(
        rows=len(answers),
        metric=fitted.metric,
        scores=score(answered[0], answers),
        intervals=intervals(score, answered[0], answers),
        baseline=_named(score, {simplest: constant, "linear": answered[1]}, answers),
        on=on,
    )


def _named(
    score: Callable[[np.ndarray, np.ndarray], Scores],
    predicted: dict[str, np.ndarray],
    answers: np.ndarray,
) -> dict[str, Scores]:
    return {name: score(each, answers) for name, each in predicted.items()}
