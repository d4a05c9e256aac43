"""From a network's scores to answers, in the user's words and units."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl
import torch

from lamina.features.base import Arrays
from lamina.features.features import Features
from lamina.features.targets.base import Target
from lamina.network.network import Network
from lamina.training.examples import writable
from lamina.training.fitted import Fitted
from lamina.training.validation import rows_at_once

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
    """Decoded answers ``(rows, …)`` for a conformed frame: probabilities, standard units, ratios."""
    return np.concatenate(
        [network_answers(fitted.network, arrays) for arrays, _ in encoded(fitted.features, frame)]
    )


@torch.inference_mode()
def network_answers(network: Network, arrays: Arrays) -> np.ndarray:
    """Decoded answers ``(rows, …)``, float32, in full precision: probabilities, standard units, ratios."""
    network.eval()
    device = next(network.parameters()).device
    rows, at_once = len(next(iter(arrays.values()))), rows_at_once(arrays)
    parts = []
    for start in range(0, max(rows, 1), at_once):
        batch = {
            name: torch.from_numpy(writable(each[start : start + at_once])).to(device)
            for name, each in arrays.items()
        }
        parts.append(network.output.answer(network.scores(batch)).cpu().numpy())
    joined: np.ndarray = np.concatenate(parts)
    return joined


def answer_frame(
    raw: np.ndarray, target: Target, answered: np.ndarray, *, probabilities: bool | None
) -> pl.DataFrame:
    """The answers as columns, the first of each target ``predicted_<target>``.

    ``probabilities``: a column for each class or label (None: where they are few). Rows where ``answered``
    is false are null.
    """
    return pl.DataFrame(target.answer_columns(raw, answered, probabilities=probabilities))
