"""Networks for tables out of pytabkit: RealMLP (Holzmüller et al. 2024) and TabM (Gorishniy et al. 2025)."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from benchmarks.peers.columns import Columns
from benchmarks.peers.record import Conditions, Learnt, Question, pickled, spread


def realmlp(source: pl.DataFrame, question: Question, conditions: Conditions) -> Learnt:
    from pytabkit import RealMLP_TD_Classifier, RealMLP_TD_Regressor

    kind = RealMLP_TD_Classifier if question.classes else RealMLP_TD_Regressor
    return _fitted(kind, source, question, conditions, {})


def tabm(source: pl.DataFrame, question: Question, conditions: Conditions) -> Learnt:
    from pytabkit import TabM_D_Classifier, TabM_D_Regressor

    kind = TabM_D_Classifier if question.classes else TabM_D_Regressor
    return _fitted(kind, source, question, conditions, {"num_emb_type": "pwl"})


def _fitted(
    kind: Any, source: pl.DataFrame, question: Question, conditions: Conditions, settings: dict[str, Any]
) -> Learnt:
    columns = Columns.of(source, (question.target, *question.spared))
    frame, answers = columns.pandas(source), question.answers(source)
    middle = frame.select_dtypes(float).median()
    model = kind(
        device=conditions.device, random_state=conditions.seed, n_threads=conditions.threads,
        val_fraction=0.15, verbosity=0, **settings,
    )  # fmt: skip
    model.fit(frame.fillna(middle), answers, cat_col_names=list(columns.categories))

    def predict(rows: pl.DataFrame) -> np.ndarray:
        frame = columns.pandas(rows).fillna(middle)
        if question.classes is None:
            return np.asarray(model.predict(frame))
        return spread(model.predict_proba(frame), model.classes_, len(question.classes))

    return Learnt(predict, pickled((columns, middle, model)))
