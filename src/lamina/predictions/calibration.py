"""Honest probabilities: what the network says, corrected on rows that it had not learnt from.

Five corrections are compared, each fitted and judged on different rows, and the one with the least log loss
is kept: none; one temperature (Guo et al. 2017, "On calibration of modern neural networks"); a linear map of
the logarithms (Kull et al. 2019, "Beyond temperature scaling: Dirichlet calibration"); a rising step
function per class (Zadrozny & Elkan 2002); the mean of that and a temperature. Applying one needs numpy
alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self

import numpy as np

from lamina.scores.classes import LEAST as LEAST_IN_LOSS
from lamina.scores.classes import log_loss
from lamina.scores.labels import labels_log_loss

FOLDS: Final = 5
MOST_CLASSES: Final = 20  # for maps with weights or steps of every class
LEAST_PER_CLASS: Final = 20  # rows of every class, for the same
LEAST: Final = 1e-7  # a probability in a logarithm
FEWEST: Final = 50  # rows: with fewer, probabilities stay as they are
MOST_CELLS: Final = 1_000_000  # rows × classes corrected at once, and that a temperature is found on
STRENGTH: Final = 10.0  # how little a linear map is held to be small, as scikit-learn's C


@dataclass(frozen=True)
class Calibrator:
    """A correction of probabilities by name, with its numbers.

    ``none``; ``temperature`` of logarithms, or of the ``odds`` of labels: one number; ``linear``:
    ``weights`` ``(class, class)`` and ``bias`` ``(class,)``; ``steps``: ``knots`` and ``values``, ``(class,
    step)``, filled up with their last."""

    name: str = "none"
    numbers: Mapping[str, np.ndarray] = field(default_factory=dict)

    def __call__(self, probabilities: np.ndarray) -> np.ndarray:
        """``(rows, class)`` → the same, float32, every row with the sum one."""
        if self.name == "none" or not len(probabilities):
            return probabilities
        told = np.empty(probabilities.shape, np.float32)
        size = max(1, MOST_CELLS // probabilities.shape[1])
        for start in range(0, len(told), size):  # many rows of many classes in float64 take gigabytes
            part = probabilities[start : start + size].astype(np.float64)
            told[start : start + size] = _APPLY[self.name](part, self.numbers)
        return told

    @classmethod
    def fit(cls, probabilities: np.ndarray, answers: np.ndarray) -> Self:
        """The best of the corrections for these rows; ``answers`` are codes, -1 is left out."""
        known = answers >= 0
        p, y = probabilities[known].astype(np.float64), answers[known]
        if len(y) < FEWEST:
            return cls()
        losses = {name: _crossed(name, p, y) for name in _candidates(y, p.shape[1])}
        best = min(losses, key=lambda name: losses[name])
        return cls(best, _FIT[best](p, y))

    @classmethod
    def by(cls, name: str, probabilities: np.ndarray, answers: np.ndarray) -> Self:
        """The correction of this name for these rows; none where they are few, or lack a class."""
        known = answers >= 0
        p, y = probabilities[known].astype(np.float64), answers[known]
        if name == "none" or len(y) < FEWEST:
            return cls()
        if name != "temperature" and len(np.unique(y)) < p.shape[1]:
            return cls()
        return cls(name, _FIT[name](p, y))

    @classmethod
    def fit_labels(cls, probabilities: np.ndarray, answers: np.ndarray) -> Self:
        """One temperature for all labels, each by itself; ``answers`` 0 and 1, ``(rows, label)``."""
        if len(answers) < FEWEST:
            return cls()
        return cls("odds", _fit_odds(probabilities.astype(np.float64), answers))

    def extend(self, classes: int) -> Self:
        """With room for more classes, whose probabilities stay as they are; the old ones' corrections too."""
        numbers = dict(self.numbers)
        if "weights" in numbers:
            old = len(numbers["bias"])
            weights = np.eye(classes)
            weights[:old, :old] = numbers["weights"]
            numbers |= {"weights": weights, "bias": np.pad(numbers["bias"], (0, classes - old))}
        if "knots" in numbers:
            old, steps = numbers["knots"].shape
            straight = np.tile(np.linspace(0, 1, steps), (classes - old, 1))
            numbers |= {name: np.concatenate([numbers[name], straight]) for name in ("knots", "values")}
        return type(self)(self.name, numbers)

    def tensors(self) -> dict[str, np.ndarray]:
        return {name: np.asarray(each, np.float64) for name, each in self.numbers.items()}

    @classmethod
    def of(cls, name: str, numbers: Mapping[str, np.ndarray], classes: int) -> Self:
        """The calibrator with these numbers. Raises ValueError where they are not those of one."""
        wanted = {key: shape(classes) for key, shape in _SHAPES[name].items()}
        if set(numbers) != set(wanted):
            raise ValueError(f"a calibration by {name} has {sorted(wanted)}")
        for key, shape in wanted.items():
            given = numbers[key].shape
            if len(given) != len(shape) or any(s not in (None, g) for s, g in zip(shape, given, strict=True)):
                raise ValueError(f"{key} of the calibration is {given}")
        return cls(name, dict(numbers))


def _candidates(answers: np.ndarray, classes: int) -> list[str]:
    counts = np.bincount(answers, minlength=classes)
    rich = classes <= MOST_CLASSES and counts.min() >= LEAST_PER_CLASS
    plain = ["none", "temperature", *(["linear"] if classes == 2 else [])]
    return [*plain, *(["steps", "mixed"] if rich else [])]


def _crossed(name: str, p: np.ndarray, y: np.ndarray) -> float:
    """Log loss on rows that the correction was not fitted on."""
    folds = np.random.default_rng(0).permutation(len(y)) % FOLDS
    answered = np.empty_like(p)
    for fold in range(FOLDS):
        away, here = folds != fold, folds == fold
        if name in ("linear", "steps", "mixed") and len(np.unique(y[away])) < p.shape[1]:
            return float("inf")
        answered[here] = _APPLY[name](p[here], _FIT[name](p[away], y[away]))
    return log_loss(answered, y)


# ------------------------------------------------------------------------------------ the corrections


def _logs(p: np.ndarray) -> np.ndarray:
    return np.log(np.minimum(np.maximum(p, LEAST), 1.0))  # np.clip takes longer of one row


def _softmax(scores: np.ndarray) -> np.ndarray:
    raised = np.exp(scores - scores.max(1, keepdims=True))
    shares: np.ndarray = raised / raised.sum(1, keepdims=True)
    return shares


def _fit_temperature(p: np.ndarray, y: np.ndarray) -> dict[str, np.ndarray]:
    rows = np.linspace(0, len(y) - 1, min(len(y), max(1000, MOST_CELLS // p.shape[1]))).astype(np.int64)
    logs, y = _logs(p[rows]), y[rows]
    logs -= logs.max(1, keepdims=True)
    came = logs[np.arange(len(y)), y]

    def loss(heat: float) -> float:  # the log loss of the softmax, which need not be worked out for it
        cold = np.exp(-heat)
        told = came * cold - np.log(np.exp(logs * cold).sum(1))
        return float(np.minimum(-told, -np.log(LEAST_IN_LOSS)).mean())

    low, high = -2.0, 2.0
    for _ in range(30):  # the loss has one valley: close in on it by thirds
        left, right = low + (high - low) / 3, high - (high - low) / 3
        low, high = (low, right) if loss(left) < loss(right) else (left, high)
    return {"temperature": np.array(np.exp((low + high) / 2))}


def _temperature(p: np.ndarray, numbers: Mapping[str, np.ndarray]) -> np.ndarray:
    return _softmax(_logs(p) / float(numbers["temperature"]))


def _fit_linear(p: np.ndarray, y: np.ndarray) -> dict[str, np.ndarray]:
    """Of two classes a map that never turns their order round, however few rows there are of one: where the
    logarithms of both would, that of the odds alone, or none (Kull et al. 2017, "Beta calibration")."""
    logs = _logs(p)
    weights, bias = _logistic(logs, y)
    if len(weights) == 1:  # of two classes scikit-learn gives the second's alone
        if weights[0, 0] > 0 or weights[0, 1] < 0:
            slope, bias = _logistic(logs[:, 1:] - logs[:, :1], y)
            weights = slope * (-1.0, 1.0)
            if slope[0, 0] <= 0:
                weights, bias = np.array([[-1.0, 1.0]]), np.zeros(1)
        weights, bias = np.concatenate([0 * weights, weights]), np.concatenate([0 * bias, bias])
    return {"weights": weights, "bias": bias}


def _logistic(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=STRENGTH, solver="newton-cholesky").fit(x, y)
    return model.coef_, model.intercept_


def _linear(p: np.ndarray, numbers: Mapping[str, np.ndarray]) -> np.ndarray:
    return _softmax(_logs(p) @ numbers["weights"].T + numbers["bias"])


def _fit_steps(p: np.ndarray, y: np.ndarray) -> dict[str, np.ndarray]:
    from sklearn.isotonic import IsotonicRegression

    curves = []
    for k in range(p.shape[1]):
        model = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(p[:, k], y == k)
        curves.append((model.X_thresholds_, model.y_thresholds_))
    longest = max(len(x) for x, _ in curves)

    def filled(values: np.ndarray) -> np.ndarray:
        return np.pad(values, (0, longest - len(values)), mode="edge")

    return {
        "knots": np.stack([filled(x) for x, _ in curves]),
        "values": np.stack([filled(v) for _, v in curves]),
    }


def _steps(p: np.ndarray, numbers: Mapping[str, np.ndarray]) -> np.ndarray:
    """Class by class between the steps, mixed with a trace of what came in so that none is zero."""
    curves = zip(p.T, numbers["knots"], numbers["values"], strict=True)
    risen = np.array([np.interp(own, x, v) for own, x, v in curves]).T.copy()
    risen = 0.99 * risen + 0.01 * p
    shares: np.ndarray = risen / risen.sum(1, keepdims=True)
    return shares


def _fit_odds(p: np.ndarray, y: np.ndarray) -> dict[str, np.ndarray]:
    """The temperature of the logarithms of the odds with the least log loss, of which none is one."""
    heats = np.exp(np.linspace(-2, 2, 41))
    losses = [labels_log_loss(_odds(p, {"temperature": np.array(heat)}), y) for heat in heats]
    return {"temperature": np.array(heats[int(np.argmin(losses))])}


def _odds(p: np.ndarray, numbers: Mapping[str, np.ndarray]) -> np.ndarray:
    held = np.clip(p, LEAST, 1 - LEAST)
    logs = np.log(held / (1 - held)) / float(numbers["temperature"])
    shares: np.ndarray = 1 / (1 + np.exp(-logs))
    return shares


def _fit_mixed(p: np.ndarray, y: np.ndarray) -> dict[str, np.ndarray]:
    return _fit_temperature(p, y) | _fit_steps(p, y)


def _mixed(p: np.ndarray, numbers: Mapping[str, np.ndarray]) -> np.ndarray:
    """The mean of both: the errors of the one are not those of the other."""
    both: np.ndarray = (_temperature(p, numbers) + _steps(p, numbers)) / 2
    return both


_FIT: Final[dict[str, Callable[[np.ndarray, np.ndarray], dict[str, np.ndarray]]]] = {
    "none": lambda p, y: {},
    "temperature": _fit_temperature,
    "linear": _fit_linear,
    "steps": _fit_steps,
    "mixed": _fit_mixed,
}
_APPLY: Final[dict[str, Callable[[np.ndarray, Mapping[str, np.ndarray]], np.ndarray]]] = {
    "none": lambda p, numbers: p,
    "temperature": _temperature,
    "linear": _linear,
    "steps": _steps,
    "mixed": _mixed,
    "odds": _odds,
}
_SHAPES: Final[dict[str, dict[str, Callable[[int], tuple[Any, ...]]]]] = {
    "none": {},
    "temperature": {"temperature": lambda classes: ()},
    "odds": {"temperature": lambda classes: ()},
    "mixed": {
        "temperature": lambda classes: (),
        "knots": lambda classes: (classes, None),
        "values": lambda classes: (classes, None),
    },
    "linear": {"weights": lambda classes: (classes, classes), "bias": lambda classes: (classes,)},
    "steps": {"knots": lambda classes: (classes, None), "values": lambda classes: (classes, None)},
}
