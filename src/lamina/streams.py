"""The third door: a stream, whose rows are answered first and learnt when their answers are known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from lamina.data.conform import conform
from lamina.data.frames import like
from lamina.data.read import read
from lamina.data.table import Table
from lamina.errors import TargetError, UsageError, nearest
from lamina.learning.lags import Lag, lags_for, lags_of, past_of, with_lags
from lamina.learning.stream import Streaming
from lamina.learning.stream_settings import StreamSettings
from lamina.learning.tested import Streamed, answered_then_learnt
from lamina.model import Model, as_task, fit, warn_of
from lamina.predictions.predict import predict
from lamina.progress import Bar
from lamina.records import Schema
from lamina.tasks import Task


class Stream:
    """A network that answers rows and learns them, in the order in which they come.

    ``delay``: how many rows later an answer is known, 0 for before the next row comes. Every further setting
    is one of ``lamina.learning.stream_settings.StreamSettings``: batch=8, memory=1000, rate=0.3, …
    ``model`` itself does not change; ``stream.model`` is the network as it is now.

    A network from ``lamina.Stream.start(rows, target, lags=…)`` also reads the last known answers, or other
    columns of the last rows.

    Raises UsageError for settings that cannot be, and for a network that reads answers sooner than
    ``delay`` lets them be known.
    """

    def __init__(self, model: Model, *, delay: int = 0, **settings: Any) -> None:
        if len(model.fitted.target.targets) != 1:
            raise UsageError(
                "A stream learns one target, and this network has several.", "Fit one network each."
            )
        self.delay = delay
        self._model = model
        self.target = model.fitted.target.targets[0]
        self.lags = lags_of(model.schema)
        if not 0 <= delay < min((lag.back for lag in self.lags), default=delay + 1):
            raise UsageError(
                f"delay={delay!r} cannot be: it is below 0, or the network reads rows not known yet.",
                "Give the delay with which its stream was started.",
                delay=delay,
            )
        self.streaming = Streaming(model.fitted, _settings(settings))
        self._past = pl.DataFrame()

    @classmethod
    def start(
        cls,
        data: Any,
        target: str | Task,
        *,
        lags: int | Mapping[str, int] = 0,
        delay: int = 0,
        fit_with: dict[str, Any] | None = None,
        **settings: Any,
    ) -> Stream:
        """Fits a network on the first rows of a stream and goes on from there.

        ``lags``: how many of the last answers, known ``delay`` rows late, the network reads beside the row's
        own columns; or of which columns so many values, the target among them: {"class": 4, "price": 1}.
        ``fit_with``: what ``lamina.fit`` is to be told (quality="fast", kinds={…}, …).
        """
        table = read(data, part="train")
        task = as_task(target, table)
        answer = task.target if isinstance(task.target, str) else task.target[0]
        counts = {answer: lags} if isinstance(lags, int) else dict(lags)
        for name in (answer, *counts):
            if name not in table.columns:
                raise TargetError(
                    f"There is no column {name!r} in {table.source}.",
                    nearest(name, table.columns),
                    column=name,
                )
        found = lags_for(counts, delay)
        frame = with_lags(table.frame, found, past_of(table.frame.clear(), found))
        stream = cls(fit(frame, task, **(fit_with or {})), delay=delay, **settings)
        stream._remember(frame)
        return stream

    @property
    def model(self) -> Model:
        """The network as it is now; calibration, bounds and novelty are none, as they were found for another
        one. Its scores are those of its first training."""
        return Model(self.streaming.fitted, self._model.baseline, self._model.validation)

    def predict(self, data: Any, *, probabilities: bool | None = None) -> Any:
        """Answers for rows, as ``Model.predict``; nothing is learnt. All of them are answered by the answers
        known now, as if each were the next row."""
        table = read(data, part="all")
        frame = table.frame.with_columns(
            pl.lit(self._before(lag), dtype=pl.String).alias(lag.name) for lag in self.lags
        )
        conformed, findings = conform(Table(frame, table.source), self._schema, need_target=False)
        answers, unreadable = predict(self.streaming.fitted, conformed, probabilities=probabilities)
        warn_of((*table.findings, *findings, *unreadable))
        return like(answers, data)

    def learn(self, data: Any) -> None:
        """Learns rows with known answers, the next ones of the stream in their order."""
        frame, batch = self._with_answers(data), self.streaming.settings.batch
        for start in range(0, frame.height, batch):
            self.streaming.learn(self.streaming.encode(frame.slice(start, batch)))

    def run(self, data: Any) -> Streamed:
        """Answers the rows of ``data`` in their order, ``batch`` of them at a time, and learns each of them
        ``delay`` rows later; the answers and how good they were, beside the same answer as the last known one
        and the network as it was when the stream was made."""
        frame = self._with_answers(data)
        with Bar("streaming", frame.height) as bar:
            return answered_then_learnt(self.streaming, self._model.fitted, frame, self.delay, bar.at)

    @property
    def _schema(self) -> Schema:
        return self.streaming.fitted.schema

    def _with_answers(self, data: Any) -> pl.DataFrame:
        """The next rows of the stream, conformed; their answers are remembered."""
        table = read(data, part="all")
        if self.target not in table.columns:
            raise TargetError(
                f"{table.source} has no column {self.target!r}: there is nothing to learn.",
                "Bring rows whose answers are known.",
                column=self.target,
            )
        frame = with_lags(table.frame, self.lags, self._past)
        conformed, findings = conform(Table(frame, table.source), self._schema, need_target=True)
        warn_of((*table.findings, *findings))
        self._remember(frame)
        return conformed

    def _remember(self, frame: pl.DataFrame) -> None:
        """As many of the last rows as later ones read."""
        past = pl.concat([self._past, past_of(frame, self.lags)], how="diagonal")
        self._past = past.tail(max((lag.back for lag in self.lags), default=0))

    def _before(self, lag: Lag) -> str | None:
        """What the next row to be answered reads: of the rows before it, ``delay`` are not learnt yet."""
        back = lag.back - self.delay
        return self._past[lag.column][-back] if back <= self._past.height else None

    def __repr__(self) -> str:
        return f"Stream({self.target!r}, {self.streaming.learnt:,} rows learnt)"


def _settings(given: dict[str, Any]) -> StreamSettings:
    """Raises UsageError for a name that is none."""
    names = StreamSettings.__struct_fields__
    for name in given:
        if name not in names:
            raise UsageError(f"A stream has no setting {name!r}.", nearest(name, names))
    return StreamSettings(**given)
