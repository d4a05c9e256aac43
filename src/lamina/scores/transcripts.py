"""How good transcripts are: the share of words, or of characters, that are wrong."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np


def edits(told: Sequence[object], came: Sequence[object]) -> int:
    """Fewest insertions, deletions and replacements that turn one into the other (Levenshtein 1966).

    >>> edits("seven", "eleven"), edits(["one", "two"], ["one"])
    (2, 1)
    """
    row = list(range(len(came) + 1))
    for i, one in enumerate(told, 1):
        corner, row[0] = row[0], i
        for j, two in enumerate(came, 1):
            corner, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, corner + (one != two))
    return row[-1]


def error_rate(told: Sequence[Sequence[object]], came: Sequence[Sequence[object]]) -> float:
    """All edits of all transcripts, per word (or character) that was said."""
    wrong = sum(map(_edits, map(tuple, told), map(tuple, came)))
    return wrong / max(1, sum(map(len, came)))


@lru_cache(maxsize=65_536)  # resampled rows ask for the same pairs again and again
def _edits(told: tuple[object, ...], came: tuple[object, ...]) -> int:
    return edits(told, came)


def word_error_rate(told: Sequence[str], came: Sequence[str]) -> float:
    """Of words between blanks.

    >>> word_error_rate(["seven two"], ["seven two one"])
    0.3333333333333333
    """
    return error_rate([each.split() for each in told], [each.split() for each in came])


def transcript_scores(told: Sequence[str], came: Sequence[str]) -> dict[str, float]:
    """``wer``, ``cer`` and the share of transcripts that are right throughout."""
    return {
        "wer": word_error_rate(told, came),
        "cer": error_rate(told, came),
        "exact": float(np.mean([one == two for one, two in zip(told, came, strict=True)])),
    }
