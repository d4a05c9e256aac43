"""The rows that decide between champion and candidate, and what both lose on them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Final, NamedTuple

import msgspec
import numpy as np
import polars as pl

from lamina.data.groups import grouping
from lamina.features.targets.base import Target
from lamina.learning.exchanged import Exchanged
from lamina.learning.gate import SMALL, Judged, decide
from lamina.learning.honest import ENOUGH, with_confidence
from lamina.learning.losses import constant_losses, losses_of, widened
from lamina.learning.parts import Half, Parts
from lamina.learning.records import LearnSettings, Verdict
from lamina.network.engine import Answered
from lamina.predictions.answers import calibrated, encoded
from lamina.predictions.calibration import Calibrator
from lamina.predictions.confidence import CALIBRATED, Confidence
from lamina.training.fitted import Fitted

LEAST_MENDED: Final = 100  # new rows by which the champion's probabilities can be mended


class Rows(NamedTuple):
    """Conformed rows that neither network has learnt from, the newest first, their true answers, and what the
    champion's network says of them as it is (``raw``) and as it is told (``told``), with room for the classes
    that the candidate knows beside. ``today`` and ``recent``: how many came today, and since the champion."""

    frame: pl.DataFrame
    answers: np.ndarray
    raw: np.ndarray
    told: np.ndarray
    today: int
    recent: int

    @classmethod
    def of(cls, champion: Fitted, target: Target, half: Half) -> Rows:
        frame = known(target, half.frame)
        answers, raw = target.encode(frame), said_by(champion, frame).decoded
        raw, told = (
            widened(each, champion.target, target, answers) for each in (raw, calibrated(champion, raw))
        )
        today, recent = (known(target, half.frame[:count]).height for count in (half.today, half.recent))
        return cls(frame, answers, raw, told, today, recent)

    def honest(self, relation: bool) -> slice:
        """By which of them probabilities are corrected: the recent ones and as many before them, where the
        ``relation`` changed the recent ones alone, if they are enough."""
        return slice(max(ENOUGH, self.recent * (1 if relation else 2)))


class Seen(NamedTuple):
    """A candidate with honest probabilities and bounds, and what it and the champion lose on new rows and on
    old ones."""

    fitted: Fitted
    new: Judged
    old: Judged


class Judges:
    """Two halves of the rows that neither network has learnt from, and how a candidate is judged on them.

    Its probabilities and bounds are made honest on the second half. It is judged on both, each with
    probabilities corrected on the other, so that no row judges what was found on it. New are the rows that
    came since the champion, old all that came before today. ``relation``: it changed.
    """

    def __init__(
        self, champion: Fitted, target: Target, parts: Parts, settings: LearnSettings, *, relation: bool
    ) -> None:
        self.champion, self.target, self.settings, self.relation = champion, target, settings, relation
        self.halves = tuple(Rows.of(champion, target, each) for each in (parts.first, parts.second))
        self.answers = self._both([each.answers for each in self.halves])
        self.told = self._both([each.told for each in self.halves])

    @property
    def new(self) -> pl.DataFrame:
        """The new rows that judge."""
        return pl.concat([each.frame[: each.recent] for each in self.halves], how="diagonal_relaxed")

    @property
    def old(self) -> pl.DataFrame:
        """The old rows that judge."""
        return pl.concat([each.frame[each.today :] for each in self.halves], how="diagonal_relaxed")

    @property
    def honest(self) -> pl.DataFrame:
        """The rows on which probabilities and bounds are made honest."""
        second = self.halves[1]
        return second.frame[second.honest(self.relation)]

    def see(self, candidate: Fitted, *, corrected: bool, follow: bool = False) -> Seen:
        """What the gate needs to know of a candidate, its probabilities ``corrected`` anew, or as the
        champion's are; ``follow``: also whether a relation that changed is to be followed."""
        said = [said_by(candidate, each.frame) for each in self.halves]
        own = self._honest(candidate, 1, said[1], corrected)
        other = self._honest(candidate, 0, said[0], corrected, own.confidence)
        told = self._both([calibrated(own, said[0].decoded), calibrated(other, said[1].decoded)])
        return Seen(own, self._new(told[0], follow), self._old(told[1], follow))

    def _honest(
        self, candidate: Fitted, half: int, said: Answered, corrected: bool, like: Confidence | None = None
    ) -> Fitted:
        some = self.halves[half].honest(self.relation)
        told = Answered(said.decoded[some], said.spread[some])
        frame = self.halves[half].frame[some]
        return with_confidence(candidate, told, frame, corrected=corrected, like=like)

    def _both(self, parts: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Of something for each row of both halves that of new rows and that of old ones."""
        pairs = list(zip(parts, self.halves, strict=True))
        new, old = [p[: h.recent] for p, h in pairs], [p[h.today :] for p, h in pairs]
        return np.concatenate(new), np.concatenate(old)

    def verdict(self, seen: Seen, *, level: float, follow: bool = False) -> Verdict:
        """What the gate says of it, by tests at this level; ``follow``: also whether a relation that changed
        is to be followed."""
        frame = pl.concat([self.new, self.old], how="diagonal_relaxed")
        groups = [grouping(frame, seen.fitted.schema[name]) for name in self.settings.by]
        settings = msgspec.structs.replace(self.settings, level=level)
        return decide(seen.new, seen.old, settings, groups=groups, relation=follow)

    def scores(self, candidate: Fitted) -> dict[str, dict[str, float]]:
        """Everybody's scores on the rows that decide, in the user's unit."""
        found = {}
        pairs = zip(("new", "old"), (self.new, self.old), self.told, self.answers, strict=True)
        for where, frame, told, answers in pairs:
            if len(answers):
                said = calibrated(candidate, said_by(candidate, frame).decoded)
                found[f"champion on {where}"] = self.target.judge(told, answers)
                found[f"candidate on {where}"] = self.target.judge(said, answers)
        return found

    @property
    def _more(self) -> bool:
        """Whether the candidate knows classes that the champion does not."""
        return bool(self.target.codes) and self.target.width > self.champion.target.width

    def _new(self, said: np.ndarray, follow: bool) -> Judged:
        """A champion that does not know a class is taken to guess."""
        answers = self.answers[0]
        before, after = (losses_of(self.target, each, answers) for each in (self.told[0], said))
        if self._more:
            unknown = answers >= self.champion.target.width
            before.loss[unknown] = np.minimum(before.loss[unknown], np.log(self.target.width))
        fair = (self._mended, after.loss) if follow and self._mended is not None else None
        return Judged(before, after, self._blind(answers), fair=fair)

    def _old(self, said: np.ndarray, follow: bool) -> Judged:
        """A candidate with new classes is asked twice: whether it still tells the old classes apart, and how
        many rows it takes for a new one. What that may cost is measured by what knowing nothing loses:
        without the candidate every row of a new class is answered wrong."""
        answers, small, taken = self.answers[1], SMALL, None
        before, fair = losses_of(self.target, self.told[1], answers), None
        if self._more and len(answers):
            small, taken = 1.0, float((said.argmax(1) >= self.champion.target.width).mean())
            said = said * (np.arange(self.target.width) < self.champion.target.width)
            said = said / np.maximum(said.sum(1, keepdims=True), 1e-12)
        if follow and self._mended is not None:
            fair = (before.loss, losses_of(self.target, mended(said, answers, said), answers).loss)
        after = losses_of(self.target, said, answers)
        return Judged(before, after, self._blind(answers), small, taken, fair)

    @cached_property
    def _mended(self) -> np.ndarray | None:
        """What the champion loses on new rows once its probabilities are mended on new rows, too: what is
        lost beyond that is lost to another relation. None without probabilities or rows enough."""
        if self.target.answer not in CALIBRATED or min(each.recent for each in self.halves) < LEAST_MENDED:
            return None
        told = []
        for rows, other in zip(self.halves, self.halves[::-1], strict=True):
            told.append(mended(other.raw[: other.recent], other.answers[: other.recent], rows.raw))
        return losses_of(self.target, self._both(told)[0], self.answers[0]).loss

    def _blind(self, answers: np.ndarray) -> tuple[float, float]:
        """What one answer for all rows loses."""
        if not len(answers):
            return 0.0, 0.0
        blind = constant_losses(self.target, self.target.constant(answers), answers)
        return float(blind.loss.mean()), float(blind.error.mean())


def known(target: Target, frame: pl.DataFrame) -> pl.DataFrame:
    """The rows whose answer can be given at all."""
    if not target.codes or not frame.height:
        return frame
    return frame.filter(pl.Series(target.encode(frame) >= 0))


def mended(told: np.ndarray, answers: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Probabilities of ``others``, corrected as those ``told`` should have been for these answers, and for as
    many of the answers as seem to be exchanged at random."""
    calibrator = Calibrator.by("linear" if told.shape[1] == 2 else "temperature", told, answers)
    exchanged = Exchanged.found(calibrator(told), answers)
    return exchanged(calibrator(others))


def said_by(fitted: Fitted, frame: pl.DataFrame) -> Answered:
    """What its network says of conformed rows, as it is."""
    return Answered.joined(fitted.engine.answered(each) for each, _ in encoded(fitted.features, frame))
