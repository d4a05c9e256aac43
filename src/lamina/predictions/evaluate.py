"""How good a network is on rows with known answers, beside honest baselines on the same rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec
import numpy as np
import polars as pl

from lamina.data.groups import Grouping
from lamina.errors import TargetError
from lamina.features.targets.base import Target
from lamina.features.targets.labels import LabelsTarget
from lamina.features.targets.several import SeveralTarget
from lamina.network.engine import Answered
from lamina.predictions.answers import calibrated, covered_by, encoded, judge_of
from lamina.predictions.baseline import Baseline
from lamina.predictions.subgroups import subgroups
from lamina.records import Evaluation
from lamina.scores.calibration import calibration_noise, labels_calibration_noise
from lamina.scores.intervals import DRAWS, intervals
from lamina.scores.ranking import Scores
from lamina.training.fitted import Fitted


class Rows(NamedTuple):
    """What came of some rows: the network's answers before calibration, the linear model's, and the true
    ones; ``by``, the column in whose groups bounds are to hold."""

    network: Answered
    linear: np.ndarray
    answers: np.ndarray
    by: pl.Series | None = None


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
    rows = answered_rows(fitted, baseline, frame, watch)
    scored = judge(fitted, baseline, rows, on, bounded=True)
    if not by:
        return scored
    told = calibrated(fitted, rows.network.decoded)
    held = {}
    if fitted.confidence is not None:
        held = fitted.confidence.by_row(rows.network, rows.answers, rows.by)
    return msgspec.structs.replace(scored, groups=subgroups(fitted.target, told, rows.answers, by, held))


def answered_rows(
    fitted: Fitted,
    baseline: Baseline,
    frame: pl.DataFrame,
    watch: Callable[[int], None] = lambda rows: None,
) -> Rows:
    """The network's and the linear model's answers for a frame that has the target, and the true ones; where
    the model knows, also how unlike the training rows they are."""
    target = fitted.target
    answers = target.encode(frame)
    if not len(answers):
        raise TargetError(
            f"There is no row with an answer in {target.column!r}.",
            "Bring rows whose answers are known.",
            column=target.column,
        )
    network, linear, unlike = [], [], judge_of(fitted)
    for arrays, done in encoded(fitted.features, frame):
        network.append(fitted.engine.answered(arrays, unlike))
        linear.append(baseline.linear_answers(fitted.features, arrays, fitted.network.output))
        watch(done)
    by = covered_by(fitted, frame)
    return Rows(Answered.joined(network), np.concatenate(linear), answers, by)


def judge(
    fitted: Fitted, baseline: Baseline, rows: Rows, on: str, *, bounded: bool, draws: int = DRAWS
) -> Evaluation:
    """The record of scores; ``bounded``: also how often bounds held, for rows that they were not found on;
    ``draws``: bootstrap samples for intervals, at most."""
    target, answers = fitted.target, rows.answers
    told = calibrated(fitted, rows.network.decoded)
    scores = target.judge(told, answers)
    scores |= chance_gaps(target, told, answers, scores)
    if bounded and fitted.confidence is not None:
        scores |= fitted.confidence.judged(rows.network, answers, rows.by)
    constant = baseline.constant_answers(target, len(answers))
    baselines = {target.simplest: target.judge(constant, answers)}
    if fitted.network.output.linear:
        baselines["linear"] = target.judge(rows.linear, answers)
    return Evaluation(
        rows=len(answers),
        metric=fitted.metric,
        scores=scores,
        intervals=intervals(target.judge, told, answers, most=draws),
        baseline=baselines,
        on=on,
    )


def chance_gaps(target: Target, told: np.ndarray, answers: np.ndarray, scores: Scores) -> Scores:
    """``ece_noise`` beside every ``ece``: what honest probabilities would show on so few rows."""
    if isinstance(target, SeveralTarget):
        beside = zip(target.parts, target.decoded_of(told), target.answers_of(answers), strict=True)
        return {
            f"{part.column}.{name}": gap
            for part, own, (known, came) in beside
            if f"{part.column}.ece" in scores
            for name, gap in chance_gaps(part, own[known], came, {"ece": 0.0}).items()
        }
    if "ece" not in scores:
        return {}
    noise = labels_calibration_noise if isinstance(target, LabelsTarget) else calibration_noise
    return {"ece_noise": noise(told)}
