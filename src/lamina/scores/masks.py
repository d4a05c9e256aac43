"""How good masks are: pixels by class."""

from __future__ import annotations

import numpy as np

from lamina.scores.ranking import Scores

UNKNOWN = 255  # the code of a pixel without an answer


def confusion(told: np.ndarray, came: np.ndarray, classes: int) -> np.ndarray:
    """How many pixels of each class were told as each class, ``(came, told)``; unknown ones left out."""
    known = came != UNKNOWN
    pairs = came[known].astype(np.int64) * classes + told[known].astype(np.int64)
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


def intersections_over_unions(pairs: np.ndarray) -> np.ndarray:
    """Of every class the pixels that are both told and true, as a share of those that are either.

    NaN for a class that is neither ("Jaccard index").
    """
    both = np.diag(pairs)
    either = pairs.sum(0) + pairs.sum(1) - both
    with np.errstate(invalid="ignore"):
        shares: np.ndarray = np.where(either > 0, both / either, np.nan)
    return shares


def mask_scores(told: np.ndarray, came: np.ndarray, names: tuple[int, ...]) -> Scores:
    """``iou`` (the mean over the classes that occur), ``pixel_accuracy``, and ``iou_<value>`` of each class.

    ``told`` and ``came`` are codes ``(rows, pixels)``.
    """
    pairs = confusion(told, came, len(names))
    shares = intersections_over_unions(pairs)
    occurring = shares[~np.isnan(shares)]
    each = {f"iou_{name}": float(share) for name, share in zip(names, shares, strict=True) if share == share}
    return {
        "iou": float(occurring.mean()) if len(occurring) else float("nan"),
        "pixel_accuracy": float(np.diag(pairs).sum() / max(pairs.sum(), 1)),
        **(each if len(each) <= 20 else {}),
    }
