"""All that can be told about a network's answers, in one call."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Final, Literal, get_args

import msgspec
import numpy as np
import polars as pl

from lamina.errors import UsageError, nearest
from lamina.features.targets.base import Target
from lamina.features.targets.several import SeveralTarget
from lamina.predictions.explain.asked import Asking
from lamina.predictions.explain.background import ROUGH, WORK, Background, background_of
from lamina.predictions.explain.columns import explained_rows
from lamina.predictions.explain.importance import importance_of, known_answers, losses_of, rows_judged
from lamina.predictions.explain.inside import PARTS, inside_rows
from lamina.predictions.explain.reading import Reader
from lamina.predictions.explain.records import Explanation, Inside, RowExplanation
from lamina.progress import Bar
from lamina.training.fitted import Fitted

What = Literal["columns", "inside", "importance"]

PATIENCE: Final = 2.0  # seconds before a progress bar appears
FEWEST_ROWS, MOST_ROWS = 20, 100  # whose shares importance is the mean of, unless they are named
MOST_ASKED: Final = 200_000  # answers asked for, for all of them together


def explain(
    fitted: Fitted,
    frame: pl.DataFrame,
    *,
    rows: Sequence[int] | None,
    what: Sequence[str],
    of: str | Sequence[str] | None,
    background: pl.DataFrame | None,
    seed: int,
) -> Explanation:
    """``frame`` and ``background`` are conformed; see ``Model.explain``."""
    check_what(what)
    reader, asking = Reader(fitted), Asking(fitted.target, of)
    numbers = chosen_rows(frame, rows)
    found = Explanation()
    if "inside" in what:
        found = msgspec.structs.replace(found, inside=_inside(reader, asking, frame, numbers))
    if "columns" not in what and "importance" not in what:
        return found
    compared = _background(reader, frame, background, WORK if "columns" in what else ROUGH)
    if "columns" not in what and rows is None:
        numbers = evenly(numbers, _rows_shared(reader, compared))
    explained = _explained(reader, asking, frame, numbers, compared, seed)
    shown = tuple(explained) if "columns" in what else ()
    found = msgspec.structs.replace(found, rows=shown, background=compared.words)
    return _with_importance(found, reader, frame, explained, seed) if "importance" in what else found


def _rows_shared(reader: Reader, compared: Background) -> int:
    """How many rows importance is the mean of: fewer where there are many columns."""
    each = max(1, 2 * (len(reader.players) - 1) * len(compared.rows))
    return int(np.clip(MOST_ASKED // each, FEWEST_ROWS, MOST_ROWS))


def _background(reader: Reader, frame: pl.DataFrame, given: pl.DataFrame | None, work: int) -> Background:
    if given is None:
        return background_of(reader, frame, "the rows given", work)
    return background_of(reader, given, "the background rows", work)


def _inside(reader: Reader, asking: Asking, frame: pl.DataFrame, numbers: np.ndarray) -> tuple[Inside, ...]:
    """Raises UsageError where no column has an inside."""
    if not any(feature.kind in PARTS for feature in reader.features):
        raise UsageError(
            "No column of the model is a text, a picture, a recording or a clip: there is nothing inside "
            "to explain.",
            'Ask how far the columns moved the answer: what="columns".',
        )
    with Bar("explaining cells", len(numbers), after=PATIENCE) as bar:
        return tuple(inside_rows(reader, asking, frame, numbers.tolist(), bar.at))


def _explained(
    reader: Reader,
    asking: Asking,
    frame: pl.DataFrame,
    numbers: np.ndarray,
    compared: Background,
    seed: int,
) -> list[RowExplanation]:
    """A chunk of rows at a time: what the input layers make of media is large."""
    found, done = list[RowExplanation](), 0
    with Bar("explaining", len(numbers), after=PATIENCE) as bar:
        for part in _parts(numbers):
            found += explained_rows(
                reader, asking, reader.rows(frame[part]), part.tolist(), compared, seed=seed,
                watch=partial(_further, bar, done),
            )  # fmt: skip
            done += len(part)
    return found


def _further(bar: Bar, before: int, rows: int) -> None:
    bar.at(before + rows)


def _with_importance(
    found: Explanation, reader: Reader, frame: pl.DataFrame, explained: list[RowExplanation], seed: int
) -> Explanation:
    known = known_answers(reader.fitted.target, frame)
    losses, judged = {}, 0
    if known is not None:
        some = evenly(np.arange(len(known[0])), rows_judged(reader))
        judged = len(some)
        with Bar("dealing out columns", len(reader.players), after=PATIENCE) as bar:
            losses = losses_of(reader, reader.rows(frame[known[0][some]]), known[1][some], seed, bar.at)
    return msgspec.structs.replace(
        found,
        importance=importance_of(reader, explained, losses, seed),
        metric=_metric(reader.fitted.target) if losses else None,
        judged=judged,
    )


def _metric(target: Target) -> str:
    """The error that losses are told in; of several targets each has its own."""
    return "error" if isinstance(target, SeveralTarget) else target.metrics[0]


def check_what(what: Sequence[str]) -> None:
    """Raises UsageError for something that cannot be told."""
    for each in what:
        if each not in get_args(What):
            raise UsageError(f"Explanations tell of no {each!r}.", nearest(each, get_args(What)), what=each)


def chosen_rows(frame: pl.DataFrame, rows: Sequence[int] | None) -> np.ndarray:
    """The numbers of the rows to explain. Raises UsageError for one that is not there."""
    if rows is None:
        return np.arange(frame.height)
    for row in rows:
        if not 0 <= row < frame.height:
            raise UsageError(
                f"There is no row {row}: the table has {frame.height:,} rows.",
                f"Name rows from 0 to {frame.height - 1}.",
                row=row,
            )
    return np.array(rows, np.int64)


def evenly(numbers: np.ndarray, most: int) -> np.ndarray:
    """At most so many of them, over the whole length."""
    if len(numbers) <= most:
        return numbers
    return numbers[np.linspace(0, len(numbers) - 1, most).astype(np.int64)]


def _parts(numbers: np.ndarray, size: int = 256) -> Iterator[np.ndarray]:
    for start in range(0, len(numbers), size):
        yield numbers[start : start + size]
