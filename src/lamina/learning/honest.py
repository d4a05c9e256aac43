"""What makes a candidate's answers honest, found anew on rows that serve nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import polars as pl

from lamina.features.base import Arrays
from lamina.learning.candidate import Lesson
from lamina.network.answered import seen_by
from lamina.network.engine import Answered
from lamina.predictions.calibration import Calibrator
from lamina.predictions.confidence import CALIBRATED, Confidence
from lamina.predictions.novelty import FEWEST, MOST_KEPT, Novelty
from lamina.training.fitted import Fitted

ENOUGH_LEARNT: Final = 2_000  # rows learnt from, whose surroundings tell what is new
ENOUGH: Final = 400  # rows that correct probabilities; with fewer the champion's correction stays


def with_confidence(
    fitted: Fitted,
    told: Answered,
    frame: pl.DataFrame,
    *,
    corrected: bool,
    like: Confidence | None = None,
) -> Fitted:
    """The candidate with bounds and calibrated probabilities; ``frame`` are conformed rows that it has not
    learnt from, ``told`` what its network says of them. Probabilities are ``corrected`` anew, or as they were
    where that is not asked for, or there are too few rows; by corrections of the same kind as ``like``, where
    that is given: it takes long to choose them."""
    if not frame.height:
        return replace(fitted, confidence=None)
    settings, old = fitted.settings, fitted.confidence
    by = settings.coverage_by
    column = None if by is None or by in fitted.target.targets or by not in frame.columns else frame[by]
    keep = old is not None and not (corrected and frame.height >= ENOUGH)
    if like is not None and not keep and fitted.target.answer in CALIBRATED:
        name, answers = like.parts[0].calibrator.name, fitted.target.encode(frame)
        again = replace(like.parts[0], calibrator=Calibrator.by(name, told.decoded, answers))
        return replace(fitted, confidence=replace(like, parts=(again,)))
    found = Confidence.found(
        fitted.target, told, fitted.target.encode(frame), coverage=settings.coverage, by=by, values=column,
        calibrate=not keep,
    )  # fmt: skip
    if old is not None and keep:
        pairs = zip(found.parts, old.parts, strict=True)
        found = replace(found, parts=tuple(replace(n, calibrator=o.calibrator) for n, o in pairs))
    return replace(fitted, confidence=found)


def with_novelty(fitted: Fitted, arrays: Sequence[Arrays], what: Lesson) -> Fitted:
    """The candidate with what tells how unlike its rows others are: ``arrays`` are rows that it has not
    learnt from, in parts, ``what`` those that it has. None where too few rows tell what is usual."""
    rows = sum(len(next(iter(each.values()))) for each in arrays)
    few = rows < FEWEST or len(what) < FEWEST
    return replace(fitted, novelty=None if few else _novelty(fitted, arrays, what))


def _novelty(fitted: Fitted, arrays: Sequence[Arrays], what: Lesson) -> Novelty:
    network, target = fitted.network, fitted.target
    kept = [seen_by(network, each) for each in arrays]
    decoded = np.concatenate([each for each, _ in kept])
    layers = [np.concatenate(layer) for layer in zip(*(seen for _, seen in kept), strict=True)]
    some = np.unique(np.linspace(0, len(what) - 1, min(len(what), ENOUGH_LEARNT)).astype(np.int64))
    _, learnt = seen_by(network, {name: each[some] for name, each in what.arrays.items()})
    return Novelty.found(
        target,
        learnt,
        what.answers[some] if target.answer in ("classes", "ordered") else None,
        [each[:MOST_KEPT] for each in layers],
        decoded[:MOST_KEPT],
        deep=all(layer.deep for layer in network.input_layers()),
    )
