"""Boosted trees: LightGBM, CatBoost, XGBoost. Categories are given as categories."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.peers.columns import Columns
from benchmarks.peers.record import Conditions, Learnt, Question, held_out, spread


def lightgbm_default(source: pl.DataFrame, question: Question, conditions: Conditions) -> Learnt:
    import lightgbm

    kind = lightgbm.LGBMClassifier if question.classes else lightgbm.LGBMRegressor
    model = kind(random_state=conditions.seed, n_jobs=conditions.threads, verbosity=-1)
    columns, frame, answers = _read(source, question)
    model.fit(frame, answers)
    return _learnt(columns, model, question, _lightgbm_file(model))


def lightgbm_stopped(source: pl.DataFrame, question: Question, conditions: Conditions) -> Learnt:
    import lightgbm

    kind = lightgbm.LGBMClassifier if question.classes else lightgbm.LGBMRegressor
    model = kind(
        n_estimators=3000, learning_rate=0.05, random_state=conditions.seed,
        n_jobs=conditions.threads, verbosity=-1,
    )  # fmt: skip
    columns, frame, answers = _read(source, question)
    learn, stop = held_out(answers, bool(question.classes), conditions.seed)
    model.fit(
        frame.iloc[learn], answers[learn], eval_set=[(frame.iloc[stop], answers[stop])],
        callbacks=[lightgbm.early_stopping(100, verbose=False)],
    )  # fmt: skip
    return _learnt(columns, model, question, _lightgbm_file(model), model.best_iteration_)


def catboost(source: pl.DataFrame, question: Question, conditions: Conditions) -> Learnt:
    import catboost as library

    kind = library.CatBoostClassifier if question.classes else library.CatBoostRegressor
    columns, frame, answers = _read(source, question)
    model = kind(
        random_seed=conditions.seed, thread_count=conditions.threads, verbose=0,
        allow_writing_files=False, early_stopping_rounds=50, cat_features=list(columns.categories),
    )  # fmt: skip
    learn, stop = held_out(answers, bool(question.classes), conditions.seed)
    frame = _named(frame)
    model.fit(frame.iloc[learn], answers[learn], eval_set=(frame.iloc[stop], answers[stop]))

    def save(folder: Path) -> None:
        model.save_model(str(folder / "model.cbm"))

    return _learnt(columns, model, question, save, model.get_best_iteration(), _named)


def xgboost(source: pl.DataFrame, question: Question, conditions: Conditions) -> Learnt:
    import xgboost as library

    kind = library.XGBClassifier if question.classes else library.XGBRegressor
    model = kind(
        n_estimators=3000, learning_rate=0.05, early_stopping_rounds=100, enable_categorical=True,
        tree_method="hist", random_state=conditions.seed, n_jobs=conditions.threads,
    )  # fmt: skip
    columns, frame, answers = _read(source, question)
    learn, stop = held_out(answers, bool(question.classes), conditions.seed)
    watched = [(frame.iloc[stop], answers[stop])]
    model.fit(frame.iloc[learn], answers[learn], eval_set=watched, verbose=False)

    def save(folder: Path) -> None:
        model.save_model(folder / "model.ubj")

    return _learnt(columns, model, question, save, model.best_iteration)


def _read(source: pl.DataFrame, question: Question) -> tuple[Columns, Any, np.ndarray]:
    columns = Columns.of(source, (question.target, *question.spared))
    return columns, columns.pandas(source), question.answers(source)


def _named(frame: Any) -> Any:
    """CatBoost wants categories as words, also the missing one."""
    categories = frame.select_dtypes("category").columns
    words = {name: frame[name].astype(object).where(frame[name].notna(), "(missing)") for name in categories}
    return frame.assign(**words)


def _lightgbm_file(model: Any) -> Any:
    return lambda folder: model.booster_.save_model(folder / "model.txt")


def _learnt(
    columns: Columns, model: Any, question: Question, save: Any, best: int | None = None, last: Any = None
) -> Learnt:
    def predict(rows: pl.DataFrame) -> np.ndarray:
        frame = columns.pandas(rows)
        frame = last(frame) if last else frame
        if question.classes is None:
            return model.predict(frame)
        return spread(model.predict_proba(frame), model.classes_, len(question.classes))

    return Learnt(predict, save, told={} if best is None else {"best": int(best)})
