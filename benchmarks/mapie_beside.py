"""MAPIE on the same network: the same scores, for the same rows kept from training and the same test rows."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import numpy as np

from lamina.features.targets.base import Target
from lamina.predictions.bounds import in_units
from lamina.predictions.evaluate import Rows


def mapie_beside(target: Target, kept: Rows, rows: Rows, coverage: float) -> dict[str, float]:
    """Coverage and mean size by MAPIE; nothing where it is not installed or knows no such answers."""
    if find_spec("mapie") is None:
        return {}
    if target.answer in ("classes", "ordered"):
        return _sets(kept, rows, coverage)
    return _intervals(target, kept, rows, coverage) if target.answer == "number" else {}


def _classifier(told: np.ndarray) -> Any:
    from sklearn.base import BaseEstimator, ClassifierMixin

    class Told(ClassifierMixin, BaseEstimator):
        def fit(self, X: Any, y: Any) -> Told:
            return self

        def __sklearn_is_fitted__(self) -> bool:
            return True

        def predict_proba(self, X: np.ndarray) -> np.ndarray:
            return told[X[:, 0].astype(int)]

        def predict(self, X: np.ndarray) -> np.ndarray:
            return self.predict_proba(X).argmax(1)

    model = Told()
    model.classes_ = np.arange(told.shape[1])
    return model


def _regressor(told: np.ndarray) -> Any:
    from sklearn.base import BaseEstimator, RegressorMixin

    class Told(RegressorMixin, BaseEstimator):
        def fit(self, X: Any, y: Any) -> Told:
            return self

        def __sklearn_is_fitted__(self) -> bool:
            return True

        def predict(self, X: np.ndarray) -> np.ndarray:
            return told[X[:, 0].astype(int)]

    return Told()


def _sets(kept: Rows, rows: Rows, coverage: float) -> dict[str, float]:
    from mapie.classification import SplitConformalClassifier

    told = np.concatenate([kept.network.decoded, rows.network.decoded]).astype(np.float64)
    told /= told.sum(1, keepdims=True)
    first, second = np.split(np.arange(len(told))[:, None], [len(kept.answers)])
    found = {}
    for score in ("lac", "aps", "raps"):
        if score != "lac" and told.shape[1] == 2:  # MAPIE has no other score for two classes
            continue
        if score == "raps" and np.bincount(kept.answers, minlength=told.shape[1]).min() < 2:
            continue  # it divides the rows of every class
        model = SplitConformalClassifier(
            _classifier(told), confidence_level=coverage, conformity_score=score, prefit=True, random_state=0
        )
        model.conformalize(first, kept.answers)
        chosen = model.predict_set(second)[1][:, :, 0]
        found[f"mapie_{score}_coverage"] = float(chosen[np.arange(len(chosen)), rows.answers].mean())
        found[f"mapie_{score}_set_size"] = float(chosen.sum(1).mean())
    return found


def _intervals(target: Any, kept: Rows, rows: Rows, coverage: float) -> dict[str, float]:
    """Of constant width; in the user's unit."""
    from mapie.regression import SplitConformalRegressor

    told = in_units(target, np.concatenate([kept.network.decoded, rows.network.decoded]))
    first, second = np.split(np.arange(len(told))[:, None], [len(kept.answers)])
    model = SplitConformalRegressor(
        _regressor(told), confidence_level=coverage, conformity_score="absolute", prefit=True
    )
    model.conformalize(first, in_units(target, kept.answers))
    low, high = model.predict_interval(second)[1][:, :, 0].T
    truth = in_units(target, rows.answers)
    return {
        "mapie_absolute_coverage": float(((low <= truth) & (truth <= high)).mean()),
        "mapie_absolute_width": float((high - low).mean()),
    }
