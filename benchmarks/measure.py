"""What is measured of one fit: scores on the test rows, seconds, memory, bytes on disk."""

from __future__ import annotations

import os
import resource
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

Row = dict[str, Any]


def score(found: np.ndarray, answers: np.ndarray, *, classes: int, probabilities: bool) -> dict[str, float]:
    """All scores that make sense, by scikit-learn. ``found``: ``(rows, classes)`` or ``(rows,)``."""
    from sklearn import metrics

    if not np.isfinite(found).all():
        raise ValueError("some answers are not finite")
    if not classes:
        root = float(metrics.mean_squared_error(answers, found) ** 0.5)
        mean = float(metrics.mean_absolute_error(answers, found))
        return {"rmse": root, "mae": mean, "r2": float(metrics.r2_score(answers, found))}
    chosen = found.argmax(1)
    out = {
        "accuracy": float(np.mean(chosen == answers)),
        "f1": float(metrics.f1_score(answers, chosen, average="macro")),
    }
    if classes == 2:
        out["auroc"] = float(metrics.roc_auc_score(answers, found[:, 1]))
    if probabilities:
        shares = np.clip(found, 1e-7, 1)
        shares /= shares.sum(1, keepdims=True)
        out["log_loss"] = float(metrics.log_loss(answers, shares, labels=np.arange(classes)))
    return out


@contextmanager
def clock() -> Iterator[dict[str, float]]:
    """Seconds by the clock and of the processor, and how many cores others kept busy meanwhile."""
    told: dict[str, float] = {}
    begin, own, busy = time.perf_counter(), _own_seconds(), _busy_seconds()
    try:
        yield told
    finally:
        told["s"] = time.perf_counter() - begin
        told["cpu_s"] = _own_seconds() - own
        others = _busy_seconds() - busy - told["cpu_s"]
        told["others"] = max(0.0, others / told["s"]) if busy else 0.0


def _own_seconds() -> float:
    """Of this process and of those that it has started and waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def _busy_seconds() -> float:
    """Of all processes since the machine started; 0 where that is not told."""
    stat = Path("/proc/stat")
    if not stat.exists():
        return 0.0
    user, nice, system = map(int, stat.read_text().split(maxsplit=4)[1:4])
    return (user + nice + system) / os.sysconf("SC_CLK_TCK")


def peak_mb() -> float:
    """The most memory that this process has had, or one of those it has started."""
    status = Path("/proc/self/status")
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    if status.exists():  # ru_maxrss would count what the parent had before this process began
        line = next(each for each in status.read_text().splitlines() if each.startswith("VmHWM"))
        return max(int(line.split()[1]) / 1024, children)
    return max(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, children)


def seconds_again(call: Callable[[], Any], *, first: float, most: int = 3, budget: float = 3.0) -> float:
    """The median of up to ``most`` more calls within the budget; ``first`` where there is time for none."""
    if first > budget:
        return first
    taken: list[float] = []
    while len(taken) < most and sum(taken) < budget:
        begin = time.perf_counter()
        call()
        taken.append(time.perf_counter() - begin)
    return statistics.median(taken)


def one_by_one(call: Callable[[Any], Any], rows: list[Any], budget: float = 3.0) -> float:
    """Median milliseconds of a row at a time, after five that do not count."""
    for row in rows[:5]:
        call(row)
    taken: list[float] = []
    for row in rows[5:]:
        begin = time.perf_counter()
        call(row)
        taken.append(time.perf_counter() - begin)
        if sum(taken) > budget:
            break
    return 1000 * statistics.median(taken)


def megabytes(folder: Path) -> float:
    return sum(each.stat().st_size for each in folder.rglob("*") if each.is_file()) / 1e6
