"""From a network's scores to answers, in the user's words and units."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import polars as pl

from lamina.features.base import Arrays
from lamina.features.features import Features
from lamina.features.targets.base import floats
from lamina.predictions.abstain import SET, abstentions
from lamina.training.answered import Answered, Judge, answered
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
    return calibrated(fitted, answered(fitted.network, arrays).decoded)


def covered_by(fitted: Fitted, frame: pl.DataFrame) -> pl.Series | None:
    """The column in whose groups bounds are to hold, where there is one."""
    by = None if fitted.confidence is None else fitted.confidence.by
    return frame[by] if by is not None and by in frame.columns else None


def calibrated(fitted: Fitted, decoded: np.ndarray) -> np.ndarray:
    """What the network says → what users are told."""
    return decoded if fitted.confidence is None else fitted.confidence.calibrated(decoded)


def answer_frame(
    fitted: Fitted,
    answered: Answered,
    known: np.ndarray,
    *,
    probabilities: bool | None = None,
    coverage: float | None = None,
    values: pl.Series | None = None,
) -> pl.DataFrame:
    """The answers as columns, the first of each target ``predicted_<target>``, then the bounds, then
    whether to rely on them.

    ``probabilities``: a column for each class or label (None: where they are few). Rows where ``known`` is
    false are null. ``coverage`` is how often bounds are to hold (None: as the model was fitted for),
    ``values`` those of the column in whose groups they do.
    """
    told = calibrated(fitted, answered.decoded)
    answers = fitted.target.answer_columns(told, known, probabilities=probabilities)
    bounds = []
    if fitted.confidence is not None:
        bounds = fitted.confidence.columns(answered, known, coverage=coverage, values=values)
    return pl.DataFrame([*answers, *bounds, *_doubts(fitted, bounds, answered.novelty, known)])


def _doubts(
    fitted: Fitted, bounds: Sequence[pl.Series], novelty: np.ndarray | None, known: np.ndarray
) -> list[pl.Series]:
    """``novelty``, ``abstain`` and its reason, as far as the model can tell."""
    sets = [each for each in bounds if each.name.startswith(SET)]
    if fitted.novelty is None or novelty is None:
        return abstentions(sets, None, known) if bounds else []
    told = floats("novelty", novelty, known)
    return [told, *abstentions(sets, fitted.novelty.unlike(novelty), known)]


def judge_of(fitted: Fitted) -> Judge | None:
    """What tells how unlike the training rows a row is, where the model knows."""
    return None if fitted.novelty is None else fitted.novelty.judge(fitted.target)
