"""The rows that decide between champion and candidate, and what both lose on them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Final, NamedTuple

import numpy as np
import polars as pl

from lamina.data.groups import grouping
from lamina.features.base import Arrays
from lamina.features.targets.base import Target
from lamina.learning.arrayed import Arrayed
from lamina.learning.compare import SMALL
from lamina.learning.exchanged import Exchanged
from lamina.learning.gate import Judged, Ranked, decide
from lamina.learning.honest import ENOUGH, with_confidence
from lamina.learning.losses import constant_losses, losses_of, widened
from lamina.learning.parts import Half, Parts
from lamina.learning.ranks import rank_losses
from lamina.learning.recalled import Recalled
from lamina.learning.records import LearnSettings, Verdict
from lamina.network.engine import Answered
from lamina.predictions.answers import calibrated, covered_by
from lamina.predictions.baseline import Baseline
from lamina.predictions.calibration import Calibrator
from lamina.predictions.confidence import CALIBRATED, Confidence
from lamina.predictions.evaluate import Rows as Evaluated
from lamina.training.fitted import Fitted

LEAST_MENDED: Final = 100  # new rows by which the champion's probabilities can be mended


class Rows(NamedTuple):
    """Conformed rows that neither network has learnt from, the newest first, as a candidate reads them, their
    true answers, and what the champion's network says of them, as it is (``raw``) and as it is told
    (``told``), with room for the classes that the candidate knows beside. ``today`` and ``recent``: how many
    came today, and since the champion."""

    frame: pl.DataFrame
    arrays: Arrayed
    answers: np.ndarray
    raw: np.ndarray
    told: np.ndarray
    today: int
    recent: int

    @classmethod
    def of(cls, champion: Recalled, grown: Fitted, half: Half) -> Rows:
        """Those of a half whose answer can be given at all."""
        target = grown.target
        known = answerable(target, half.frame)
        frame, ids = half.frame.filter(pl.Series(known)), np.array(half.ids, object)[known].tolist()
        answers, raw = target.encode(frame), champion.decoded(frame, ids)
        both = (raw, calibrated(champion.fitted, raw))
        raw, told = (widened(each, champion.fitted.target, target, answers) for each in both)
        today, recent = (int(known[:count].sum()) for count in (half.today, half.recent))
        return cls(frame, Arrayed(grown.features, frame), answers, raw, told, today, recent)

    def honest(self, relation: bool) -> int:
        """By how many of them probabilities are corrected: the recent ones and as many before them, where the
        ``relation`` changed the recent ones alone, if they are enough."""
        return max(ENOUGH, self.recent * (1 if relation else 2))


class Seen(NamedTuple):
    """A candidate with honest probabilities and bounds, and what it and the champion lose on new rows and on
    old ones; ``ranked``: how they tell rare classes, where there are any. ``said`` is what its network says
    of both halves, as it is."""

    fitted: Fitted
    new: Judged
    old: Judged
    ranked: Ranked | None = None
    said: tuple[Answered, ...] = ()


class Judges:
    """Two halves of the rows that neither network has learnt from, and how a candidate is judged on them.

    Its probabilities and bounds are made honest on the second half. It is judged on both, each with
    probabilities corrected on the other, so that no row judges what was found on it. New are the rows that
    came since the champion, old all that came before today. ``grown``: the champion with room for what is
    new, as candidates read rows; ``relation``: it changed.
    """

    def __init__(
        self, champion: Recalled, grown: Fitted, parts: Parts, settings: LearnSettings, *, relation: bool
    ) -> None:
        self.champion, self.target, self.settings, self.relation = (
            champion.fitted,
            grown.target,
            settings,
            relation,
        )
        self.halves = tuple(Rows.of(champion, grown, each) for each in (parts.first, parts.second))
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
    def honest(self) -> list[Arrays]:
        """The rows on which probabilities and bounds are made honest, as arrays, in parts."""
        second = self.halves[1]
        return list(second.arrays.first(min(second.honest(self.relation), second.frame.height)))

    def see(self, candidate: Fitted, *, corrected: bool, follow: bool = False) -> Seen:
        """What the gate needs to know of a candidate, its probabilities ``corrected`` anew, or as the
        champion's are; ``follow``: also whether a relation that changed is to be followed."""
        said = tuple(each.arrays.answered(candidate) for each in self.halves)
        own = other = self._honest(candidate, 1, said[1], corrected)
        if corrected:
            other = self._honest(candidate, 0, said[0], corrected, own.confidence)
        told = self._both([calibrated(own, said[0].decoded), calibrated(other, said[1].decoded)])
        raw = [each.decoded for each in said]
        new = self._new(told[0], raw, follow=follow, corrected=corrected)
        return Seen(own, new, self._old(told[1], follow), self._ranked(raw), said)

    def _honest(
        self, candidate: Fitted, half: int, said: Answered, corrected: bool, like: Confidence | None = None
    ) -> Fitted:
        some = slice(self.halves[half].honest(self.relation))
        told = Answered(said.decoded[some], said.spread[some])
        frame = self.halves[half].frame[some]
        return with_confidence(candidate, told, frame, corrected=corrected, like=like)

    def _both(self, parts: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Of something for each row of both halves that of new rows and that of old ones."""
        pairs = list(zip(parts, self.halves, strict=True))
        new, old = [p[: h.recent] for p, h in pairs], [p[h.today :] for p, h in pairs]
        return np.concatenate(new), np.concatenate(old)

    def verdict(self, seen: Seen, *, twice: bool, follow: bool = False) -> Verdict:
        """What the gate says of it; ``twice``: old rows may be asked about two steps; ``follow``: also
        whether a relation that changed is to be followed."""
        frame = pl.concat([self.new, self.old], how="diagonal_relaxed")
        groups = [grouping(frame, seen.fitted.schema[name]) for name in self.settings.by]
        return decide(
            seen.new, seen.old, self.settings, groups=groups, relation=follow, ranked=seen.ranked, twice=twice
        )

    def scores(self, seen: Seen) -> dict[str, dict[str, float]]:
        """Everybody's scores on the rows that decide, in the user's unit."""
        found = {}
        said = self._both([calibrated(seen.fitted, each.decoded) for each in seen.said])
        for where, told, own, answers in zip(("new", "old"), self.told, said, self.answers, strict=True):
            if len(answers):
                found[f"champion on {where}"] = self.target.judge(told, answers)
                found[f"candidate on {where}"] = self.target.judge(own, answers)
        return found

    def evaluated(self, seen: Seen, baseline: Baseline) -> Evaluated:
        """What the candidate and the linear model say of the new rows, and the true answers."""
        output, parts, linear = seen.fitted.network.output, [], []
        for rows, said in zip(self.halves, seen.said, strict=True):
            parts.append(Answered(said.decoded[: rows.recent], said.spread[: rows.recent]))
            for arrays in rows.arrays.first(rows.recent):
                linear.append(baseline.linear_answers(seen.fitted.features, arrays, output))
        by = covered_by(seen.fitted, self.new)
        return Evaluated(Answered.joined(parts), np.concatenate(linear), self.answers[0], by)

    @property
    def _more(self) -> bool:
        """Whether the candidate knows classes that the champion does not."""
        return bool(self.target.codes) and self.target.width > self.champion.target.width

    def _new(self, said: np.ndarray, raw: list[np.ndarray], *, follow: bool, corrected: bool) -> Judged:
        """A champion that does not know a class is taken to guess. Where the relation changed, a step with
        the champion's correction must win more than a correction alone would: both are judged with one."""
        answers = self.answers[0]
        before, after = (losses_of(self.target, each, answers) for each in (self.told[0], said))
        if self._more:
            unknown = answers >= self.champion.target.width
            before.loss[unknown] = np.minimum(before.loss[unknown], np.log(self.target.width))
        fair = None
        if self.relation and self._mended is not None and (follow or not corrected):
            fair = (self._mended, after.loss if corrected else self._mended_losses(raw))
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

    def _ranked(self, said: Sequence[np.ndarray]) -> Ranked | None:
        """How rare classes are told on new rows, and on all of them; None where the candidate knows more."""
        if self.target.answer not in CALIBRATED or self._more:
            return None
        raw, answers = [each.raw for each in self.halves], [each.answers for each in self.halves]
        new = [rank_losses(self._both(each)[0], self.answers[0]) for each in (raw, said)]
        every = [rank_losses(np.concatenate(each), np.concatenate(answers)) for each in (raw, said)]
        return Ranked((new[0], new[1]), (every[0], every[1])) if len(every[0]) else None

    @cached_property
    def _mended(self) -> np.ndarray | None:
        """What the champion loses on new rows once its probabilities are mended on new rows, too: what is
        lost beyond that is lost to another relation. None without probabilities or rows enough."""
        if self.target.answer not in CALIBRATED or min(each.recent for each in self.halves) < LEAST_MENDED:
            return None
        return self._mended_losses([each.raw for each in self.halves])

    def _mended_losses(self, raw: Sequence[np.ndarray]) -> np.ndarray:
        """What is lost on new rows with the probabilities of each half, ``raw`` as a network says them,
        mended on the new rows of the other."""
        told = []
        for own, other, rows in zip(raw, raw[::-1], self.halves[::-1], strict=True):
            told.append(mended(other[: rows.recent], rows.answers[: rows.recent], own))
        return losses_of(self.target, self._both(told)[0], self.answers[0]).loss

    def _blind(self, answers: np.ndarray) -> tuple[float, float]:
        """What one answer for all rows loses."""
        if not len(answers):
            return 0.0, 0.0
        blind = constant_losses(self.target, self.target.constant(answers), answers)
        return float(blind.loss.mean()), float(blind.error.mean())


def answerable(target: Target, frame: pl.DataFrame) -> np.ndarray:
    """The rows whose answer can be given at all, bool ``(rows,)``."""
    if not target.codes or not frame.height:
        return np.ones(frame.height, bool)
    found: np.ndarray = target.encode(frame) >= 0
    return found


def mended(told: np.ndarray, answers: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Probabilities of ``others``, corrected as those ``told`` should have been for these answers, and for as
    many of the answers as seem to be exchanged at random."""
    calibrator = Calibrator.by("linear" if told.shape[1] == 2 else "temperature", told, answers)
    exchanged = Exchanged.found(calibrator(told), answers)
    return exchanged(calibrator(others))
