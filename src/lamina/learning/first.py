"""The memory that a network starts its life with: a sample of what it was trained on."""

from __future__ import annotations

from datetime import UTC, datetime

from lamina.learning.losses import row_losses_for
from lamina.learning.memory import Memory, MemoryLimits
from lamina.training.fitted import Fitted
from lamina.training.sample import Sample


def first_memory(fitted: Fitted, sample: Sample, limits: MemoryLimits | None = None) -> Memory:
    """The rows of a sample: those never learnt from are judged on, the others learnt from again."""
    return Memory.empty(limits).with_rows(
        sample.frame,
        fitted.schema,
        judge=sample.unseen,
        losses=row_losses_for(fitted, sample.frame).loss,
        when=datetime.now(UTC).replace(tzinfo=None),
        update=0,
    )
