"""When an answer had better come from a person: several classes possible, or a row unlike all before."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

UNREADABLE = "nothing could be read"
UNLIKE = "unlike the training rows"
SET = "prediction_set"


def abstentions(sets: Sequence[pl.Series], unlike: np.ndarray | None, known: np.ndarray) -> list[pl.Series]:
    """``abstain``, whether the answer is not to be relied on, and ``abstain_reason``, null where it is.

    ``sets`` are the columns of classes that cannot be ruled out, one per target that has classes; ``unlike``
    says which rows are unlike the training rows, bool ``(rows,)``, where that can be told; in rows where
    ``known`` is false nothing could be read.
    """
    reasons = [(_several(each.name), (each.list.len() != 1).fill_null(False)) for each in sets]
    if unlike is not None:
        reasons.append((UNLIKE, pl.Series(unlike & known)))
    reasons.append((UNREADABLE, pl.Series(~known)))
    words = [pl.when(given).then(pl.lit(reason)) for reason, given in reasons]
    told = pl.select(pl.concat_str(words, separator="; ", ignore_nulls=True).alias("abstain_reason"))
    reason = told["abstain_reason"].replace("", None)
    return [(~reason.is_null()).alias("abstain"), reason]


def _several(name: str) -> str:
    target = name.removeprefix(SET).removeprefix("_")
    return f"several classes of {target} are possible" if target else "several classes are possible"
