"""The memory of a fresh network: rows that it learnt from, and those that it has not."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np

from lamina.data.conform import conform
from lamina.data.split import kept_apart, split
from lamina.data.table import Table
from lamina.learning.losses import row_losses_for
from lamina.learning.memory import Memory, MemoryLimits
from lamina.learning.replay import kept
from lamina.training.encode import validation_share
from lamina.training.fitted import Fitted


def first_memory(
    fitted: Fitted, table: Table, limits: MemoryLimits | None = None, *, when: datetime | None = None
) -> Memory:
    """From the table that a network was trained on.

    The rows are parted as training parted them (the same table, schema and seed give the same parts): rows
    to judge on are those that it never learnt from, or, of a small table, those that it was validated on.
    """
    memory = Memory.empty(limits)
    if memory.limits.mode == "none":
        return memory
    frame, _ = conform(table, fitted.schema, need_target=True)
    settings = fitted.settings
    parts = split(
        frame, fitted.schema, answer=fitted.schema.with_role("target")[0].answer,
        share=validation_share(frame.height, fitted.schema, settings), seed=settings.seed,
        how=settings.split,
    )  # fmt: skip
    judge = np.zeros(frame.height, bool)
    apart = kept_apart(parts, settings.seed)
    judge[apart if len(apart) else parts.validation] = True
    some = _bounded(judge, memory.limits, settings.seed)
    frame, judge = frame[some], judge[some]
    memory = memory.with_rows(
        frame,
        fitted.schema,
        judge=judge,
        losses=row_losses_for(fitted, frame).loss,
        when=when or datetime.now(UTC).replace(tzinfo=None),
        update=0,
    )
    return kept(memory, fitted.target.targets[0])


def _bounded(judge: np.ndarray, limits: MemoryLimits, seed: int) -> np.ndarray:
    """Rows enough for the memory to choose from: of a large table three times what it may hold, by chance."""
    rng = np.random.default_rng((seed, 2))
    found = []
    for part, most in ((~judge, limits.learn), (judge, limits.judge)):
        rows = np.flatnonzero(part)
        found.append(rng.permutation(rows)[: 3 * most])
    return np.sort(np.concatenate(found))
