"""What the network is asked.

A task names the answer, the metric that says how good an answer is, and which way is better.
One record per task; the stages ask the task instead of branching on its name.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from lamina.errors import UsageError, nearest

Answer = Literal["classes", "number"]
Metric = Literal["accuracy", "auroc", "log_loss", "rmse", "mae", "r2"]
Balance = Literal["none", "balanced"]

METRICS: Final[dict[Answer, tuple[Metric, ...]]] = {
    "classes": ("log_loss", "accuracy", "auroc"),
    "number": ("rmse", "mae", "r2"),
}
# Scores where more is better; the others are errors.
MORE_IS_BETTER = frozenset({"accuracy", "balanced_accuracy", "f1", "auroc", "average_precision", "r2"})


class Predict(msgspec.Struct, frozen=True, kw_only=True, tag="predict"):
    """Predict one column from the others, row by row.

    ``answer`` says whether the target is one of several classes or a number (``None``: as the
    schema reads the column); ``metric`` is what early stopping and comparisons look at (``None``:
    log loss for classes, RMSE for numbers); ``balance`` weighs rare classes up.
    """

    target: str
    answer: Answer | None = None
    metric: Metric | None = None
    balance: Balance = "none"


Task = Predict


def check_metric(task: Task, answer: Answer) -> None:
    """Raises ``UsageError`` for a metric that does not exist or does not judge such answers."""
    fitting = METRICS[answer]
    if task.metric is None or task.metric in fitting:
        return
    known = any(task.metric in each for each in METRICS.values())
    what = "a number" if answer == "number" else "one of several classes"
    why = f"does not judge an answer that is {what}" if known else "is no metric"
    raise UsageError(f"{task.metric!r} {why}.", nearest(task.metric, fitting), metric=task.metric)


def more_is_better(metric: str) -> bool:
    """Whether a larger value of this metric is the better one."""
    return metric in MORE_IS_BETTER
