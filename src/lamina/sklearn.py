"""Lamina as scikit-learn estimators: for pipelines, cross-validation and searches.

A frame (pandas, polars, Arrow) keeps its columns and is understood as ``lamina.fit`` understands it; an
array is a table of numbers, whose columns are called x0, x1, … NaN is a missing value in both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

import narwhals as nw
import numpy as np
import polars as pl
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils import assert_all_finite, check_consistent_length, check_random_state, column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from lamina import model as door
from lamina.data.frames import to_frame
from lamina.errors import ColumnError, TableError, TargetError
from lamina.records import Quality
from lamina.tasks import Answer, Predict
from lamina.training.precision import Machine

_SETTINGS = (
    *("quality", "hidden", "activation", "members", "epochs"),
    *("batch", "rate", "decay", "validation", "time_limit"),
)

_NUMBERS: Any = {"dtype": np.float64, "ensure_all_finite": "allow-nan"}  # what an array must hold


class _Estimator(BaseEstimator):  # type: ignore[misc]
    """What both estimators share.

    The parameters are those of ``lamina.Settings``; ``None`` leaves the choice to the data.
    ``random_state`` is the seed (``None`` or a ``RandomState``: a seed is drawn from it), ``kinds``
    corrects by column name what a column is taken for, ``device`` is where to train.

    After ``fit``, ``model_`` is the ``lamina.Model`` with all its verbs.
    """

    model_: door.Model
    n_features_in_: int

    def __init__(
        self,
        quality: Quality = "fast",
        *,
        hidden: Sequence[int] | None = None,
        activation: str | None = None,
        members: int | None = None,
        epochs: int | None = None,
        batch: int | None = None,
        rate: float | None = None,
        decay: float | None = None,
        validation: float | None = None,
        time_limit: float | None = None,
        random_state: int | np.random.RandomState | None = 0,
        kinds: Mapping[str, str] | None = None,
        device: str = "auto",
    ) -> None:
        self.quality = quality
        self.hidden = hidden
        self.activation = activation
        self.members = members
        self.epochs = epochs
        self.batch = batch
        self.rate = rate
        self.decay = decay
        self.validation = validation
        self.time_limit = time_limit
        self.random_state = random_state
        self.kinds = kinds
        self.device = device

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags

    def __getstate__(self) -> dict[str, Any]:
        """The network travels as the bytes of its model file: no torch module is ever pickled."""
        state = dict(super().__getstate__())
        if "model_" in state:
            state["model_"] = _packed(state["model_"])
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = dict(state)
        if "model_" in state:
            state["model_"] = _unpacked(state["model_"])
        super().__setstate__(state)

    def _checked(self, X: Any, y: Any, *, several: bool = False) -> tuple[pl.DataFrame, np.ndarray]:
        """The inputs as a frame and the answers ``(rows,)``, with ``several`` perhaps ``(rows, targets)``;
        both of at least two rows."""
        if not _is_frame(X):
            X, y = validate_data(self, X, y, **_NUMBERS, ensure_min_samples=2, multi_output=several)
            return self._named(X), y
        validate_data(self, X, y, skip_check_array=True)
        if len(X) < 2 or not self.n_features_in_:
            raise TableError(
                f"X has {len(X)} rows and {self.n_features_in_} columns.",
                "Bring at least two rows and one column.",
            )
        y = np.asarray(y) if several and np.ndim(y) == 2 else column_or_1d(y, warn=True)
        assert_all_finite(y, input_name="y")
        check_consistent_length(X, y)
        return self._renamed(X), y

    def _answered(self, X: Any) -> pl.DataFrame:
        """The answers for new rows, of which X must have the columns that ``fit`` saw."""
        check_is_fitted(self)
        answers: pl.DataFrame = self.model_.predict(self._inputs(X), probabilities=True)
        return answers

    def _inputs(self, X: Any) -> pl.DataFrame:
        if _is_frame(X):
            validate_data(self, X, skip_check_array=True, reset=False)
            return self._renamed(X)
        return self._named(validate_data(self, X, reset=False, **_NUMBERS))

    @property
    def _columns(self) -> list[str]:
        names = getattr(self, "feature_names_in_", None)
        return [f"x{n}" for n in range(self.n_features_in_)] if names is None else list(names)

    def _named(self, X: np.ndarray) -> pl.DataFrame:
        return pl.DataFrame([pl.Series(name, X[:, n]) for n, name in enumerate(self._columns)])

    def _renamed(self, X: Any) -> pl.DataFrame:
        """A frame whose columns have no names of text (pandas numbers them) is named like an array."""
        frame = to_frame(X)
        return frame.rename(dict(zip(frame.columns, self._columns, strict=True)))

    def _train(self, X: Any, y: Any, inputs: pl.DataFrame, answers: list[pl.Series], answer: Answer) -> None:
        names = _target_names(y, len(answers), inputs.columns)
        kinds = {} if _is_frame(X) else dict.fromkeys(inputs.columns, "number")
        self.model_ = door.fit(
            inputs.with_columns(each.alias(name) for each, name in zip(answers, names, strict=True)),
            Predict(names, answer=answer),
            kinds=kinds | dict(self.kinds or {}),
            on=Machine(device=self.device, progress=False),
            seed=_seed(self.random_state),
            allow=("leak",),  # which columns X holds is the caller's choice here
            **{name: _plain(getattr(self, name)) for name in _SETTINGS},
        )


class LaminaClassifier(ClassifierMixin, _Estimator):  # type: ignore[misc]
    """A network that tells classes apart, as a scikit-learn classifier.

    >>> from lamina.sklearn import LaminaClassifier
    >>> heights, tall = [[1.5], [1.6], [1.7], [1.8]] * 25, ["no", "no", "yes", "yes"] * 25
    >>> LaminaClassifier().fit(heights, tall).predict([[1.55], [1.75]]).tolist()
    ['no', 'yes']
    """

    classes_: np.ndarray

    def fit(self, X: Any, y: Any) -> Self:
        """Trains on ``X`` ``(rows, columns)`` and the classes ``y`` ``(rows,)``.

        Raises TargetError (a ``ValueError``) where there is one class only.
        """
        inputs, classes = self._checked(X, y)
        check_classification_targets(classes)
        self.classes_, codes = np.unique(classes, return_inverse=True)
        if len(self.classes_) < 2:
            raise TargetError(
                f"y holds one class only, {self.classes_.tolist()[0]!r}: there is nothing to tell apart.",
                "Bring rows of at least two classes.",
                classes=self.classes_.tolist(),
            )
        self._train(X, y, inputs, [pl.Series(codes, dtype=pl.Int64)], "classes")
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """The probability of every class in the order of ``classes_``, float64 ``(rows, classes)``."""
        answers = self._answered(X)
        columns = [f"probability_{code}" for code in range(len(self.classes_))]
        raw = answers.select(columns).cast(pl.Float64).to_numpy()
        unread = np.flatnonzero(np.isnan(raw).any(1))
        if len(unread):
            raise ColumnError(
                f"{len(unread):,} rows hold nothing that can be read, the first is row {unread[0]}.",
                "Leave them out, or ask model_.predict, which answers them as missing.",
                rows=unread[:100].tolist(),
            )
        probabilities: np.ndarray = raw / raw.sum(1, keepdims=True)
        return probabilities

    def predict(self, X: Any) -> np.ndarray:
        """The most probable class of each row, ``(rows,)``, of the type that ``y`` had."""
        likely = self.predict_proba(X).argmax(1)
        chosen: np.ndarray = self.classes_[likely]
        return chosen


class LaminaRegressor(RegressorMixin, _Estimator):  # type: ignore[misc]
    """A network that predicts a number, as a scikit-learn regressor.

    >>> from lamina.sklearn import LaminaRegressor
    >>> sides = [[n / 10] for n in range(100)]
    >>> areas = [side**2 for [side] in sides]
    >>> round(LaminaRegressor().fit(sides, areas).score(sides, areas), 1)
    1.0
    """

    _flat: bool

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def fit(self, X: Any, y: Any) -> Self:
        """Trains on ``X`` ``(rows, columns)`` and the numbers ``y``, ``(rows,)`` or ``(rows, targets)``.

        Raises TargetError (a ``ValueError``) where all numbers of a target are the same.
        """
        inputs, numbers = self._checked(X, y, several=True)
        self._flat = numbers.ndim == 1
        columns = numbers.reshape(len(numbers), -1).astype(np.float64)
        self._train(X, y, inputs, [pl.Series(each) for each in columns.T], "number")
        return self

    def predict(self, X: Any) -> np.ndarray:
        """The numbers of each row, float64, shaped as ``y`` was; NaN where nothing of a row could be read."""
        answers = self._answered(X)  # says so where nothing was fitted
        told = [f"predicted_{name}" for name in self.model_.fitted.target.targets]
        numbers: np.ndarray = answers.select(told).to_numpy()
        return numbers[:, 0] if self._flat else numbers


def _is_frame(X: Any) -> bool:
    return bool(nw.dependencies.is_into_dataframe(X))


def _target_names(y: Any, count: int, taken: Sequence[str]) -> tuple[str, ...]:
    """What ``y`` calls itself or its columns, else "y" or "y0", "y1", …; never the name of an input."""
    own = [getattr(y, "name", None)] if count == 1 else list(getattr(y, "columns", [None] * count))
    names: list[str] = []
    for number, each in enumerate(own):
        name = each if isinstance(each, str) and each else "y" if count == 1 else f"y{number}"
        while name in taken or name in names:
            name += "_"
        names.append(name)
    return tuple(names)


def _seed(state: int | np.random.RandomState | None) -> int:
    if isinstance(state, int | np.integer):
        return int(state)
    return int(check_random_state(state).randint(2**31 - 1))


def _plain(value: Any) -> Any:
    """A setting as Python has it: searches draw numpy's numbers and arrays."""
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    return tuple(map(_plain, value)) if isinstance(value, list | tuple) else value


def _packed(model: door.Model) -> bytes:
    with TemporaryDirectory() as folder:
        return model.save(Path(folder, "model.lamina")).read_bytes()


def _unpacked(content: bytes) -> door.Model:
    with TemporaryDirectory() as folder:
        path = Path(folder, "model.lamina")
        path.write_bytes(content)
        return door.load(path)
