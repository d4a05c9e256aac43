"""When an answer had better come from a person: several classes possible, or a row unlike all before."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lamina.features.targets.told import Labels, LabelSets, Told

UNREADABLE = "nothing could be read"
UNLIKE = "unlike the training rows"
SET = "prediction_set"
SMALL = 4096


def abstentions(sets: Sequence[LabelSets], unlike: np.ndarray | None, known: np.ndarray) -> list[Told]:
    """``abstain``, whether the answer is not to be relied on, and ``abstain_reason``, null where it is.

    ``sets`` are the columns of classes that cannot be ruled out, one per target that has classes; ``unlike``
    says which rows are unlike the training rows, bool ``(rows,)``, where that can be told; in rows where
    ``known`` is false nothing could be read.
    """
    reasons = [(_several(each.name), each.known & (each.chosen.sum(1) != 1)) for each in sets]
    if unlike is not None:
        reasons.append((UNLIKE, unlike & known))
    reasons.append((UNREADABLE, ~known))
    # which of the reasons a row has, as the bits of a number: few numbers occur
    bits = sum(given.astype(np.int64) << place for place, (_, given) in enumerate(reasons))
    met, codes = _numbered(bits) if len(bits) > 1 else (bits, np.zeros_like(bits))
    words = ["; ".join(word for place, (word, _) in enumerate(reasons) if n >> place & 1) for n in met]
    told = np.where(bits == 0, -1, codes)
    return [
        Labels("abstain", (bits > 0).astype(np.int64), (False, True)),
        Labels("abstain_reason", told, (*words, "")),  # one word at least: a column of text
    ]


def _numbered(bits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """As ``np.unique`` with ``return_inverse``; small numbers need not be sorted."""
    if bits.max() >= SMALL:
        return np.unique(bits, return_inverse=True)
    met = np.flatnonzero(np.bincount(bits))
    places = np.zeros(SMALL, np.int64)
    places[met] = np.arange(len(met))
    return met, places[bits]


def _several(name: str) -> str:
    target = name.removeprefix(SET).removeprefix("_")
    return f"several classes of {target} are possible" if target else "several classes are possible"
