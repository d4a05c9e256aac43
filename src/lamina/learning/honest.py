"""What makes a candidate's answers honest, found anew on rows that serve nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
import polars as pl

from lamina.features.base import Arrays
from lamina.learning.candidate import Lesson
from lamina.network.answered import seen_by
from lamina.network.engine import Answered
from lamina.predictions.answers import encoded
from lamina.predictions.confidence import Confidence
from lamina.predictions.novelty import FEWEST, MOST_KEPT, MOST_LEARNT, Novelty
from lamina.training.fitted import Fitted

ENOUGH: Final = 400  # rows that correct probabilities; with fewer the champion's correction stays


def with_honesty(fitted: Fitted, frame: pl.DataFrame, what: Lesson) -> Fitted:
    """The candidate with calibrated probabilities, bounds and novelty; ``frame`` are conformed rows that it
    has not learnt from and that do not judge it, ``what`` the rows that it has learnt."""
    if not frame.height:
        return replace(fitted, confidence=None, novelty=None)
    arrays = [each for each, _ in encoded(fitted.features, frame)]
    told = Answered.joined(fitted.engine.answered(each) for each in arrays)
    confidence = _confidence(fitted, told, frame)
    return replace(fitted, confidence=confidence, novelty=_novelty(fitted, arrays, frame.height, what))


def _confidence(fitted: Fitted, told: Answered, frame: pl.DataFrame) -> Confidence:
    settings = fitted.settings
    by = settings.coverage_by
    column = None if by is None or by in fitted.target.targets or by not in frame.columns else frame[by]
    found = Confidence.found(
        fitted.target, told, fitted.target.encode(frame), coverage=settings.coverage, by=by, values=column
    )
    if frame.height >= ENOUGH or fitted.confidence is None:
        return found
    parts = zip(found.parts, fitted.confidence.parts, strict=True)
    return replace(found, parts=tuple(replace(n, calibrator=o.calibrator) for n, o in parts))


def _novelty(fitted: Fitted, arrays: list[Arrays], rows: int, what: Lesson) -> Novelty | None:
    """None where there are too few rows to tell what is usual."""
    if rows < FEWEST or len(what) < FEWEST:
        return None
    network, target = fitted.network, fitted.target
    kept = [seen_by(network, each) for each in arrays]
    decoded = np.concatenate([each for each, _ in kept])
    layers = [np.concatenate(layer) for layer in zip(*(seen for _, seen in kept), strict=True)]
    some = np.unique(np.linspace(0, len(what) - 1, min(len(what), MOST_LEARNT)).astype(np.int64))
    _, learnt = seen_by(network, {name: each[some] for name, each in what.arrays.items()})
    return Novelty.found(
        target,
        learnt,
        what.answers[some] if target.answer in ("classes", "ordered") else None,
        [each[:MOST_KEPT] for each in layers],
        decoded[:MOST_KEPT],
        deep=all(layer.deep for layer in network.input_layers()),
    )
