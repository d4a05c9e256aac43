"""What a report tells, gathered once: answers, scores, bounds, groups, importance, money."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from lamina.data.conform import conform
from lamina.data.doctor.report import numbers_of
from lamina.data.fingerprint import Fingerprint, fingerprint
from lamina.data.groups import grouping, with_groups
from lamina.data.read import read
from lamina.data.table import Table
from lamina.errors import UsageError
from lamina.features.targets.base import Target
from lamina.features.targets.several import SeveralTarget
from lamina.predictions.answers import calibrated
from lamina.predictions.confidence import Held
from lamina.predictions.evaluate import Rows, answered_rows, judge
from lamina.predictions.explain.asked import Asking
from lamina.predictions.explain.explain import explain
from lamina.predictions.explain.records import Explanation
from lamina.predictions.subgroups import subgroups
from lamina.progress import Bar
from lamina.records import Evaluation, Finding, Groups
from lamina.report.comparison import Comparison, compared
from lamina.report.money import MoneyFacts, money_facts
from lamina.training.fitted import Fitted

if TYPE_CHECKING:
    from lamina.decisions.costs import Costs
    from lamina.model import Model

MOST_EXPLAINED: Final = 200  # columns beyond which importance is not asked for: it would take too long


@dataclass(frozen=True)
class Part:
    """One target: the ``rows`` of the frame whose answer is known, and for these what was ``told``, what
    ``came``, whether the ``bound`` held, and how it compares with the baselines."""

    target: Target
    rows: np.ndarray
    told: np.ndarray
    came: np.ndarray
    bound: Held | None
    comparison: Comparison


@dataclass(frozen=True)
class Facts:
    """Everything that the sections say.

    ``table`` is the data as it came, ``frame`` as the network reads it, ``numbers`` the row of ``table`` of
    every row of ``frame``; ``unlike`` which of these are unlike the training rows, None where the model
    cannot tell; ``examples`` how many rows may be shown of each target.
    """

    model: Model
    table: Table
    frame: pl.DataFrame
    numbers: np.ndarray
    findings: tuple[Finding, ...]
    evaluation: Evaluation
    parts: tuple[Part, ...]
    unlike: np.ndarray | None
    importance: Explanation | None
    money: MoneyFacts | None
    data: Fingerprint
    examples: int
    made: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def groups(self) -> tuple[Groups, ...]:
        """The scores in groups that were asked for."""
        return self.evaluation.groups


def gathered(model: Model, data: Any, *, costs: Costs | None, by: Sequence[str], examples: int) -> Facts:
    """Reads the data, asks the network, and judges what it says."""
    fitted = model.fitted
    table = read(data, part="test")
    schema = with_groups(model.schema, table, by)
    frame, findings = conform(table, schema, need_target=True)
    numbers = numbers_of(table, model.schema, frame.height)
    numbers = np.arange(frame.height) if numbers is None else numbers
    groupings = [grouping(frame, schema[name]) for name in by]
    money = None if costs is None else money_facts(fitted, table.frame[numbers], frame, costs)
    with Bar("evaluating", frame.height) as bar:
        rows = answered_rows(fitted, model.baseline, frame, bar.at)
    scored = judge(fitted, model.baseline, rows, table.source, bounded=True)
    told = calibrated(fitted, rows.network.decoded)
    if groupings:
        import msgspec

        groups = subgroups(fitted.target, told, rows.answers, groupings)
        scored = msgspec.structs.replace(scored, groups=groups)
    return Facts(
        model=model,
        table=table,
        frame=frame,
        numbers=numbers,
        findings=(*table.findings, *findings),
        evaluation=scored,
        parts=tuple(_parts(model, rows, told)),
        unlike=_unlike(fitted, rows),
        importance=_importance(model, frame),
        money=money,
        data=fingerprint(data, table),
        examples=examples,
    )


def _unlike(fitted: Fitted, rows: Rows) -> np.ndarray | None:
    novelty, told = fitted.novelty, rows.network.novelty
    return None if novelty is None or told is None else novelty.unlike(told)


def _parts(model: Model, rows: Rows, told: np.ndarray) -> Iterator[Part]:
    target, count = model.fitted.target, len(rows.answers)
    constant = model.baseline.constant_answers(target, count)
    others = {target.simplest: constant}
    if model.fitted.network.output.linear:
        others["linear"] = rows.linear
    confidence = model.fitted.confidence
    bounds = list(confidence.held(rows.network, rows.answers, rows.by)) if confidence else None
    if not isinstance(target, SeveralTarget):
        every = np.arange(count)
        bound = bounds[0] if bounds else None
        yield Part(target, every, told, rows.answers, bound, compared(target, told, others, rows.answers))
        return
    split = {name: list(target.decoded_of(each)) for name, each in others.items()}
    beside = zip(target.parts, target.decoded_of(told), target.answers_of(rows.answers), strict=True)
    for k, (part, own, (known, came)) in enumerate(beside):
        if len(came):
            mine = {name: each[k][known] for name, each in split.items()}
            found = compared(part, own[known], mine, came)
            yield Part(part, np.flatnonzero(known), own[known], came, bounds[k] if bounds else None, found)


def _importance(model: Model, frame: pl.DataFrame) -> Explanation | None:
    """Which columns matter; None where a single column is read, or answers have no shares of columns."""
    inputs = model.schema.with_role("input")
    if not 1 < len(inputs) <= MOST_EXPLAINED or frame.height < 2:
        return None
    try:
        Asking(model.fitted.target)
    except UsageError:  # masks and transcripts
        return None
    return explain(model.fitted, frame, rows=None, what=["importance"], of=None, background=None, seed=0)
