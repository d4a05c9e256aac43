"""AutoGluon tabular, in an environment of its own: it brings its own releases of everything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.peers.record import Conditions, Learnt, Question

METRICS = {"auroc": "roc_auc", "accuracy": "accuracy", "rmse": "root_mean_squared_error", "f1": "f1_macro"}


def autogluon(presets: str, source: pl.DataFrame, question: Question, conditions: Conditions) -> Learnt:
    """Raw values as ``read_csv`` of pandas gives them: AutoGluon reads kinds itself."""
    from autogluon.tabular import TabularPredictor

    problem = "regression" if question.classes is None else "binary"
    problem = "multiclass" if question.classes and len(question.classes) > 2 else problem
    path = conditions.scratch / "autogluon"
    model = TabularPredictor(
        question.target, problem_type=problem, eval_metric=METRICS[question.score], path=str(path),
        verbosity=0,
    ).fit(
        _frame(source.drop(question.spared)), presets=presets, time_limit=conditions.time_limit,
        num_cpus=conditions.threads, ag_args_ensemble={"fold_fitting_strategy": "sequential_local"},
    )  # fmt: skip

    def predict(rows: pl.DataFrame) -> np.ndarray:
        frame = _frame(rows.drop(question.spared))
        if question.classes is None:
            return model.predict(frame).to_numpy()
        found = model.predict_proba(frame)
        found.columns = [str(name) for name in found.columns]
        return found.reindex(columns=list(question.classes), fill_value=0.0).to_numpy()

    def save(folder: Path) -> None:
        model.clone_for_deployment(str(folder / "deployed"))

    size = sum(each.stat().st_size for each in path.rglob("*") if each.is_file())
    told = {"best": model.model_best, "models": len(model.model_names()), "folder_mb": size / 1e6}
    return Learnt(predict, save, told=told)


def _frame(rows: pl.DataFrame) -> Any:
    """As pandas reads a file: words that are numbers become numbers."""
    import io

    import pandas as pd

    return pd.read_csv(io.StringIO(rows.write_csv()))
