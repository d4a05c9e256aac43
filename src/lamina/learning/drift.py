"""What moved since the champion learnt: columns, answers, their relation, and how the network sees the rows.

New rows are compared with rows of the memory that the champion had not learnt from. All comparisons of an
update are held together: in at most ``level`` of the updates with rows of the same world is anything said to
have moved. Half of that is for the columns (shared out by Holm 1979), the other half for the answers, the
relation and the network's own features, a third each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec
import numpy as np
import polars as pl

from lamina.learning.losses import RowLosses, losses_of
from lamina.learning.memory import ID, UPDATE, WEIGHT, Memory, bare
from lamina.learning.moved import said_column, said_missing
from lamina.learning.recalled import Recalled
from lamina.learning.records import Drift, LearnSettings
from lamina.learning.two_samples import (
    Apart,
    clouds_apart,
    numbers_apart,
    risen,
    shares_apart,
    values_apart,
)
from lamina.network.answered import seen_by
from lamina.predictions.answers import calibrated, encoded
from lamina.training.fitted import Fitted

LEAST: Final = 20  # rows on either side that can be compared
MOST: Final = 5_000  # rows compared: more would call what does not matter a change
CLOUD: Final = 1_000  # of them, in the network's features
WORTH: Final = 0.05  # a smaller distance of a column changes nothing
WORTH_LOSS: Final = 0.02  # a smaller rise of the loss, as a share of it
COMPARED: Final = ("number", "category", "flag")  # kinds whose cells are compared one by one
BINS: Final = 10


def drift(
    champion: Recalled,
    frame: pl.DataFrame,
    memory: Memory,
    settings: LearnSettings,
    *,
    ids: Sequence[str],
    since: int = 10**9,
) -> tuple[Drift, ...]:
    """Everything that was compared, what moved first. ``frame`` are the new rows, conformed, ``ids`` theirs;
    ``since``: the update that made the champion."""
    fitted = champion.fitted
    rows, unseen = reference(memory, since)
    chosen = _chosen(frame.height, settings.seed, MOST)
    old, new = bare(rows), frame[chosen]
    if min(old.height, new.height) < LEAST:
        return ()
    rng = np.random.default_rng((settings.seed, 3))
    told, hidden = _seen(champion, old, rows[ID].to_list())
    said, now_hidden = _seen(champion, new, np.array(ids, object)[chosen].tolist())
    old_losses = losses_of(fitted.target, told, fitted.target.encode(old))
    answers = fitted.target.encode(new)
    known = np.flatnonzero(answers >= 0) if fitted.target.codes else np.arange(new.height)
    columns = list(_columns(fitted, old, new, old_losses))
    others = [*_answers(fitted, old, new, old_losses)]
    if unseen and len(known) >= LEAST:
        others.append(_relation(fitted, said[known], answers[known], old_losses, told, rng))
    others.append(_features(hidden, now_hidden, rng))
    judged = [*holm(columns, settings.level / 2), *(alone(each, settings.level / 6) for each in others)]
    return tuple(sorted(judged, key=lambda each: (not each.moved, each.p)))


def reference(memory: Memory, since: int) -> tuple[pl.DataFrame, bool]:
    """Rows to compare with, bookkeeping included, and whether the champion has never learnt from them; of
    those that it has, as many of each kind as they stand for. Where none are left of its own time, those that
    came since tell at least of what changed after them."""
    judged = memory.to_judge()
    for rows in (judged.filter(pl.col(UPDATE) <= since), judged):
        if rows.height >= LEAST:
            return rows.head(MOST), True
    rows = memory.to_learn().filter(pl.col(UPDATE) <= since)
    if not rows.height:
        return rows, False
    weight = rows[WEIGHT].to_numpy()
    chance = np.random.default_rng(0).random(rows.height) < weight / weight.max()
    return rows.filter(pl.Series(chance)).head(MOST), False


# ------------------------------------------------------------------------------- what is compared


def _columns(fitted: Fitted, old: pl.DataFrame, new: pl.DataFrame, losses: RowLosses) -> Iterator[Drift]:
    for field in fitted.schema.with_role("input"):
        if field.kind not in COMPARED or field.name not in old.columns:
            continue
        a, b = old[field.name], new[field.name]
        missing = shares_apart(a.is_null().to_numpy(), b.is_null().to_numpy())
        if missing.distance:
            yield said_missing(field, a, b, missing)
        codes = coded(a, b)
        apart = _numbers_apart(a, b) if field.kind == "number" else values_apart(*codes)
        yield said_column(field, a, b, apart, _effect(codes, losses))


def _answers(fitted: Fitted, old: pl.DataFrame, new: pl.DataFrame, losses: RowLosses) -> Iterator[Drift]:
    for field in fitted.schema.with_role("target"):
        a, b = old[field.name], new[field.name]
        if field.kind not in ("number", "category"):
            continue
        numbers = a.dtype.is_numeric()
        codes = coded(a, b)
        apart = _numbers_apart(a, b) if numbers else values_apart(*codes)
        said = said_column(field, a, b, apart, _effect(codes, losses))
        yield msgspec.structs.replace(
            said, what="answers", message=said.message.replace("Column", "The answer")
        )


def _relation(
    fitted: Fitted,
    said: np.ndarray,
    answers: np.ndarray,
    losses: RowLosses,
    told: np.ndarray,
    rng: np.random.Generator,
) -> Drift:
    """Losses beyond those that the network itself expects: rows that are only harder are no other world.
    ``said`` is what the network says of the new rows, ``losses`` are those of the old ones, ``told`` what it
    says of them."""
    before, now = losses.loss, losses_of(fitted.target, said, answers).loss
    apart = risen(before - expected(fitted, told), now - expected(fitted, said), rng)
    measure = losses.measures[0]
    share = apart.distance / max(float(before.mean()), 1e-9)
    if share < WORTH_LOSS:
        apart = Apart(apart.distance, 1.0)
    return Drift(
        what="relation",
        measure=f"rise of the {measure} beyond what was expected",
        distance=apart.distance,
        p=apart.p,
        moved=False,
        message=f"The champion's {measure} is {now.mean():.4g} on the new rows; it was {before.mean():.4g} "
        f"on rows like those it learnt, and by its own probabilities it should have risen by "
        f"{now.mean() - before.mean() - apart.distance:+.4g}.",
        effect=f"{measure} {now.mean() - before.mean():+.4g}",
    )


def _features(old: np.ndarray, new: np.ndarray, rng: np.random.Generator) -> Drift:
    """``old`` and ``new`` are what the network sees in the rows, ``(rows, width)``."""
    old, new = (each[_chosen(len(each), 0, CLOUD)] for each in (old, new))
    apart = clouds_apart(old, new, rng)
    return Drift(
        what="features",
        measure="energy distance",
        distance=apart.distance,
        p=apart.p,
        moved=False,
        message=f"In the network's own features the new rows lie {apart.distance:.1%} of the way from the "
        "old ones that separate clouds would.",
    )


# ---------------------------------------------------------------------------------------- helpers


def _seen(champion: Recalled, frame: pl.DataFrame, ids: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """What the network says of every row, calibrated, and what it sees there, the last of the layers that
    tell, float32 ``(rows, width)``."""
    fitted = champion.fitted
    parts = [seen_by(fitted.network, arrays) for arrays, _ in encoded(fitted.features, frame)]
    decoded = np.concatenate([each for each, _ in parts])
    champion.note(ids, decoded)
    return calibrated(fitted, decoded), np.concatenate([seen[-1] for _, seen in parts])


def expected(fitted: Fitted, told: np.ndarray) -> np.ndarray:
    """The loss that the probabilities ``told`` lead to expect, row by row; zero for other answers."""
    if fitted.target.answer not in ("classes", "ordered") or not len(told):
        return np.zeros(len(told))
    told = np.clip(told.astype(np.float64), 1e-12, 1)
    entropy: np.ndarray = -(told * np.log(told)).sum(1)
    return entropy


def coded(old: pl.Series, new: pl.Series) -> tuple[np.ndarray, np.ndarray]:
    """Both columns as codes of their values, of numbers with many values as tenths of the old ones' range;
    missing cells have a code of their own."""
    if old.dtype.is_numeric() and old.n_unique() > BINS:
        edges = np.unique(np.nanquantile(_floats(old), np.linspace(0, 1, BINS + 1)[1:-1]))
        return tuple(
            np.where(np.isnan(v), 0, 1 + np.searchsorted(edges, v)).astype(np.int64)
            for v in (_floats(old), _floats(new))
        )  # type: ignore[return-value]
    both = pl.concat([old.cast(pl.String), new.cast(pl.String)])
    codes = both.rank("dense").fill_null(0).to_numpy().astype(np.int64)
    return codes[: len(old)], codes[len(old) :]


def _effect(codes: tuple[np.ndarray, np.ndarray], losses: RowLosses) -> str:
    """What the loss on the old rows would be if their values came as often as they do in the new ones."""
    old, new = codes
    count = int(max(old.max(), new.max())) + 1
    was, is_ = np.bincount(old, minlength=count), np.bincount(new, minlength=count)
    weights = np.where(was > 0, is_ / len(new) / np.maximum(was / len(old), 1e-12), 0.0)[old]
    if not weights.any():
        return "no old row has such values"
    change = float((weights * losses.loss).sum() / weights.sum() - losses.loss.mean())
    return f"{losses.measures[0]} {change:+.3g} by this alone"


def _numbers_apart(old: pl.Series, new: pl.Series) -> Apart:
    a, b = _floats(old), _floats(new)
    return numbers_apart(a[~np.isnan(a)], b[~np.isnan(b)])


def _floats(series: pl.Series) -> np.ndarray:
    return series.cast(pl.Float64).fill_null(np.nan).to_numpy()


def _chosen(count: int, seed: int, most: int) -> np.ndarray:
    """Places of at most so many rows, by chance, rising."""
    if count <= most:
        return np.arange(count)
    return np.sort(np.random.default_rng((seed, 4)).permutation(count)[:most])


# ---------------------------------------------------------------------- which of them are beyond chance


def holm(found: list[Drift], level: float) -> list[Drift]:
    """Of many comparisons those that are beyond chance: in all, one by mistake with probability ``level``
    at most (Holm 1979, "A simple sequentially rejective multiple test procedure")."""
    order = sorted(found, key=lambda each: each.p)
    judged, open_ = [], True
    for place, each in enumerate(order):
        open_ = open_ and each.p <= level / (len(order) - place)
        judged.append(msgspec.structs.replace(each, moved=open_ and each.distance >= WORTH))
    return judged


def alone(each: Drift, level: float) -> Drift:
    """One comparison by itself."""
    small = each.what == "answers" and each.distance < WORTH
    return msgspec.structs.replace(each, moved=each.p <= level and not small)
