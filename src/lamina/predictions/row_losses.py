"""How badly each single row is answered, by kind of answer: what groups of rows are compared by."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import singledispatch

import numpy as np

from lamina.features.targets.base import Target
from lamina.features.targets.classes import ClassTarget
from lamina.features.targets.labels import LabelsTarget
from lamina.features.targets.means import MeanTarget
from lamina.features.targets.number import NumberTarget
from lamina.features.targets.quantiles import QuantilesTarget
from lamina.features.targets.several import SeveralTarget
from lamina.scores.classes import LEAST

CONFIDENCE = 0.02  # by which confidence and accuracy may differ among groups before it is worth a word


@dataclass(frozen=True)
class RowLoss:
    """One measure of every row, ``values`` float64 ``(rows,)``: more is worse, NaN where there is none.

    ``worth`` is the least difference of means that matters; ``share`` says that means are shares of rows;
    ``centred`` that they may lie on both sides of zero.
    """

    name: str
    values: np.ndarray
    worth: float = 0.0
    share: bool = False
    centred: bool = False


# What each measure says of a group that fares worse, in words
WORDS = {
    "error": "answers are wrong more often",
    "log_loss": "confident errors cost more",
    "overconfidence": "confidence lies further above accuracy",
    "absolute_error": "answers lie further off",
    "too_low": "answers are too low, on average",
    "too_high": "answers are too high, on average",
    "missed": "sets or intervals hold the true answer less often",
    "outside": "more answers lie outside the bounds",
    "pinball": "the quantiles lie further off",
}
RELATIVE = 0.1  # of the mean over all rows: a smaller difference is not worth a word


@singledispatch
def row_losses(target: Target, decoded: np.ndarray, answers: np.ndarray) -> list[RowLoss]:
    """The measures that fit the kind of answer; by default its own error, row by row."""
    rows = range(len(answers))
    errors = np.array([target.error(decoded[k : k + 1], answers[k : k + 1]) for k in rows])
    return [_relative("error", errors)]


@row_losses.register
def _(target: ClassTarget, decoded: np.ndarray, answers: np.ndarray) -> list[RowLoss]:
    wrong = (decoded.argmax(1) != answers).astype(np.float64)
    told = np.where(answers >= 0, decoded[np.arange(len(answers)), np.maximum(answers, 0)], 0.0)
    gap = decoded.max(1).astype(np.float64) - (1 - wrong)
    return [
        replace(_relative("error", wrong), share=True),
        _relative("log_loss", -np.log(np.clip(told.astype(np.float64), LEAST, 1))),
        RowLoss("overconfidence", gap, CONFIDENCE, share=True, centred=True),
    ]


@row_losses.register
def _(target: NumberTarget, decoded: np.ndarray, answers: np.ndarray) -> list[RowLoss]:
    return _of_numbers(target.values(decoded), target.raw(answers))


@row_losses.register
def _(target: MeanTarget, decoded: np.ndarray, answers: np.ndarray) -> list[RowLoss]:
    return _of_numbers(target.values(decoded), answers.astype(np.float64) * target.mean)


@row_losses.register
def _(target: QuantilesTarget, decoded: np.ndarray, answers: np.ndarray) -> list[RowLoss]:
    values, came = target.values(decoded), target.raw(answers)
    above, levels = came[:, None] - values, np.array(target.levels)
    outside = ((came < values[:, 0]) | (came > values[:, -1])).astype(np.float64)
    return [
        _relative("pinball", np.maximum(levels * above, (levels - 1) * above).mean(1)),
        *_of_numbers(values[:, target.middle], came)[:1],
        RowLoss("outside", outside, CONFIDENCE, share=True),
    ]


@row_losses.register
def _(target: LabelsTarget, decoded: np.ndarray, answers: np.ndarray) -> list[RowLoss]:
    p = np.clip(decoded.astype(np.float64), LEAST, 1 - LEAST)
    losses = -(answers * np.log(p) + (1 - answers) * np.log1p(-p)).mean(1)
    wrong = ((decoded >= 0.5) != (answers > 0.5)).any(1).astype(np.float64)
    return [replace(_relative("error", wrong), share=True), _relative("log_loss", losses)]


@row_losses.register
def _(target: SeveralTarget, decoded: np.ndarray, answers: np.ndarray) -> list[RowLoss]:
    found = []
    beside = zip(target.parts, target.decoded_of(decoded), target.answers_of(answers), strict=True)
    for part, own, (known, came) in beside:
        for each in row_losses(part, own[known], came) if len(came) else ():
            values = np.full(len(answers), np.nan)
            values[known] = each.values
            found.append(replace(each, name=f"{part.column}.{each.name}", values=values))
    return found


def _of_numbers(values: np.ndarray, came: np.ndarray) -> list[RowLoss]:
    error = values - came
    far = _relative("absolute_error", np.abs(error))
    return [
        far,
        RowLoss("too_low", -error, far.worth, centred=True),
        RowLoss("too_high", error, far.worth, centred=True),
    ]


def _relative(name: str, values: np.ndarray) -> RowLoss:
    """Worth a word from a tenth of the mean on."""
    return RowLoss(name, values, RELATIVE * float(np.mean(values)) if len(values) else 0.0)
