"""How the next row of a stream is answered: by the network, by its average, and by the last answer."""

from __future__ import annotations

import copy
from typing import Final, NamedTuple

import numpy as np
import torch

from lamina.features.base import Arrays
from lamina.learning.pool import Pool, Repeats, logs_of
from lamina.network.engine import Answered
from lamina.training.fitted import Fitted

CALM: Final = 0.997  # of the average stays in every step: it is that of about three hundred


class Said(NamedTuple):
    """What is answered to some rows: ``decoded`` ``(rows, …)``, of the network alone ``own``, and, of
    classes, the logarithms of the probabilities of every way, ``(way, rows, class)``."""

    decoded: np.ndarray
    own: Answered
    logs: np.ndarray | None = None

    def of(self, rows: np.ndarray | slice) -> Said:
        """What was said of some of them, by a mask or a slice."""
        own = Answered(self.own.decoded[rows], self.own.spread[rows])
        return Said(self.decoded[rows], own, None if self.logs is None else self.logs[:, rows])


class Ways:
    """Of classes three ways, pooled by what they were worth; of other answers the network alone."""

    def __init__(self, fitted: Fitted) -> None:
        self.pooled = fitted.target.answer == "classes"
        self.calm = copy.deepcopy(fitted.network) if self.pooled else None
        self.pool = Pool(3)
        self.repeats = Repeats(fitted.target.width) if self.pooled else None

    def grown(self, fitted: Fitted) -> None:
        """The network has grown: its average begins anew."""
        if self.repeats is not None:
            self.calm = copy.deepcopy(fitted.network)
            self.repeats.grow(fitted.target.width)

    def say(self, fitted: Fitted, arrays: Arrays, last: np.ndarray) -> Said:
        """Answers for encoded rows; ``last`` are the codes of the last known answers before each of them."""
        own = fitted.engine.answered(arrays)
        if self.calm is None or self.repeats is None:
            return Said(own.decoded, own)
        ways = (own.decoded, self.calm.answered(arrays).decoded, self.repeats(last))
        logs = np.stack([logs_of(each) for each in ways])
        return Said(self.pool(logs), own, logs)

    def learn(self, said: Said, answers: np.ndarray, last: np.ndarray) -> None:
        """What came after it was said."""
        if said.logs is not None and self.repeats is not None and len(answers):
            if said.logs.shape[2] == len(self.repeats.counts):
                self.pool.learn(said.logs, answers)
            self.repeats.learn(last, answers)

    @torch.no_grad()
    def stepped(self, fitted: Fitted) -> None:
        """The network has learnt a step; its average follows."""
        if self.calm is None:
            return
        self.calm.train()  # what was computed from the weights is dropped
        mine, other = self.calm.state_dict(), fitted.network.state_dict()
        names = [name for name, each in mine.items() if each.is_floating_point()]
        names = [name for name in names if mine[name].dtype == torch.float32]
        torch._foreach_lerp_([mine[name] for name in names], [other[name] for name in names], 1 - CALM)
        self.calm.eval()
