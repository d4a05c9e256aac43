"""What moved since the champion learnt. (First version: nothing is compared yet.)"""

from __future__ import annotations

import polars as pl

from lamina.learning.memory import Memory
from lamina.learning.records import Drift, LearnSettings
from lamina.training.fitted import Fitted


def drift(fitted: Fitted, frame: pl.DataFrame, memory: Memory, settings: LearnSettings) -> tuple[Drift, ...]:
    return ()
