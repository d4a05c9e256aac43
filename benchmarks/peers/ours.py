"""Lamina, asked like everybody else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.peers.record import Conditions, Learnt, Question


def lamina(
    quality: str, settings: dict[str, Any], source: Any, question: Question, conditions: Conditions
) -> Learnt:
    """The raw source as it is."""
    import lamina as package

    on = package.Machine(threads=conditions.threads, device=conditions.device, progress=False)
    asked: dict[str, Any] = {"quality": quality, "seed": conditions.seed, "on": on}
    asked |= question.settings | settings
    if conditions.time_limit is not None:
        asked["time_limit"] = conditions.time_limit
    target = None if isinstance(source, Path) and source.is_dir() else question.target
    model = package.fit(source, target, **asked)
    name = str(model.fitted.target.column)

    def predict(rows: pl.DataFrame) -> np.ndarray:
        told = model.predict(rows, probabilities=bool(question.classes) or None)
        if question.classes is None:
            return told[f"predicted_{name}"].to_numpy()
        return told.select(f"probability_{each}" for each in question.classes).to_numpy()

    def loaded(folder: Path) -> Callable[[dict[str, Any]], Any]:
        again = package.load(folder / "model.lamina")
        return lambda row: again.predict({column: [value] for column, value in row.items()})

    told = {"weights": model.fitted.network.weights, "epochs": len(model.fitted.epochs)}
    return Learnt(predict, lambda folder: model.save(folder / "model.lamina"), loaded=loaded, told=told)
