"""One update: new rows are checked, compared, made room for, learnt, and judged, in this order."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final, NamedTuple

import numpy as np
import polars as pl

from lamina.data.table import Table
from lamina.learning.baseline import renewed_baseline
from lamina.learning.candidate import learn, lesson
from lamina.learning.check import Checked, check
from lamina.learning.drift import drift
from lamina.learning.encoded_rows import encoded_rows
from lamina.learning.gate import contradicted
from lamina.learning.grow import grow
from lamina.learning.honest import with_novelty
from lamina.learning.judging import Judges
from lamina.learning.losses import losses_of, row_losses_for
from lamina.learning.memory import ID, PART, UPDATE, Memory, bare
from lamina.learning.parts import Parts, held_back, parted
from lamina.learning.plan import Pace, plan_for
from lamina.learning.recalled import Recalled
from lamina.learning.records import Drift, LearnSettings, UpdateReport, Verdict
from lamina.learning.replay import kept
from lamina.learning.trained import Trained
from lamina.learning.way import Way, go
from lamina.predictions.answers import calibrated
from lamina.predictions.evaluate import judge
from lamina.records import Field
from lamina.training.fitted import Fitted
from lamina.training.loop import Training
from lamina.training.precision import Machine

DRAWS: Final = 100  # bootstrap samples for the intervals of a candidate's scores

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
        recalled, frame = Recalled(champion.fitted), checked.frame
        moved = drift(recalled, frame, memory, settings, ids=checked.ids, since=champion.update)
    number = max(memory.updates, champion.update) + 1
    ids = pl.Series(checked.ids, dtype=pl.String)
    back = held_back(ids, _groups(champion.fitted, checked.frame), settings.judge)
    run.today = int((~back).sum())
    parts = parted(checked.frame, ids, back, memory, champion.update)
    candidate, verdict = _learnt_and_judged(run, recalled, parts, checked.fields, moved, number)
    with run.step("remember"):
        schema = champion.fitted.schema.with_fields(checked.fields)
        told = calibrated(champion.fitted, recalled.decoded(frame, checked.ids))
        losses = losses_of(champion.fitted.target, told, champion.fitted.target.encode(frame)).loss
        keep = np.full(checked.frame.height, not contradicted(verdict)) | back
        if verdict.followed:
            memory = _agreeing(memory, champion, candidate.fitted, checked.frame, number)
        memory = memory.with_rows(
            checked.frame.filter(pl.Series(keep)),
            schema,
            judge=back[keep],
            losses=losses[keep],
            when=when,
            update=number,
            ids=ids.filter(pl.Series(keep)).to_list(),
        )
        memory = kept(memory, _target(champion.fitted))
        used = candidate if verdict.outcome == "promoted" else champion
        memory = encoded_rows(memory, used.fitted)
    return Update(run.report(checked, verdict, moved), candidate, memory)


def _learnt_and_judged(
    run: _Run,
    recalled: Recalled,
    parts: Parts,
    fields: tuple[Field, ...],
    moved: tuple[Drift, ...],
    number: int,
) -> tuple[Trained, Verdict]:
    """The middle of an update: grow, learn, judge."""
    champion, settings = run.champion, run.settings
    with run.step("grow"):
        grown, run.grown = grow(champion.fitted, parts.new, fields)
    with run.step("learn"):
        what = lesson(grown, parts.new, parts.old, run.machine, today=run.today)
        world = max(what.new + float(what.stands.sum()), 1.0)
        plan = plan_for(
            moved, run.grown, settings, share=what.new / world, pace=Pace.of(grown, world, run.today)
        )
        run.how = plan.why
        run.rows |= {"learnt": what.new, "remembered": len(what) - what.new}
        learnt = learn(grown, what, plan, run.machine, lambda now: run.watch("learn", now))
    with run.step("judge"):
        relation = any(each.what == "relation" and each.moved for each in moved)
        judges = Judges(recalled, grown, parts, settings, relation=relation)
        classes = any(each.what in ("class", "label") for each in run.grown)
        gone = go(Way(grown, learnt, what, classes=classes), judges)
        run.rows |= {"judged": judges.new.height, "judged on old": judges.old.height}
        run.way, run.scores = gone.share, judges.scores(gone.seen)
        fitted = with_novelty(gone.seen.fitted, judges.honest, what)
        fitted = replace(fitted, rows={**fitted.rows, "train": len(what), "update": number})
        baseline = renewed_baseline(champion, fitted, what, settings.seed)
        evaluation = champion.evaluation  # where hardly a row is new, there is nothing to tell of it
        if judges.new.height:
            rows = judges.evaluated(gone.seen, baseline)
            evaluation = judge(fitted, baseline, rows, "new rows held back", bounded=True, draws=DRAWS)
    return Trained(fitted, baseline, evaluation), gone.verdict


def _agreeing(memory: Memory, champion: Trained, candidate: Fitted, new: pl.DataFrame, number: int) -> Memory:
    """Once the relation is another one: put aside, by the update of this number, are the rows that the
    champion was judged on, which tell of a world that is gone, and those to learn from that are answered
    worse by what is true now; of numbers, whose errors move a little with everything that moves, none of
    these. Columns of the ``new`` rows that came later are missing in old ones."""
    old = memory.in_use.filter(pl.col(UPDATE) <= champion.update)
    gone = old[PART] == "judge"
    if candidate.target.codes:
        cells = pl.concat([new[:0], bare(old)], how="diagonal_relaxed")
        before, after = (row_losses_for(each, cells).error for each in (champion.fitted, candidate))
        gone = gone | pl.Series(after > before)
    return memory.put_aside(old.filter(gone)[ID].to_list(), number)


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
    way: float = 1.0

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
            way=self.way,
        )
