"""Texts: TF-IDF with a linear model, fastText; and tables in which some columns are texts."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.peers.columns import Columns
from benchmarks.peers.record import Conditions, Learnt, Question, held_out, pickled, spread


def tfidf_logreg(source: pl.DataFrame, question: Question, conditions: Conditions) -> Learnt:
    from sklearn.linear_model import LogisticRegression

    return _tfidf(LogisticRegression(max_iter=1000), source, question)


def tfidf_svc(source: pl.DataFrame, question: Question, conditions: Conditions) -> Learnt:
    from sklearn.svm import LinearSVC

    return _tfidf(LinearSVC(random_state=conditions.seed), source, question)


def _tfidf(model: Any, source: pl.DataFrame, question: Question) -> Learnt:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import make_pipeline

    column = text_column(source, question)
    whole = make_pipeline(TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True), model)
    whole.fit(source[column].to_list(), question.answers(source))
    known = len(question.classes or ())
    probable = hasattr(model, "predict_proba")

    def predict(rows: pl.DataFrame) -> np.ndarray:
        texts = rows[column].to_list()
        found = whole.predict_proba(texts) if probable else whole.decision_function(texts)
        return spread(found if found.ndim == 2 else np.stack([-found, found], 1), whole.classes_, known)

    return Learnt(predict, pickled(whole), probabilities=probable)


def text_column(source: pl.DataFrame, question: Question) -> str:
    """The one column beside the target."""
    return next(name for name in source.columns if name not in (question.target, *question.spared))


def fasttext(source: pl.DataFrame, question: Question, conditions: Conditions) -> Learnt:
    """Lower-cased, punctuation split off, lines in random order, as its makers do."""
    import fasttext as library

    column = text_column(source, question)
    lines = [
        f"__label__{answer} {_words(text)}"
        for answer, text in zip(question.answers(source), source[column], strict=True)
    ]
    order = np.random.default_rng(conditions.seed).permutation(len(lines))
    file = conditions.scratch / "lines.txt"
    file.write_text("\n".join(lines[place] for place in order) + "\n", encoding="utf-8")
    model = library.train_supervised(
        str(file), wordNgrams=2, epoch=25, lr=0.5, dim=100, thread=conditions.threads,
        seed=conditions.seed, verbose=0,
    )  # fmt: skip
    known = len(question.classes or ())

    def predict(rows: pl.DataFrame) -> np.ndarray:
        out = np.zeros((rows.height, known))
        found = model.predict([_words(text) for text in rows[column]], k=known)
        for row, (names, shares) in enumerate(zip(*found, strict=True)):
            out[row, [int(name.removeprefix("__label__")) for name in names]] = np.clip(shares, 0, 1)
        return out

    def save(folder: Path) -> None:
        model.save_model(str(folder / "model.bin"))

    return Learnt(predict, save)


def _words(text: str) -> str:
    return " ".join(re.findall(r"\w+|[^\w\s]", text.lower()))


def mixed_linear(source: pl.DataFrame, question: Question, conditions: Conditions) -> Learnt:
    from sklearn.linear_model import LogisticRegression, Ridge

    model = LogisticRegression(max_iter=1000) if question.classes else Ridge()
    columns, prepare = _mixed(source, question, one_hot=True)
    model.fit(prepare(source), question.answers(source))
    return _mixed_learnt(columns, prepare, model, question)


def mixed_lightgbm(source: pl.DataFrame, question: Question, conditions: Conditions) -> Learnt:
    """TF-IDF beside the other columns, boosted trees with early stopping."""
    import lightgbm

    kind = lightgbm.LGBMClassifier if question.classes else lightgbm.LGBMRegressor
    model = kind(
        n_estimators=3000, learning_rate=0.05, random_state=conditions.seed,
        n_jobs=conditions.threads, verbosity=-1,
    )  # fmt: skip
    columns, prepare = _mixed(source, question, one_hot=False)
    inputs, answers = prepare(source), question.answers(source)
    learn, stop = held_out(answers, bool(question.classes), conditions.seed)
    model.fit(
        inputs[learn], answers[learn], eval_set=[(inputs[stop], answers[stop])],
        callbacks=[lightgbm.early_stopping(100, verbose=False)],
    )  # fmt: skip
    return _mixed_learnt(columns, prepare, model, question)


def _mixed(source: pl.DataFrame, question: Question, *, one_hot: bool) -> tuple[Columns, Any]:
    """Sparse inputs: TF-IDF of the texts beside numbers and categories."""
    from scipy import sparse
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

    columns = Columns.of(source, (question.target, *question.spared))
    frame = columns.pandas(source)
    reader = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=1 if one_hot else 5)
    reader.fit(columns.words(source))
    coded: Any = OneHotEncoder(handle_unknown="ignore")
    if not one_hot:
        coded = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    kinds = [
        (names, fitted.fit(frame[names]))
        for names, fitted in (
            (list(columns.categories), coded),
            (
                list(frame.select_dtypes(float)),
                make_pipeline(SimpleImputer(strategy="median"), StandardScaler()),
            ),
        )
        if names
    ]

    def prepare(rows: pl.DataFrame) -> Any:
        frame = columns.pandas(rows)
        parts = [sparse.csr_matrix(fitted.transform(frame[names])) for names, fitted in kinds]
        return sparse.hstack([reader.transform(columns.words(rows)), *parts], format="csr")

    prepare.__dict__["parts"] = (columns, reader, kinds)
    return columns, prepare


def _mixed_learnt(columns: Columns, prepare: Any, model: Any, question: Question) -> Learnt:
    def predict(rows: pl.DataFrame) -> np.ndarray:
        if question.classes is None:
            return model.predict(prepare(rows))
        return spread(model.predict_proba(prepare(rows)), model.classes_, len(question.classes))

    return Learnt(predict, pickled((prepare.__dict__["parts"], model)))
