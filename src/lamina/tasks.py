"""What the network is asked.

A task names the answer, the metric that says how good an answer is, and which way is better.
One record per task; the stages ask the task instead of branching on its name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import msgspec

from lamina.catalog import ANSWERS
from lamina.errors import UsageError, nearest

Answer = Literal["classes", "number", "quantiles", "count", "amount", "ordered", "labels", "mask"]
Balance = Literal["none", "balanced"]

LEVELS = (0.1, 0.5, 0.9)  # of the quantiles, where none are named
ASKABLE = tuple(name for name, each in ANSWERS.items() if each.kind not in ("any", "text"))
# Scores where more is better; the others are errors.
MORE_IS_BETTER = frozenset(
    {
        *("accuracy", "balanced_accuracy", "f1", "auroc", "average_precision", "r2"),
        *("kappa", "micro_f1", "macro_f1", "jaccard", "iou", "pixel_accuracy"),
    }
)


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What was said of one target: its answer, the order of its classes, the levels of its quantiles."""

    answer: str | None = None
    order: tuple[str, ...] = ()
    levels: tuple[float, ...] = ()


class _Named(msgspec.Struct, frozen=True):
    target: str | tuple[str, ...]


class Predict(_Named, frozen=True, kw_only=True, tag="predict"):
    """Predict one column, or several, from the others, row by row.

    ``target`` is the column, or a tuple of columns. ``answer`` says what the target is: "classes", "number",
    "quantiles", "count", "amount", "ordered" (classes in an order) or "labels" (any number per row);
    ``None``: a number, classes or labels, as the schema reads the column. ``order`` names ordered classes,
    lowest first; ``quantiles`` the levels wanted of a number, as (0.1, 0.5, 0.9). With several targets
    ``answer`` and ``order`` may be dicts by column. ``metric`` is what early stopping and comparisons look
    at (``None``: the loss of the answer); ``balance`` weighs rare classes up.

    >>> Predict("price", quantiles=(0.1, 0.5, 0.9)).of("price").answer
    'quantiles'
    """

    answer: str | dict[str, str] | None = None
    metric: str | None = None
    balance: Balance = "none"
    order: tuple[str | int | float, ...] | dict[str, tuple[str | int | float, ...]] = ()
    quantiles: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        for name in ("target", "order", "quantiles"):  # lists are taken as tuples
            value = getattr(self, name)
            if isinstance(value, Sequence) and not isinstance(value, str):
                msgspec.structs.force_setattr(self, name, tuple(value))
        _check_targets(self.targets)
        _check_answers(self.answer, self.order, self.targets)
        _check_levels(self.quantiles)

    @property
    def targets(self) -> tuple[str, ...]:
        """The columns to predict."""
        return (self.target,) if isinstance(self.target, str) else tuple(self.target)

    def of(self, name: str) -> Asked:
        """What was said of one of the targets."""
        order = _one(self.order, name) or ()
        alone = len(self.targets) == 1
        answer = _one(self.answer, name)
        if answer is None and order:
            answer = "ordered"
        if answer is None and self.quantiles and alone:
            answer = "quantiles"
        levels = self.quantiles or (LEVELS if answer == "quantiles" else ())
        return Asked(answer=answer, order=tuple(map(word_of, order)), levels=levels)


class Transcribe(_Named, frozen=True, tag="transcribe"):
    """Write down what is said in a recording: ``target`` is the column with transcripts to learn from.

    ``metric`` is what comparisons look at: "cer", the share of wrong characters, or "accuracy".

    >>> Transcribe("text").of("text").answer
    'transcript'
    """

    metric: str | None = None
    balance: ClassVar[Balance] = "none"

    @property
    def targets(self) -> tuple[str, ...]:
        """The column with the transcripts."""
        if not isinstance(self.target, str):
            raise UsageError(
                f"Transcribe writes one column, not {self.target!r}.", "Name one.", target=self.target
            )
        return (self.target,)

    def of(self, name: str) -> Asked:
        """What was said of the target."""
        return Asked(answer="transcript")


Task = Predict | Transcribe


def word_of(level: object) -> str:
    """A class as the schema writes it: whole numbers without ".0"."""
    return str(int(level)) if isinstance(level, float) and level.is_integer() else str(level)


def check_metric(task: Task, fitting: Sequence[str], what: str) -> None:
    """Raises ``UsageError`` for a metric that does not exist or is none of those ``fitting`` such answers."""
    if task.metric is None or task.metric in fitting:
        return
    known = any(task.metric.rpartition(".")[2] in each.metrics for each in ANSWERS.values())
    why = f"does not judge an answer that is {what}" if known else "is no metric"
    raise UsageError(f"{task.metric!r} {why}.", nearest(task.metric, fitting), metric=task.metric)


def more_is_better(metric: str) -> bool:
    """Whether a larger value of this metric, perhaps of one target (``price.r2``), is the better one."""
    return metric.rpartition(".")[2] in MORE_IS_BETTER


def _one(said: Any, name: str) -> Any:
    return said.get(name) if isinstance(said, Mapping) else said


def _check_targets(targets: tuple[str, ...]) -> None:
    twice = sorted({each for each in targets if targets.count(each) > 1})
    if not targets or twice:
        raise UsageError(
            f"The target {twice[0]!r} is named twice." if twice else "No target is named.",
            "Name every column to predict once.",
            targets=targets,
        )


def _check_answers(answer: Any, order: Any, targets: tuple[str, ...]) -> None:
    for said in (answer, order):
        for name in said if isinstance(said, Mapping) else ():
            if name not in targets:
                raise UsageError(f"{name!r} is none of the targets.", nearest(name, targets), column=name)
    for each in answer.values() if isinstance(answer, Mapping) else (answer,):
        if each is not None and each not in ASKABLE:
            raise UsageError(f"There is no answer {each!r}.", nearest(str(each), ASKABLE), answer=each)


def _check_levels(levels: tuple[float, ...]) -> None:
    numbers = all(isinstance(each, int | float) for each in levels)
    if not numbers or any(not 0 < each < 1 for each in levels) or list(levels) != sorted(set(levels)):
        raise UsageError(
            f"quantiles={levels!r} are not levels between 0 and 1 that rise.",
            "Write, for example, quantiles=(0.1, 0.5, 0.9).",
            quantiles=levels,
        )


def as_task(target: str | Sequence[str] | Task | None, columns: Sequence[str], label: str | None) -> Task:
    """The task that is meant: by its record, by the targets' names, or by the table's own label."""
    if isinstance(target, Predict | Transcribe):
        return target
    name = target or label
    if not name:
        raise UsageError(
            "What should be predicted? This table names no answer of its own.",
            f"Name the target, one of: {', '.join(map(repr, columns[:20]))}.",
        )
    return Predict(name if isinstance(name, str) else tuple(name))
