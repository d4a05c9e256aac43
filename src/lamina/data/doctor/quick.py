"""A quick model of all columns together, for checks that compare or doubt: scikit-learn, cross-fitted.

It is no rival of the network: it stands before the features are made, needs no torch, and is used only by
``lamina doctor``. Plain columns go to boosted trees, texts to a linear model of their words, pictures to
the nearest neighbours of their small grey pixels; the probabilities are averaged.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
import polars as pl

from lamina.data.doctor.case import PLAIN, Case
from lamina.data.doctor.pictures import SIDE, small_pictures
from lamina.data.doctor.strength import as_numbers, binned
from lamina.records import Field

MOST_CODES: Final = 250  # values of a category that the trees tell apart
MOST_TEXT: Final = 2000  # characters of a text
WORDS: Final = 30_000  # words and pairs of words that the linear model knows
NEIGHBOURS: Final = 12
MOST_TREES: Final = 60

# The rows to learn from and the rows to judge → class probabilities (rows, class), or numbers (rows,)
Model = Callable[[np.ndarray, np.ndarray], np.ndarray]


def models(case: Case, rows: np.ndarray, answers: np.ndarray, fields: Sequence[Field]) -> list[Model]:
    """One model for the plain columns, one per text and picture column. Places refer to ``rows``."""
    plain = [each for each in fields if each.kind in PLAIN]
    made: list[Model] = [trees(case, rows, answers, plain)] if plain else []
    for field in fields:
        column = case.frame[field.name].gather(pl.Series(rows)) if field.name in case.frame.columns else None
        if field.kind == "text" and column is not None:
            made.append(_words(column, answers, len(case.classes)))
        if field.kind == "image" and column is not None:
            made.append(_neighbours(column, answers, len(case.classes)))
    return made


def matrix(case: Case, rows: np.ndarray, fields: Sequence[Field]) -> tuple[np.ndarray, np.ndarray]:
    """Plain columns as float64 ``(rows, columns)``, missing as NaN, and which columns are categories."""
    frame = case.frame.select([each.name for each in fields])[rows]
    columns = [
        np.minimum(binned(frame[each.name]), MOST_CODES).astype(np.float64)
        if each.kind == "category"
        else as_numbers(frame[each.name])
        for each in fields
    ]
    table = np.stack(columns, axis=1)
    table[~np.isfinite(table)] = np.nan
    return table, np.array([each.kind == "category" for each in fields])


def trees(case: Case, rows: np.ndarray, answers: np.ndarray, fields: Sequence[Field]) -> Model:
    """Boosted trees on the plain columns."""
    table, categories = matrix(case, rows, fields)
    classes = len(case.classes)

    def model(learnt: np.ndarray, judged: np.ndarray) -> np.ndarray:
        from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

        kind: Any = HistGradientBoostingClassifier if classes else HistGradientBoostingRegressor
        passes = max(10, min(MOST_TREES, 400 // max(classes, 1)))
        boosted = kind(
            max_iter=passes, learning_rate=0.15, categorical_features=categories, early_stopping=False,
            max_leaf_nodes=24, random_state=0,
        ).fit(table[learnt], answers[learnt])  # fmt: skip
        if not classes:
            return boosted.predict(table[judged])
        return _spread(boosted.predict_proba(table[judged]), boosted.classes_, classes)

    return model


def _words(texts: pl.Series, answers: np.ndarray, classes: int) -> Model:
    """A linear model of words and pairs of words; its margins become probabilities by one temperature."""
    cells = texts.fill_null("").str.slice(0, MOST_TEXT).to_list()

    def model(learnt: np.ndarray, judged: np.ndarray) -> np.ndarray:
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.linear_model import Ridge
        from sklearn.svm import LinearSVC

        reader = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, max_features=WORDS, min_df=1)
        try:
            seen = reader.fit_transform([cells[each] for each in learnt])
        except ValueError:  # no word in any text
            return _nothing(answers, learnt, len(judged), classes)
        new = reader.transform([cells[each] for each in judged])
        if not classes:
            return Ridge(alpha=1.0).fit(seen, answers[learnt]).predict(new)
        machine = LinearSVC(C=0.3, random_state=0).fit(seen, answers[learnt])
        margins = machine.decision_function(new)
        margins = np.stack([-margins, margins], axis=1) if margins.ndim == 1 else margins
        return _spread(_shares(margins, 4.0), machine.classes_, classes)

    return model


def _neighbours(pictures: pl.Series, answers: np.ndarray, classes: int) -> Model:
    """The nearest pictures by their small grey pixels, each brought to mean 0 and length 1."""
    small, _ = small_pictures(pictures)
    flat = small.reshape(len(small), SIDE * SIDE)
    flat = flat - flat.mean(1, keepdims=True)
    flat /= np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-6)

    def model(learnt: np.ndarray, judged: np.ndarray) -> np.ndarray:
        from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

        kind: Any = KNeighborsClassifier if classes else KNeighborsRegressor
        near = kind(n_neighbors=min(NEIGHBOURS, len(learnt)), algorithm="brute")
        near.fit(flat[learnt], answers[learnt])
        if not classes:
            return near.predict(flat[judged])
        return _spread(near.predict_proba(flat[judged]), near.classes_, classes)

    return model


def _nothing(answers: np.ndarray, learnt: np.ndarray, rows: int, classes: int) -> np.ndarray:
    """What to answer where nothing can be learnt: the mean, or the shares of the classes."""
    if not classes:
        return np.full(rows, answers[learnt].mean())
    return np.tile(np.bincount(answers[learnt], minlength=classes) / len(learnt), (rows, 1))


def _shares(margins: np.ndarray, heat: float) -> np.ndarray:
    scores = np.exp(heat * (margins - margins.max(1, keepdims=True)))
    return scores / scores.sum(1, keepdims=True)


def _spread(shares: np.ndarray, known: np.ndarray, classes: int) -> np.ndarray:
    """Probabilities of all classes, 0 for those the model has not seen."""
    if len(known) == classes:
        return shares
    every = np.zeros((len(shares), classes))
    every[:, known.astype(np.int64)] = shares
    return every


def out_of_fold(made: Sequence[Model], answers: np.ndarray, classes: int, folds: int) -> np.ndarray:
    """What the models say of each row without having seen it: the mean over the models."""
    fold = np.random.default_rng(0).permutation(len(answers)) % folds
    said = np.zeros((len(answers), classes) if classes else len(answers))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of passes that ended before they converged: good enough here
        for each in range(folds):
            learnt, judged = np.flatnonzero(fold != each), np.flatnonzero(fold == each)
            if len(np.unique(answers[learnt])) < 2:
                said[judged] = _nothing(answers, learnt, len(judged), classes)
                continue
            said[judged] = np.mean([model(learnt, judged) for model in made], axis=0)
    return said


def told(said: np.ndarray, answers: np.ndarray) -> float:
    """Share of the answer told, 0 to 1: of the entropy for probabilities ``(rows, class)``, else R²."""
    if said.ndim == 1:
        return max(0.0, 1 - float(((said - answers) ** 2).mean() / max(answers.var(), 1e-300)))
    shares = np.bincount(answers, minlength=said.shape[1]) / len(answers)
    whole = -float((shares[shares > 0] * np.log(shares[shares > 0])).sum())
    loss = -float(np.log(np.clip(said[np.arange(len(answers)), answers], 1e-6, 1)).mean())
    return max(0.0, 1 - loss / max(whole, 1e-300))
