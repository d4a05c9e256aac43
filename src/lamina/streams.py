"""The third door: a stream, whose rows are answered first and learnt when their answers are known."""

from __future__ import annotations

from typing import Any

import polars as pl

from lamina.data.conform import conform
from lamina.data.frames import like
from lamina.data.parse import to_text
from lamina.data.read import read
from lamina.data.table import Table
from lamina.errors import TargetError, UsageError, nearest
from lamina.learning.lags import lag_columns, lag_columns_of, with_lags
from lamina.learning.stream import Streaming, StreamSettings
from lamina.learning.tested import Streamed, test_then_learn
from lamina.model import Model, fit, warn_of
from lamina.predictions.predict import predict
from lamina.progress import Bar
from lamina.records import Schema

class Stream:
    """A network that answers rows and learns them, in the order in which they come.

    ``delay``: how many rows later an answer is known, 0 for before the next row comes. Every further setting is
    one of ``lamina.learning.stream.StreamSettings``: batch=32, memory=1000, replay=3.0, rate=0.3, seed=0, …
    ``model`` itself does not change; ``stream.model`` is the network as it is now.

    A network from ``lamina.Stream.start(rows, target, lags=…)`` also reads the last known answers.

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
        self.lags = lag_columns_of(model.schema, self.target)
        if not 0 <= delay < min(self.lags.values(), default=delay + 1):
            raise UsageError(
                f"delay={delay!r} cannot be: it is below 0, or this network reads answers that are not known yet.",
                "Give the delay with which its stream was started.",
                delay=delay,
            )
        self.streaming = Streaming(model.fitted, _settings(settings))
        self._past = pl.Series(self.target, [], dtype=pl.String)

    @classmethod
    def start(
        cls,
        data: Any,
        target: str,
        *,
        lags: int = 0,
        delay: int = 0,
        fit_with: dict[str, Any] | None = None,
        **settings: Any,
    ) -> Stream:
        """Fits a network on the first rows of a stream and goes on from there.

        ``lags``: how many of the last answers, known ``delay`` rows late, it reads beside the row's own columns;
        ``fit_with``: what ``lamina.fit`` is to be told (quality="fast", kinds={…}, …).
        """
        table = read(data, part="train")
        if target not in table.columns:
            raise TargetError(f"There is no column {target!r} in {table.source}.", "Name the target.")
        columns = lag_columns(target, lags, delay)
        frame = with_lags(table.frame, columns, table.frame[target])
        stream = cls(fit(frame, target, **(fit_with or {})), delay=delay, **settings)
        stream._remember(frame[target])
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
        past = self._past
        steps = {name: back - self.delay for name, back in self.lags.items()}
        lags = {name: past[-step] if step <= len(past) else None for name, step in steps.items()}
        frame = table.frame.with_columns(pl.lit(v, dtype=pl.String).alias(name) for name, v in lags.items())
        conformed, findings = conform(Table(frame, table.source), self._schema, need_target=False)
        answers, unreadable = predict(self.streaming.fitted, conformed, probabilities=probabilities)
        warn_of((*table.findings, *findings, *unreadable))
        return like(answers, data)

    def learn(self, data: Any) -> None:
        """Learns rows with known answers, the next ones of the stream in their order."""
        self.streaming.learn(self._with_answers(data))

    def run(self, data: Any) -> Streamed:
        """Answers the rows of ``data`` in their order, ``batch`` of them at a time, and learns each of them
        ``delay`` rows later; the answers and how good they were, beside the same answer as the last known one
        and the network as it was when the stream was made."""
        frame = self._with_answers(data)
        with Bar("streaming", frame.height) as bar:
            return test_then_learn(self.streaming, self._model.fitted, frame, self.delay, bar.at)

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
        answers = pl.concat([self._past, to_text(table.frame[self.target])])
        frame = with_lags(table.frame, self.lags, answers)
        conformed, findings = conform(Table(frame, table.source), self._schema, need_target=True)
        warn_of((*table.findings, *findings))
        self._remember(answers)
        return conformed

    def _remember(self, answers: pl.Series) -> None:
        """As many of the last answers as are read."""
        self._past = to_text(answers).tail(max(self.lags.values(), default=0))

    def __repr__(self) -> str:
        return f"Stream({self.target!r}, {self.streaming.learnt:,} rows learnt)"


def _settings(given: dict[str, Any]) -> StreamSettings:
    """Raises UsageError for a name that is none."""
    names = StreamSettings.__struct_fields__
    for name in given:
        if name not in names:
            raise UsageError(f"A stream has no setting {name!r}.", nearest(name, names))
    return StreamSettings(**given)
