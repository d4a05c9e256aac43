"""How badly rows are answered, one number per row, so that two networks can be compared row by row."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import polars as pl

from lamina.features.targets.base import Target
from lamina.features.targets.labels import LabelsTarget
from lamina.features.targets.several import SeveralTarget
from lamina.predictions.answers import answers_for
from lamina.predictions.row_losses import row_losses
from lamina.training.fitted import Fitted

LOSSES: Final = ("log_loss", "pinball", "absolute_error", "error")
ERRORS: Final = ("error", "absolute_error", "pinball")
LEAST: Final = 1e-9


class RowLosses(NamedTuple):
    """``loss`` judges probabilities too, ``error`` only what is decided; float64 ``(rows,)``, less is better.
    Both are the same where answers have no probabilities. ``measures`` are their names."""

    loss: np.ndarray
    error: np.ndarray
    measures: tuple[str, str]

    def of(self, rows: np.ndarray) -> RowLosses:
        """Those of some of the rows."""
        return RowLosses(self.loss[rows], self.error[rows], self.measures)


def losses_of(target: Target, decoded: np.ndarray, answers: np.ndarray) -> RowLosses:
    """From calibrated answers and the true ones; of several targets the mean of theirs, each as a share of
    what a constant answer loses."""
    if isinstance(target, SeveralTarget):
        return _joint(target, decoded, answers)
    found = {each.name: each.values for each in row_losses(target, decoded, answers)}
    loss = next((name for name in LOSSES if name in found), next(iter(found)))
    error = next((name for name in ERRORS if name in found), loss)
    return RowLosses(found[loss], found[error], (loss, error))


def _joint(target: SeveralTarget, decoded: np.ndarray, answers: np.ndarray) -> RowLosses:
    total, counts = np.zeros((2, len(answers))), np.zeros(len(answers))
    beside = zip(
        target.parts,
        target.decoded_of(decoded),
        target.answers_of(answers),
        target.constants,
        strict=True,
    )
    for part, own, (known, came), constant in beside:
        if len(came):
            each = losses_of(part, own[known], came)
            blind = constant_losses(part, np.array(constant), came)
            total[0, known] += each.loss / max(float(blind.loss.mean()), LEAST)
            total[1, known] += each.error / max(float(blind.error.mean()), LEAST)
            counts[known] += 1
    shares = total / np.maximum(counts, 1)
    return RowLosses(shares[0], shares[1], ("loss", "error"))


def constant_losses(target: Target, constant: np.ndarray, answers: np.ndarray) -> RowLosses:
    """Those of one answer for all rows; ``constant`` ``(width,)``."""
    blind = np.tile(constant, (len(answers), 1))
    return losses_of(target, blind[:, 0] if target.flat else blind, answers)


def row_losses_for(fitted: Fitted, frame: pl.DataFrame) -> RowLosses:
    """What this network's answers for a conformed frame with known answers lose."""
    if not frame.height:
        return RowLosses(np.zeros(0), np.zeros(0), ("loss", "error"))
    return losses_of(fitted.target, answers_for(fitted, frame), fitted.target.encode(frame))


def widened(decoded: np.ndarray, old: Target, new: Target, answers: np.ndarray) -> np.ndarray:
    """Answers of a network that knew fewer classes or labels, with columns for the new ones.

    A class that it does not know has the probability 0; a label, of which it says nothing, as often as it
    occurs in these ``answers``.
    """
    if isinstance(new, SeveralTarget) and isinstance(old, SeveralTarget):
        parts = zip(old.parts, new.parts, old.decoded_of(decoded), new.answers_of(answers), strict=True)
        wide = [widened(own, a, b, came) for a, b, own, (_, came) in parts]
        return np.concatenate([each.reshape(len(each), -1) for each in wide], axis=1)
    more = new.width - old.width
    if not more:
        return decoded
    filling = np.zeros((len(decoded), more), decoded.dtype)
    if isinstance(new, LabelsTarget):
        filling[:] = np.nanmean(answers[:, old.width :], axis=0)
    return np.concatenate([decoded, filling], axis=1)
