"""The rows that answers are compared with: few, chosen so that they stand for all.

A model file holds no row of its training, so they come from the user: rows given as such, or the rows that
are explained.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
import torch

from lamina.errors import UsageError
from lamina.predictions.explain.reading import Reader, Rows

WORK = 8192  # answers per explained row, about
ROUGH = 2048  # ... where only means over many rows are told
LEAST, ROUGH_LEAST, MOST = 32, 16, 256  # rows to compare with
LOOKED_AT = 4096  # rows whose answers are looked at to choose among them
OFFERED, PASSES = 32, 3  # rows that may take the place of a chosen one, and how often all are gone through
MANY_ANSWERS = 200  # columns of decoded answers: with more, rows are taken evenly


@dataclass(frozen=True)
class Background:
    """The rows compared with, their decoded ``answers`` ``(rows, width)``, what they are in ``words``, and
    how many answers may be asked for per explained row, ``work``."""

    rows: Rows
    answers: np.ndarray
    words: str
    work: int


def background_of(reader: Reader, frame: pl.DataFrame, asked_for: str, work: int = WORK) -> Background:
    """The rows to compare with among those of ``frame``. ``asked_for``: where they come from.

    Raises UsageError where there is no second row.
    """
    if frame.height < 2:
        raise UsageError(
            f"Answers are explained by comparing with other rows, and {asked_for} are {frame.height}.",
            "Give more rows, or rows to compare with as `background` (--background FILE): a few hundred "
            "that are like those the model meets, such as rows of its training.",
            rows=frame.height,
        )
    most = rows_wanted(len(reader.players), work)
    if frame.height <= most:
        rows = reader.rows(frame)
        return Background(rows, reader.answers(rows), f"all {frame.height:,} of {asked_for}", work)
    rows = reader.rows(_evenly(frame, LOOKED_AT if _quick(reader) else most))
    answers = reader.answers(rows)
    chosen = representative(answers, most)
    if len(rows) > len(chosen):
        chosen = matched(_seen(reader, rows, answers), chosen)
    words = f"{most:,} of {frame.height:,} of {asked_for}"
    return Background(_taken(rows, chosen), answers[chosen], words, work)


def _quick(reader: Reader) -> bool:
    """Whether thousands of rows are read in no time: no media, no pretrained encoder."""
    return all(each.recipe in ("tables", "texts") and not each.frozen for each in reader.layers)


def rows_wanted(players: int, work: int = WORK) -> int:
    """How many rows to compare with, so that a pair of walks with each stays within ``work``."""
    least = LEAST if work >= WORK else ROUGH_LEAST
    return int(np.clip(work // max(2 * (players - 1), 1), least, MOST))


def representative(decoded: np.ndarray, most: int) -> np.ndarray:
    """``most`` rows evenly along the direction in which answers ``(rows, width)`` vary most, in order.

    Systematic sampling from the sorted answers: the mean of the chosen ones is nearer to that of all than a
    random sample's would be.
    """
    if len(decoded) <= most:
        return np.arange(len(decoded))
    order = np.arange(len(decoded))
    if decoded.shape[1] <= MANY_ANSWERS:
        away = np.nan_to_num(decoded - decoded.mean(0))
        _, directions = np.linalg.eigh(away.T @ away)
        order = np.argsort(away @ directions[:, -1], kind="stable")
    places = ((np.arange(most) + 0.5) * len(decoded) / most).astype(np.int64)
    return np.sort(order[places])


def _seen(reader: Reader, rows: Rows, answers: np.ndarray) -> np.ndarray:
    """What should have the same mean over all rows and over some: what the input layers make of every player,
    each of variance 1 in all, and the answers, which weigh as much as all players, ``(rows, values)``."""
    told = [_of_variance_1(each) for each in reader.by_player(rows)]
    return np.concatenate([*told, _of_variance_1(answers) * len(told) ** 0.5], axis=1)


def _of_variance_1(values: np.ndarray) -> np.ndarray:
    """Centred, with a variance of 1 over all columns together."""
    away = np.nan_to_num(values - values.mean(0))
    return away / max(float(np.sqrt((away**2).sum(1).mean())), 1e-12)


def matched(values: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Some of the ``chosen`` rows exchanged for others, so that the means of ``values`` ``(rows, …)`` over
    them come near to those over all rows.

    What a column does by itself is then told as if all rows were compared with.
    """
    rng = np.random.default_rng(0)
    chosen, aim = chosen.copy(), values.mean(0)
    free = np.setdiff1d(np.arange(len(values)), chosen)
    away = values[chosen].sum(0) - len(chosen) * aim
    for _ in range(PASSES):
        for place in rng.permutation(len(chosen)):
            offered = rng.integers(0, len(free), OFFERED)
            after = away - values[chosen[place]] + values[free[offered]]
            best = int((after**2).sum(1).argmin())
            if (after[best] ** 2).sum() < (away**2).sum():
                away = after[best]
                chosen[place], free[offered[best]] = free[offered[best]], chosen[place]
    return np.sort(chosen)


def _evenly(frame: pl.DataFrame, most: int) -> pl.DataFrame:
    if frame.height <= most:
        return frame
    return frame[np.linspace(0, frame.height - 1, most).astype(np.int64)]


def _taken(rows: Rows, chosen: np.ndarray) -> Rows:
    places = torch.from_numpy(chosen)
    read = tuple(tuple(view[..., places, :] for view in block) for block in rows.read)
    return Rows(rows.frame[chosen], read)
