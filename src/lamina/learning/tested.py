"""Every row of a stream is answered, then learnt; beside the last known answer, and never learning."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl

from lamina.data.parse import to_text
from lamina.learning.losses import losses_of
from lamina.learning.stream import Streaming
from lamina.learning.ways import Said
from lamina.network.engine import Answered
from lamina.predictions.answers import answer_frame, answers_for
from lamina.training.fitted import Fitted

PARTS = 20  # of a stream, whose scores are told one by one


@dataclass(frozen=True)
class Streamed:
    """What came of a stream.

    ``answers``: one row each, as ``Model.predict`` gives them. ``errors``: per row what the ``stream``, the
    same answer as the ``last`` known one (null where there is none) and the network that ``never`` learns
    made, in ``measure`` ("error": 1 for a wrong answer). ``alarms``: rows learnt when the network was found
    to err more than before.
    """

    answers: pl.DataFrame
    errors: pl.DataFrame
    measure: str
    alarms: tuple[int, ...]

    @property
    def scores(self) -> dict[str, float]:
        """The means over all rows: of wrong answers the accuracy."""
        return {each.name: self._score(each) for each in self.errors}

    def over_time(self, parts: int = PARTS) -> pl.DataFrame:
        """The same for consecutive parts of the stream, each with its first row."""
        size = max(1, -(-self.errors.height // parts))
        pieces = [(first, self.errors.slice(first, size)) for first in range(0, self.errors.height, size)]
        return pl.DataFrame([{"row": first, **self._scores_of(piece)} for first, piece in pieces])

    def _scores_of(self, errors: pl.DataFrame) -> dict[str, float]:
        return {each.name: self._score(each) for each in errors}

    def _score(self, errors: pl.Series) -> float:
        mean = errors.mean()
        value = float("nan") if mean is None else float(mean)  # type: ignore[arg-type]
        return 1.0 - value if self.measure == "error" else value

    def __str__(self) -> str:
        name = "accuracy" if self.measure == "error" else self.measure.replace("_", " ")
        lines = [f"{name} over {self.errors.height:,} rows, each answered before it was learnt"]
        lines.append(f"{'from row':>12}{'stream':>10}{'last':>10}{'never':>10}")
        shown = [*self.over_time(10).rows(), ("all", *self.scores.values())]
        for row, *values in shown:
            lines.append(f"{row:>12}" + "".join(f"{value:>10.4g}" for value in values))
        lines.append(f"alarms at rows: {', '.join(f'{each:,}' for each in self.alarms) or 'none'}")
        return "\n".join(lines)


def answered_then_learnt(
    streaming: Streaming,
    first: Fitted,
    frame: pl.DataFrame,
    last: pl.Series,
    *,
    delay: int,
    watch: Callable[[int], None] = lambda rows: None,
) -> Streamed:
    """Answers conformed rows with known answers in their order, and learns each ``delay`` rows later.

    ``first``: the network that never learns; ``last``: the last answer known before each row. The answers of
    the last rows are learnt at the end.
    """
    batch, before, told = streaming.settings.batch, len(streaming.alarms), list[np.ndarray]()
    rows, growths = streaming.encode(frame, last), streaming.growths
    errors, waiting = np.zeros(frame.height), deque[tuple[int, Said]]()  # said from this row on, not learnt
    for start in range(0, frame.height, batch):
        if streaming.growths != growths:
            rows, growths = streaming.encode(frame, last), streaming.growths
        now = rows.slice(start, batch)
        said = streaming.say(now.arrays, now.last)
        told.append(said.decoded)
        waiting.append((start, said))
        errors[start : start + batch] = losses_of(streaming.fitted.target, said.decoded, now.answers).error
        while waiting and waiting[0][0] + batch + delay <= start + len(now):
            first_row, said = waiting.popleft()
            streaming.learn(rows.slice(first_row, batch), said)
        watch(start + len(now))
    for start, said in waiting:
        part = slice(start, start + batch)
        streaming.learn(streaming.encode(frame[part], last[part]), said)
    never = losses_of(first.target, answers_for(first, frame), first.target.encode(frame))
    beside = {
        "stream": errors,
        "last": _last(frame[first.target.targets[0]], delay, codes=first.target.codes),
        "never": never.error,
    }
    return Streamed(
        _answers(streaming.fitted, told),
        pl.DataFrame(beside),
        never.measures[1],
        tuple(streaming.alarms[before:]),
    )


def _last(answers: pl.Series, delay: int, *, codes: bool) -> pl.Series:
    """How far the last known answer is off; null where there is none to compare."""
    before = answers.shift(delay + 1)
    if answers.dtype.is_numeric() and not codes:
        return (answers.cast(pl.Float64) - before.cast(pl.Float64)).abs()
    if answers.dtype.is_nested():
        return pl.repeat(None, len(answers), dtype=pl.Float64, eager=True)
    return (to_text(answers) != to_text(before)).cast(pl.Float64)


def _answers(fitted: Fitted, told: list[np.ndarray]) -> pl.DataFrame:
    """All answers in the user's words; a class that came later had the probability 0 before."""
    wide = max(each.shape[-1] for each in told)
    if told[0].ndim == 2:
        told = [np.pad(each, ((0, 0), (0, wide - each.shape[1]))) for each in told]
    decoded = np.concatenate(told)
    return answer_frame(
        fitted, Answered(decoded, np.zeros((len(decoded), 1), np.float32)), np.ones(len(decoded), bool)
    )
