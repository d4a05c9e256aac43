"""The third door: a stream, whose rows are answered first and learnt when their answers are known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from lamina.data.conform import conform
from lamina.data.frames import like
from lamina.data.read import read
from lamina.data.table import Table
from lamina.errors import TargetError, UsageError, nearest
from lamina.learning.lags import Lag, lags_for, lags_of, past_of, with_lags
from lamina.learning.memory import Memory
from lamina.learning.records import LearnSettings, UpdateReport, Verdict
from lamina.learning.stream import Streaming
from lamina.learning.stream_settings import StreamSettings
from lamina.learning.tested import Streamed, answered_then_learnt
from lamina.learning.trained import Trained
from lamina.learning.update import Update
from lamina.model import Model, fit
from lamina.predictions.answers import answer_frame, encoded
from lamina.predictions.predict import answer_rows
from lamina.progress import Bar
from lamina.records import Schema
from lamina.tasks import Task, as_task
from lamina.training.precision import Machine, choose_device, computing
from lamina.warned import warn_of


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
        self._answers = pl.Series(self.target, [], dtype=pl.Null)

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
        task = as_task(target, table.columns, table.label)
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
        rows = Table(frame.tail(delay + 1), table.source)
        stream._remember(frame, conform(rows, stream._schema, need_target=True)[0])
        return stream

    @property
    def model(self) -> Model:
        """The network as it is now, without the last answers that the stream also goes by. Its probabilities
        and bounds are made honest on what it said of the last thousand rows before it learnt them, once there
        are 400; it has no novelty. Its scores are those of its first training."""
        fitted = self.streaming.lately.honest(self.streaming.fitted)
        return Model(fitted, self._model.baseline, self._model.validation)

    def predict(self, data: Any, *, probabilities: bool | None = None) -> Any:
        """Answers for rows, as ``Model.predict``; nothing is learnt. All of them are answered by the answers
        known now, as if each were the next row."""
        table = read(data, part="all")
        frame = table.frame.with_columns(
            pl.lit(self._before(lag), dtype=pl.String).alias(lag.name) for lag in self.lags
        )
        conformed, findings = conform(Table(frame, table.source), self._schema, need_target=False)
        fitted, streaming = self.streaming.fitted, self.streaming
        raw, known, unreadable = answer_rows(fitted, conformed)
        last = self._answers[:1] if len(self._answers) > self.delay else self._answers[:0]
        codes = np.full(len(known), next(iter(streaming.codes(last)), -1))
        told = [
            streaming.say(arrays, codes[done - len(next(iter(arrays.values()))) : done]).decoded
            for arrays, done in encoded(fitted.features, conformed)
        ]
        raw = raw._replace(decoded=np.concatenate(told))
        answers = answer_frame(fitted, raw, known, probabilities=probabilities)
        warn_of((*table.findings, *findings, *unreadable))
        return like(answers, data)

    def learn(self, data: Any) -> None:
        """Learns rows with known answers, the next ones of the stream in their order."""
        frame, last = self._with_answers(data)
        batch = self.streaming.settings.batch
        for start in range(0, frame.height, batch):
            part = slice(start, start + batch)
            self.streaming.learn(self.streaming.encode(frame[part], last[part]))

    def run(self, data: Any) -> Streamed:
        """Answers the rows of ``data`` in their order, ``batch`` of them at a time, and learns each of them
        ``delay`` rows later; the answers and how good they were, beside the same answer as the last known one
        and the network as it was when the stream was made."""
        frame, last = self._with_answers(data)
        with Bar("streaming", frame.height) as bar:
            return answered_then_learnt(
                self.streaming, self._model.fitted, frame, last, delay=self.delay, watch=bar.at
            )

    @property
    def _schema(self) -> Schema:
        return self.streaming.fitted.schema

    def _with_answers(self, data: Any) -> tuple[pl.DataFrame, pl.Series]:
        """The next rows of the stream, conformed, and the last answer known before each of them; their
        answers are remembered."""
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
        answers = conformed[self.target]
        before = pl.concat([self._answers.cast(answers.dtype), answers])
        last = before.shift(self.delay + 1).slice(len(self._answers), len(answers))
        self._remember(frame, conformed)
        return conformed, last

    def _remember(self, frame: pl.DataFrame, conformed: pl.DataFrame) -> None:
        """As many of the last rows as later ones read, and of the last answers."""
        answers = conformed[self.target]
        before = self._answers.cast(answers.dtype)
        self._answers = pl.concat([before, answers]).tail(self.delay + 1)
        past = pl.concat([self._past, past_of(frame, self.lags)], how="diagonal")
        self._past = past.tail(max((lag.back for lag in self.lags), default=0))

    def _before(self, lag: Lag) -> str | None:
        """What the next row to be answered reads: of the rows before it, ``delay`` are not learnt yet."""
        back = lag.back - self.delay
        return self._past[lag.column][-back] if back <= self._past.height else None

    def __repr__(self) -> str:
        return f"Stream({self.target!r}, {self.streaming.learnt:,} rows learnt)"


def learnt_as_stream(
    champion: Trained, table: Table, memory: Memory, settings: LearnSettings, machine: Machine
) -> Update:
    """What a store does with rows that it learns as a stream: no gate, so that the network at the end waits;
    the memory stays as it is."""
    stream = Stream(Model(*champion), seed=settings.seed)
    with computing("fp32", choose_device(machine), machine.threads):
        found = stream.run(table)
    score, never = found.scores["stream"], found.scores["never"]
    measure = "accuracy" if found.measure == "error" else found.measure
    verdict = Verdict(
        outcome="kept",
        why=f"learnt as a stream, which proves nothing: the {measure} is {score:.4g}, each row answered "
        f"before it was learnt, and {never:.4g} without learning",
        advice="`lamina rollback STORE --to candidate` lets the network as it is now take over.",
    )
    rows = {"came": len(table), "learnt": found.answers.height}
    scores = {"champion on new": {measure: never}, "candidate on new": {measure: score}}
    report = UpdateReport(verdict=verdict, rows=rows, scores=scores, how="as a stream")
    model = stream.model
    return Update(report, Trained(model.fitted, model.baseline, model.validation), memory)


def seed_alone(given: dict[str, Any]) -> dict[str, Any]:
    """The settings of learning that a stream has: of its gate it has none. Raises UsageError for others."""
    for name, value in given.items():
        if name != "seed" and value:
            raise UsageError(
                f"A stream that a store learns has no setting {name!r}.",
                "Leave it away, or learn without stream: then a gate decides.",
            )
    return {name: value for name, value in given.items() if name == "seed"}


def _settings(given: dict[str, Any]) -> StreamSettings:
    """Raises UsageError for a name that is none."""
    names = StreamSettings.__struct_fields__
    for name in given:
        if name not in names:
            raise UsageError(f"A stream has no setting {name!r}.", nearest(name, names))
    return StreamSettings(**given)
