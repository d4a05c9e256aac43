"""From a network's scores to answers, in the user's words and units."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import polars as pl

from lamina.features.base import Arrays
from lamina.features.features import Features
from lamina.features.targets.told import LabelSets, Numbers, Told
from lamina.network.engine import Answered, Judge
from lamina.predictions.abstain import SET, abstentions
from lamina.training.fitted import Fitted

CHUNK = 131_072  # rows encoded at once: bounds memory whatever the table's size
CHUNK_BYTES = 256 * 2**20  # and their arrays: a picture takes a thousand times what a number takes


def encoded(features: Features, frame: pl.DataFrame) -> Iterator[tuple[Arrays, int]]:
    """The frame's arrays a chunk at a time, with the rows done so far; an empty frame is one empty chunk."""
    rows = rows_encoded(features)
    for start in range(0, max(frame.height, 1), rows):
        chunk = frame.slice(start, rows)
        yield features.transform(chunk), start + chunk.height


def rows_encoded(features: Features) -> int:
    """How many rows are encoded at once."""
    return max(1, min(CHUNK, CHUNK_BYTES // max(1, sum(each.row_bytes for each in features))))


def answers_for(fitted: Fitted, frame: pl.DataFrame) -> np.ndarray:
    """Decoded answers ``(rows, …)`` for a conformed frame, calibrated: probabilities, standard units,
    ratios."""
    parts = (network_answers(fitted, arrays) for arrays, _ in encoded(fitted.features, frame))
    return np.concatenate(list(parts))


def network_answers(fitted: Fitted, arrays: Arrays) -> np.ndarray:
    """The same for encoded rows."""
    return calibrated(fitted, fitted.engine.answered(arrays).decoded)


def covered_by(fitted: Fitted, frame: pl.DataFrame) -> pl.Series | None:
    """The column in whose groups bounds are to hold, where there is one."""
    by = None if fitted.confidence is None else fitted.confidence.by
    return frame[by] if by is not None and by in frame.columns else None


def calibrated(fitted: Fitted, decoded: np.ndarray) -> np.ndarray:
    """What the network says → what users are told."""
    return decoded if fitted.confidence is None else fitted.confidence.calibrated(decoded)


def told(
    fitted: Fitted,
    answered: Answered,
    known: np.ndarray,
    *,
    probabilities: bool | None = None,
    coverage: float | None = None,
    values: pl.Series | None = None,
) -> list[Told]:
    """The answers, one column each, the first of each target ``predicted_<target>``, then the bounds, then
    whether to rely on them.

    ``probabilities``: a column for each class or label (None: where they are few). Rows where ``known`` is
    false are null. ``coverage`` is how often bounds are to hold (None: as the model was fitted for),
    ``values`` those of the column in whose groups they do.
    """
    decoded = calibrated(fitted, answered.decoded)
    answers: list[Told] = [*fitted.target.told(decoded, known, probabilities=probabilities)]
    bounds: list[Told] = []
    if fitted.confidence is not None:
        bounds = fitted.confidence.columns(answered, known, coverage=coverage, values=values)
    return [*answers, *bounds, *_doubts(fitted, bounds, answered.novelty, known)]


def answer_frame(fitted: Fitted, answered: Answered, known: np.ndarray, **asked: Any) -> pl.DataFrame:
    """What is ``told`` as a frame."""
    return pl.DataFrame([each.series() for each in told(fitted, answered, known, **asked)])


def _doubts(
    fitted: Fitted, bounds: Sequence[Told], novelty: np.ndarray | None, known: np.ndarray
) -> list[Told]:
    """``novelty``, ``abstain`` and its reason, as far as the model can tell."""
    sets = [each for each in bounds if isinstance(each, LabelSets) and each.name.startswith(SET)]
    if fitted.novelty is None or novelty is None:
        return abstentions(sets, None, known) if bounds else []
    return [
        Numbers("novelty", novelty, known),
        *abstentions(sets, fitted.novelty.unlike(novelty), known),
    ]


def judge_of(fitted: Fitted) -> Judge | None:
    """What tells how unlike the training rows a row is, where the model knows."""
    return None if fitted.novelty is None else fitted.novelty.judge(fitted.target, fitted.engine.product)
