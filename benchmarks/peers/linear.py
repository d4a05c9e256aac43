"""scikit-learn on tables: the linear model, a layer of neurons, boosted trees."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from benchmarks.peers.columns import Columns
from benchmarks.peers.record import Conditions, Learnt, Question, pickled, spread


def linear(source: pl.DataFrame, question: Question, conditions: Conditions) -> Learnt:
    from sklearn.linear_model import LogisticRegression, Ridge

    model = LogisticRegression(max_iter=1000) if question.classes else Ridge()
    return _fitted(_scaled, model, source, question)


def mlp(source: pl.DataFrame, question: Question, conditions: Conditions) -> Learnt:
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.preprocessing import StandardScaler

    settings: dict[str, Any] = {"early_stopping": True, "random_state": conditions.seed}
    if question.classes:
        return _fitted(_scaled, MLPClassifier(**settings), source, question)
    model = TransformedTargetRegressor(MLPRegressor(**settings), transformer=StandardScaler())
    return _fitted(_scaled, model, source, question)


def histgb(source: pl.DataFrame, question: Question, conditions: Conditions) -> Learnt:
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    kind = HistGradientBoostingClassifier if question.classes else HistGradientBoostingRegressor
    model = kind(random_state=conditions.seed, categorical_features="from_dtype")
    return _fitted(_few_categories, model, source, question)


def _fitted(prepare: Any, model: Any, source: pl.DataFrame, question: Question) -> Learnt:
    from sklearn.pipeline import make_pipeline

    columns = Columns.of(source, (question.target, *question.spared))
    frame = columns.pandas(source)
    whole = make_pipeline(prepare(frame), model).fit(frame, question.answers(source))

    def predict(rows: pl.DataFrame) -> np.ndarray:
        if question.classes is None:
            return whole.predict(columns.pandas(rows))
        found = whole.predict_proba(columns.pandas(rows))
        return spread(found, whole.classes_, len(question.classes))

    return Learnt(predict, pickled((columns, whole)))


def _scaled(frame: Any) -> Any:
    """Categories as one column per value, numbers with mean 0 and deviation 1."""
    from sklearn.compose import make_column_selector, make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    return make_column_transformer(
        (numbers, make_column_selector(dtype_include=float)),
        (OneHotEncoder(handle_unknown="ignore"), make_column_selector(dtype_include="category")),
    )


def _few_categories(frame: Any) -> Any:
    """HistGradientBoosting takes categories of up to 255 values; those with more as numbers of values."""
    from sklearn.compose import make_column_transformer
    from sklearn.preprocessing import OrdinalEncoder

    many = [name for name in frame.columns if frame[name].dtype == "category"]
    many = [name for name in many if len(frame[name].cat.categories) > 255]
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    chosen = make_column_transformer((codes, many), remainder="passthrough", verbose_feature_names_out=False)
    return chosen.set_output(transform="pandas")
