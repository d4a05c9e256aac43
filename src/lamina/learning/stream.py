"""A network that learns encoded rows as they come: a few at a time, with bounded memory and time per row."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Final, NamedTuple

import msgspec
import numpy as np
import polars as pl
import torch

from lamina.errors import TrainingError
from lamina.features.base import Arrays
from lamina.features.targets.base import Target
from lamina.learning.alarm import BLOCK, Alarm
from lamina.learning.grow import grow
from lamina.learning.lately import Lately
from lamina.learning.losses import losses_of
from lamina.learning.ring import Ring
from lamina.learning.stream_settings import StreamSettings
from lamina.learning.ways import Said, Ways
from lamina.network.network import Network
from lamina.training.choose import choose_recipe
from lamina.training.examples import Examples
from lamina.training.fitted import Fitted
from lamina.training.loop import NotFiniteError, Training, train_step

AFTER_ALARM: Final = 5  # blocks of rows before an alarm that are of the new world, about
MOST_WAITING: Final = 1000  # rows of classes that are not known yet


class Encoded(NamedTuple):
    """Conformed rows, what the network reads of them, their answers, and the ``last`` ones known before each
    of them, codes, -1 where there are none."""

    frame: pl.DataFrame
    arrays: Arrays
    answers: np.ndarray
    last: np.ndarray

    def __len__(self) -> int:
        return len(self.answers)

    def of(self, rows: np.ndarray | slice) -> Encoded:
        """Some of them, by a mask or a slice."""
        frame = self.frame[rows] if isinstance(rows, slice) else self.frame.filter(pl.Series(rows))
        arrays = {name: each[rows] for name, each in self.arrays.items()}
        return Encoded(frame, arrays, self.answers[rows], self.last[rows])

    def slice(self, start: int, count: int) -> Encoded:
        """``count`` rows from ``start``, as far as there are any."""
        return self.of(slice(start, start + count))


class Streaming:
    """The network of a stream and what it needs to go on learning: optimizer, last rows, alarm.

    The network that comes in is left as it is. ``alarms`` are the numbers of the rows, counted from the first
    one learnt, at which an alarm was raised, ``growths`` how often room was made for something new.
    """

    def __init__(self, fitted: Fitted, settings: StreamSettings) -> None:
        self.settings = settings
        self.learnt = 0
        self.alarms: list[int] = []
        self.alarm = Alarm(settings.apart)
        self.ring = Ring(settings.memory)
        self.rng = np.random.default_rng((settings.seed, 2))
        self.growths, self._looked = 0, 0
        self._waiting: pl.DataFrame = pl.DataFrame()
        self._recent: list[pl.DataFrame] = []
        # Calibration, bounds and novelty were found for a network that is about to change
        own = copy.deepcopy(fitted.network)
        self.fitted = replace(fitted, engine=own, onnx=None, confidence=None, novelty=None)
        self.ways = Ways(self.fitted)
        by = fitted.settings.coverage_by
        self.lately = Lately(None if by in fitted.target.targets else by)
        self._start()

    def encode(self, frame: pl.DataFrame, last: pl.Series) -> Encoded:
        """Conformed rows with answers as the network reads them now; ``last`` are the last known ones."""
        target = self.fitted.target
        return Encoded(frame, self.fitted.features.transform(frame), target.encode(frame), self.codes(last))

    def codes(self, last: pl.Series) -> np.ndarray:
        """Of the last known answers."""
        if not self.ways.pooled:
            return np.full(len(last), -1)
        known = last.is_not_null().to_numpy()
        return np.where(known, self.fitted.target.read(last), -1)

    def say(self, arrays: Arrays, last: np.ndarray) -> Said:
        """Answers for encoded rows; nothing changes."""
        return self.ways.say(self.fitted, arrays, last)

    def learn(self, rows: Encoded, said: Said | None = None) -> None:
        """Learns rows in the order in which they came, in one step; ``said`` is what was answered to them
        (None: what would be now)."""
        self.learnt += len(rows)
        target = self.fitted.target
        if self.settings.grow_every:
            self._recent.append(rows.frame)
        said = self.say(rows.arrays, rows.last) if said is None else said
        if target.codes and (rows.answers < 0).any():
            known = rows.answers >= 0
            if self.settings.grow_every:
                self._waiting = pl.concat([self._waiting, rows.frame.filter(~known)], how="diagonal_relaxed")
            rows, said = rows.of(known), said.of(known)
        if len(rows):
            self.ways.learn(said, rows.answers, rows.last)
            own = wide(said.own.decoded, target)
            self.lately.add(said.own._replace(decoded=own), rows.answers, rows.frame)
            if self.alarm.see(losses_of(target, own, rows.answers).error):
                self.alarms.append(self.learnt)
                self.ring.forget(AFTER_ALARM * BLOCK)
            self._step(rows.arrays, rows.answers)
            self.ring.add(rows.arrays, rows.answers)
        self._grow_if_due()

    def _step(self, arrays: Arrays, came: np.ndarray) -> None:
        """One step on the new rows and some of the last ones."""
        again = round(self.settings.replay * len(came)) if len(self.ring) else 0
        if again:
            old, known = self.ring.draw(again, self.rng)
            arrays = {name: np.concatenate([each, old[name]]) for name, each in arrays.items()}
            came = np.concatenate([came, known])
        for optimizer in self._training.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = group["peak"] * self._pace()
        self.fitted.network.train()
        if self.fitted.network.additive is not None:  # it learns with the others here
            self.fitted.network.additive.eval()
        try:
            train_step(self._training, Examples.of(arrays, came))
        except NotFiniteError as error:
            raise TrainingError(
                f"The loss is not finite any more, at row {self.learnt:,} of the stream.",
                "Give a smaller `rate`, or look for extreme values in the target.",
            ) from error
        finally:
            self.fitted.network.eval()
        self.ways.stepped(self.fitted)

    def _pace(self) -> float:
        """How much faster than usual: right after an alarm ``boost`` times as fast."""
        if not self.alarms:
            return 1.0
        since = (self.learnt - self.alarms[-1]) / self.settings.fade
        return 1.0 + (self.settings.boost - 1.0) * max(0.0, 1.0 - since)

    def _grow_if_due(self) -> None:
        """Room for new classes and categories; then the rows that waited for it are learnt."""
        every = self.settings.grow_every
        if not every or self.learnt - self._looked < every:
            return
        self._looked = self.learnt
        waiting, self._waiting = self._waiting.tail(MOST_WAITING), pl.DataFrame()
        recent, self._recent = pl.concat(self._recent, how="diagonal_relaxed").tail(every), []
        grown, new = grow(
            self.fitted, pl.concat([waiting, recent], how="diagonal_relaxed").unique(maintain_order=True)
        )
        if new:
            self.fitted = grown
            self.growths += 1
            self._start()
            self.ways.grown(self.fitted)
            self.lately.clear()
        if not waiting.height:
            return
        rows = self.encode(waiting, pl.repeat(None, waiting.height, dtype=pl.String, eager=True))
        known = rows.answers >= 0
        self._waiting = waiting.filter(~known)
        for start in range(0, int(known.sum()), self.settings.batch):
            part = rows.of(known).slice(start, self.settings.batch)
            self._step(part.arrays, part.answers)
            self.ring.add(part.arrays, part.answers)

    def _start(self) -> None:
        """An optimizer for the network as it is now."""
        settings, network = self.settings, self.fitted.network
        _wake(network)
        recipe, _ = choose_recipe(
            self.fitted.features, self.fitted.target, settings.memory, self.fitted.settings
        )
        recipe = msgspec.structs.replace(
            recipe,
            rate=recipe.rate * settings.rate,
            convolution_rate=recipe.convolution_rate * settings.rate,
            average=0.0,
            seed=settings.seed,
        )
        nothing = Examples({}, torch.zeros(0))
        self._training = Training(network, nothing, torch.zeros(0, dtype=torch.int64), recipe)


def _wake(network: Network) -> None:
    """Everything in it may learn, the additive model beside it, too."""
    network.wake()
    if network.additive is not None:
        network.inputs.requires_grad_(True)
        network.additive.weight.requires_grad_(True)
        network.additive.bias.requires_grad_(True)


def wide(decoded: np.ndarray, target: Target) -> np.ndarray:
    """Answers that were given before there were as many classes; new ones had the probability 0."""
    lacking = target.width - decoded.shape[1] if target.codes and decoded.ndim == 2 else 0
    return np.pad(decoded, ((0, 0), (0, lacking))) if lacking > 0 else decoded
