"""One update: new rows are checked, compared, made room for, learnt, and judged, in this order."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np
import polars as pl

from lamina.data.groups import grouping
from lamina.data.table import Table
from lamina.learning.baseline import renewed_baseline
from lamina.learning.candidate import learn, lesson
from lamina.learning.check import Checked, check
from lamina.learning.drift import drift
from lamina.learning.gate import SMALL, Judged, contradicted, decide
from lamina.learning.grow import grow
from lamina.learning.honest import ENOUGH, with_honesty
from lamina.learning.losses import constant_losses, losses_of, row_losses_for, widened
from lamina.learning.memory import ID, PART, UPDATE, Memory, bare
from lamina.learning.parts import Parts, held_back, parted
from lamina.learning.plan import plan_for
from lamina.learning.records import Drift, LearnSettings, UpdateReport, Verdict
from lamina.learning.replay import kept
from lamina.learning.trained import Trained
from lamina.predictions.answers import answers_for
from lamina.predictions.evaluate import answered_rows, judge
from lamina.records import Field, Schema
from lamina.training.fitted import Fitted
from lamina.training.loop import Training
from lamina.training.precision import Machine

Watch = Callable[[str, Training | None], None]


class Update(NamedTuple):
    """What came of it: the report, the candidate where one was trained (it is the champion now if the
    verdict says "promoted"), and the memory for the next update."""

    report: UpdateReport
    candidate: Trained | None
    memory: Memory


def update(
    champion: Trained,
    table: Table,
    memory: Memory,
    settings: LearnSettings | None = None,
    *,
    machine: Machine | None = None,
    when: datetime | None = None,
    watch: Watch = lambda step, training: None,
) -> Update:
    """Learns the rows of ``table`` and proves whether that made the network better.

    Nothing that comes in is changed. ``when`` is the time that the memory notes (default now, UTC);
    ``watch(step, training)`` is called when a step begins, and after every step of the training. The same
    champion, rows, memory, settings and machine give the same result. Raises what training raises; rows that
    are unfit to learn from are refused, not raised.
    """
    settings, machine = settings or LearnSettings(), machine or Machine()
    when = when or datetime.now(UTC).replace(tzinfo=None)
    run = _Run(champion, settings, machine, watch)
    memory = memory.without_old(when)
    with run.step("check"):
        checked = check(champion.fitted, table, memory, settings)
    run.counted(checked)
    stopped = _stopped(checked)
    if stopped is not None:
        return Update(run.report(checked, stopped), None, memory)
    with run.step("drift"):
        moved = drift(champion.fitted, checked.frame, memory, settings, since=champion.update)
    number = max(memory.updates, champion.update) + 1
    ids = pl.Series(checked.ids, dtype=pl.String)
    back = held_back(ids, _groups(champion.fitted, checked.frame), settings.judge)
    run.today = int((~back).sum())
    parts = parted(checked.frame, ids, back, memory, champion.update)
    candidate, verdict = _learnt_and_judged(run, parts, checked.fields, moved, number)
    with run.step("remember"):
        schema = Schema((*champion.fitted.schema, *checked.fields))
        losses = row_losses_for(champion.fitted, checked.frame).loss
        keep = np.full(checked.frame.height, not contradicted(verdict)) | back
        if verdict.followed:
            memory = _agreeing(memory, champion, candidate.fitted)
        memory = memory.with_rows(
            checked.frame.filter(pl.Series(keep)),
            schema,
            judge=back[keep],
            losses=losses[keep],
            when=when,
            update=number,
        )
        memory = kept(memory, _target(champion.fitted))
    return Update(run.report(checked, verdict, moved), candidate, memory)


def _learnt_and_judged(
    run: _Run, parts: Parts, fields: tuple[Field, ...], moved: tuple[Drift, ...], number: int
) -> tuple[Trained, Verdict]:
    """The middle of an update: grow, learn, judge."""
    champion, settings = run.champion, run.settings
    with run.step("grow"):
        grown, run.grown = grow(champion.fitted, parts.new, fields)
    with run.step("learn"):
        what = lesson(grown, parts.new, parts.old, run.machine, today=run.today)
        share = what.new / max(what.new + what.stands.sum(), 1.0)
        plan = plan_for(moved, run.grown, settings, share=float(share))
        run.how = plan.why
        run.rows |= {"learnt": what.new, "remembered": len(what) - what.new}
        fitted = learn(grown, what, plan, run.machine, lambda now: run.watch("learn", now))
        honest = _known(fitted, parts.honest).head(max(ENOUGH, parts.gate_new.height))
        fitted = with_honesty(fitted, honest, what)
        fitted = replace(fitted, rows={**fitted.rows, "train": len(what), "update": number})
        baseline = renewed_baseline(champion, fitted, what, settings.seed)
    with run.step("judge"):
        relation = any(each.what == "relation" and each.moved for each in moved)
        new = _judged(champion.fitted, fitted, parts.gate_new)
        old = _judged(champion.fitted, fitted, parts.gate_old, old=True)
        run.rows |= {"judged": new.rows, "judged on old": old.rows}
        frame = _known(fitted, pl.concat([parts.gate_new, parts.gate_old], how="diagonal_relaxed"))
        groups = [grouping(frame, champion.fitted.schema[name]) for name in settings.by]
        verdict = decide(new, old, settings, groups=groups, relation=relation)
        run.scores = _scores(champion.fitted, fitted, parts)
        rows = answered_rows(fitted, baseline, _known(fitted, parts.gate_new))
        evaluation = judge(fitted, baseline, rows, "new rows held back", bounded=True)
    return Trained(fitted, baseline, evaluation), verdict


def _judged(champion: Fitted, candidate: Fitted, frame: pl.DataFrame, *, old: bool = False) -> Judged:
    """What both lose on these rows; a champion that does not know a class is taken to guess.

    Of ``old`` rows a candidate with new classes is asked twice: whether it still tells the old classes apart,
    and how many it takes for a new one. What that may cost is measured by what knowing nothing loses: without
    the candidate every row of a new class is answered wrong.
    """
    frame = _known(candidate, frame)
    target = candidate.target
    answers = target.encode(frame)
    if not len(answers):
        nothing = row_losses_for(champion, frame)
        return Judged(nothing, nothing, (0.0, 0.0))
    told = widened(answers_for(champion, frame), champion.target, target, answers)
    before = losses_of(target, told, answers)
    if target.codes and target.width > champion.target.width:
        unknown = answers >= champion.target.width
        before.loss[unknown] = np.minimum(before.loss[unknown], np.log(target.width))
    said = answers_for(candidate, frame)
    small, taken = SMALL, None
    if old and target.codes and target.width > champion.target.width:
        small, taken = 1.0, float((said.argmax(1) >= champion.target.width).mean())
        said = said * (np.arange(target.width) < champion.target.width)
        said = said / np.maximum(said.sum(1, keepdims=True), 1e-12)
    after = losses_of(target, said, answers)
    blind = constant_losses(target, target.constant(answers), answers)
    return Judged(before, after, (float(blind.loss.mean()), float(blind.error.mean())), small, taken)


def _agreeing(memory: Memory, champion: Trained, candidate: Fitted) -> Memory:
    """Once the relation is another one: without the rows that the champion was judged on, which tell of a
    world that is gone, and without those to learn from that are answered worse by what is true now."""
    old = memory.rows.filter(pl.col(UPDATE) <= champion.update)
    before, after = (row_losses_for(each, bare(old)).error for each in (champion.fitted, candidate))
    gone = pl.Series(after > before) | (old[PART] == "judge")
    return memory.forget(old.filter(gone)[ID].to_list())


def _known(fitted: Fitted, frame: pl.DataFrame) -> pl.DataFrame:
    """The rows whose answer the network can give at all."""
    if not fitted.target.codes or not frame.height:
        return frame
    return frame.filter(pl.Series(fitted.target.encode(frame) >= 0))


def _scores(champion: Fitted, candidate: Fitted, parts: Parts) -> dict[str, dict[str, float]]:
    """Everybody's scores on the rows that decide, in the user's unit."""
    found = {}
    for where, frame in (("new", parts.gate_new), ("old", parts.gate_old)):
        frame = _known(candidate, frame)
        if frame.height:
            answers = candidate.target.encode(frame)
            told = answers_for(champion, frame)
            wide = widened(told, champion.target, candidate.target, answers)
            found[f"champion on {where}"] = candidate.target.judge(wide, answers)
            found[f"candidate on {where}"] = candidate.target.judge(answers_for(candidate, frame), answers)
    return found


def _stopped(checked: Checked) -> Verdict | None:
    """Where the update ends before anything is learnt."""
    if checked.refused:
        return Verdict(
            outcome="refused",
            why=" ".join(each.message for each in checked.refused),
            advice=" ".join(dict.fromkeys(each.remedy for each in checked.refused)),
        )
    if checked.frame.height:
        return None
    if checked.known:
        return Verdict(outcome="unchanged", why="all of these rows were learnt before")
    return Verdict(outcome="refused", why="there is no row to learn from", advice="Bring rows with answers.")


def _groups(fitted: Fitted, frame: pl.DataFrame) -> pl.Series | None:
    """What says which rows belong together, where the schema does."""
    fields = fitted.schema.with_role("group")
    return frame[fields[0].name] if fields else None


def _target(fitted: Fitted) -> str | None:
    return fitted.target.targets[0]


@dataclass
class _Run:
    """What is collected on the way through an update."""

    champion: Trained
    settings: LearnSettings
    machine: Machine
    watch: Watch
    rows: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    scores: dict[str, dict[str, float]] = field(default_factory=dict)
    grown: tuple = ()  # type: ignore[type-arg]
    how: str = ""
    today: int = 0

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        self.watch(name, None)
        began = time.monotonic()
        yield
        self.seconds[name] = time.monotonic() - began

    def counted(self, checked: Checked) -> None:
        aside = checked.came - checked.known - checked.frame.height
        self.rows |= {"came": checked.came, "known": checked.known, "set aside": aside}

    def report(self, checked: Checked, verdict: Verdict, moved: tuple[Drift, ...] = ()) -> UpdateReport:
        return UpdateReport(
            verdict=verdict,
            checked=checked.findings,
            drift=moved,
            grown=self.grown,
            rows=self.rows,
            seconds=self.seconds,
            scores=self.scores,
            how=self.how,
        )
