"""The rows most like a row, by what the network makes of them: cases that a person can look at.

A model file holds no rows, so the rows to search come from the user. Rows are alike where the features that
the answer is read from point the same way (cosine), with the mean over the rows searched taken off: what the
network has learnt to leave aside does not count, and a row with other words and the same meaning is near.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import polars as pl

from lamina.errors import UsageError
from lamina.network.answered import seen_by
from lamina.predictions.answers import encoded
from lamina.training.fitted import Fitted

ASKED_AT_ONCE = 1024  # rows compared with a chunk of the others together
MOST = 1000  # alike rows per row


class Alike(NamedTuple):
    """The numbers of the most alike rows and how alike they are, -1 to 1, most alike first; both
    ``(rows, count)``."""

    rows: np.ndarray
    similarity: np.ndarray


def most_similar(fitted: Fitted, frame: pl.DataFrame, among: pl.DataFrame, count: int) -> Alike:
    """For every row of ``frame`` its ``count`` most alike of ``among``; both are conformed. Of equals, the
    first. Memory is bounded: the rows searched pass by in chunks.

    Raises UsageError for a count that cannot be.
    """
    if not 1 <= count <= MOST:
        raise UsageError(f"{count:,} alike rows were asked for.", f"Ask for 1 to {MOST:,}.", count=count)
    centre = _mean(fitted, among)
    asked = np.concatenate([_directions(each, centre) for each in _features(fitted, frame)])
    found = Alike(np.zeros((len(asked), 0), np.int64), np.zeros((len(asked), 0), np.float32))
    start = 0
    for each in _features(fitted, among):
        found = _nearer(found, asked, _directions(each, centre), start, min(count, among.height))
        start += len(each)
    return found


def similar_frame(alike: Alike, rows: np.ndarray, among: pl.DataFrame) -> pl.DataFrame:
    """A line per row, by its number in ``rows``, and alike row: ``row`` and ``similar_row``, the
    ``similarity``, and the columns of that row as they came."""
    count, places = alike.rows.shape[1], alike.rows.ravel()
    told = pl.DataFrame(
        {
            "row": np.repeat(rows, count),
            "similar_row": places,
            "similarity": alike.similarity.ravel().astype(np.float64),
        }
    )
    others = among[places].select(pl.exclude(told.columns))
    return pl.concat([told, others], how="horizontal")


def _features(fitted: Fitted, frame: pl.DataFrame) -> Iterator[np.ndarray]:
    for arrays, _ in encoded(fitted.features, frame):
        yield seen_by(fitted.network, arrays)[1][-1]


def _mean(fitted: Fitted, frame: pl.DataFrame) -> np.ndarray:
    """Of up to a chunk of rows, evenly taken."""
    rows = min(frame.height, 4096)
    some = frame[np.linspace(0, frame.height - 1, rows).astype(np.int64)]
    mean: np.ndarray = np.concatenate(list(_features(fitted, some))).mean(0)
    return mean


def _directions(features: np.ndarray, centre: np.ndarray) -> np.ndarray:
    away = features - centre
    directions: np.ndarray = away / np.maximum(np.linalg.norm(away, axis=1, keepdims=True), 1e-12)
    return directions


def _nearer(found: Alike, asked: np.ndarray, others: np.ndarray, start: int, count: int) -> Alike:
    """The best of those found so far and of these rows, whose numbers begin at ``start``."""
    rows, alike = [], []
    for first in range(0, len(asked), ASKED_AT_ONCE):
        part = slice(first, first + ASKED_AT_ONCE)
        cosines = asked[part] @ others.T
        own = np.argpartition(-cosines, min(count, cosines.shape[1]) - 1, axis=1)[:, :count]
        numbers = np.concatenate([found.rows[part], own + start], axis=1)
        values = np.concatenate([found.similarity[part], np.take_along_axis(cosines, own, 1)], axis=1)
        best = np.lexsort((numbers, -values), axis=1)[:, :count]
        rows.append(np.take_along_axis(numbers, best, 1))
        alike.append(np.take_along_axis(values, best, 1))
    if not rows:
        return found
    return Alike(np.concatenate(rows), np.clip(np.concatenate(alike), -1.0, 1.0))
