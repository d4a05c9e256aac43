"""How far a row is from the training rows, in what one layer of the network sees of them."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Final, Self

import numpy as np

HASHED: Final = 256  # values at most; more are added up in so many places
RIDGE: Final = 0.01  # of the mean variance, added to each
LEAST: Final = 1e-12

Product = Callable[[np.ndarray, np.ndarray], np.ndarray]  # of two matrices, float32


@dataclass(frozen=True)
class Surroundings:
    """Where the training rows lie: ``centre`` ``(values,)``; ``within`` ``(values, values)``, which gives
    rows of one class the covariance 1, and ``overall``, which gives it to all rows, empty where the distance
    is not relative; the classes' ``means`` ``(class, values)`` under ``within``. No row is kept.

    The distance is Mahalanobis's to the nearest class (Lee et al. 2018, "A simple unified framework for
    detecting out-of-distribution samples and adversarial attacks"). A relative one takes the distance to
    all rows off it: of what deep layers see, much varies that tells nothing of the classes (Ren et al. 2021,
    "A simple fix to Mahalanobis distance")."""

    centre: np.ndarray
    within: np.ndarray
    overall: np.ndarray
    means: np.ndarray

    @classmethod
    def fit(cls, seen: np.ndarray, classes: np.ndarray | None, *, relative: bool) -> Self:
        """From ``(rows, values)`` of training rows and the codes of their classes, -1 for none known."""
        told = hashed(seen).astype(np.float64)
        centre = told.mean(0)
        away = told - centre
        means = class_means(away, classes)
        own = away if classes is None else (away - means[classes])[classes >= 0]
        within = whitening(own)
        overall = whitening(away) if relative and classes is not None else np.empty((len(centre), 0))
        return cls(centre, within, overall, means @ within)

    def distance(self, seen: Any, product: Product = np.matmul) -> np.ndarray:
        """Squared, float64 ``(rows,)``; below zero where the distance is relative and the row nearer to a
        class than to the middle of all. ``product`` multiplies matrices. Where ``seen`` is a tensor, torch
        computes on its device: what a GPU saw need not come here."""
        device = None if isinstance(seen, np.ndarray) else seen.device
        centre, onto, means, middles = self._constants if device is None else self._on(device)
        times: Any = product if device is None else operator.matmul
        placed = times(hashed(seen) - centre, onto)
        own, all_in_all = placed[:, : len(self.centre)], placed[:, len(self.centre) :]
        nearer = _least(middles - 2 * times(own, means))
        nearest = _float64((_lengths(own) + nearer).clip(min=0))
        return nearest - _float64(_lengths(all_in_all)) if self.relative else nearest

    @property
    def relative(self) -> bool:
        return self.overall.shape[1] > 0

    @cached_property
    def _constants(self) -> tuple[np.ndarray, ...]:
        """The centre; ``within`` and ``overall`` side by side, one product for both; the classes' means, and
        how far they are from the middle of all, squared; float32."""
        onto = np.concatenate([self.within, self.overall], axis=1)
        parts = self.centre, onto, np.ascontiguousarray(self.means.T), _lengths(self.means)
        return tuple(each.astype(np.float32) for each in parts)

    def _on(self, device: Any) -> tuple[Any, ...]:
        """The same as tensors."""
        if device not in self._elsewhere:
            from torch import from_numpy

            self._elsewhere[device] = tuple(from_numpy(each).to(device) for each in self._constants)
        return self._elsewhere[device]

    @cached_property
    def _elsewhere(self) -> dict[Any, tuple[Any, ...]]:
        return {}

    def rounded(self) -> Self:
        """As a file gives it back."""
        return self.of({name: each.astype(np.float32) for name, each in self.tensors().items()})

    def tensors(self) -> dict[str, np.ndarray]:
        return {
            "centre": self.centre,
            "within": self.within,
            "overall": self.overall,
            "means": self.means,
        }

    @classmethod
    def of(cls, tensors: Mapping[str, np.ndarray]) -> Self:
        """What ``tensors`` wrote. Raises ValueError or KeyError where it does not fit together."""
        told = {name: each.astype(np.float64) for name, each in tensors.items()}
        values, classes = len(told["centre"]), len(told["means"])
        overall = values if told["overall"].size else 0
        wanted = {
            "centre": (values,),
            "within": (values, values),
            "overall": (values, overall),
            "means": (classes, values),
        }
        if {name: each.shape for name, each in told.items()} != wanted or not classes:
            raise ValueError("the surroundings of the training rows do not fit together")
        return cls(**told)


def whitening(away: np.ndarray) -> np.ndarray:
    """``(values, values)``, which gives these rows ``(rows, values)`` around 0 nearly the covariance 1."""
    spread = away.T @ away / max(len(away), 1)
    spread += max(RIDGE * np.trace(spread) / len(spread), LEAST) * np.eye(len(spread))
    found: np.ndarray = np.linalg.inv(np.linalg.cholesky(spread)).T
    return found


def _lengths(vectors: Any) -> Any:
    """Squared."""
    return _einsum(vectors)("ij,ij->i", vectors, vectors)


def _least(values: Any) -> Any:
    """Of every row."""
    if not isinstance(values, np.ndarray):
        return values.amin(1)
    # Classes first: the least of a few numbers side by side takes numpy longer than the products
    return np.ascontiguousarray(values.T).min(0)


def _float64(values: Any) -> np.ndarray:
    array: np.ndarray = values if isinstance(values, np.ndarray) else values.cpu().numpy()
    return array.astype(np.float64)


def _einsum(like: Any) -> Callable[..., Any]:
    """That of the library whose array it is."""
    if isinstance(like, np.ndarray):
        return np.einsum
    import torch

    return torch.einsum


def class_means(inside: np.ndarray, classes: np.ndarray | None) -> np.ndarray:
    """``(class, d)``, as if a row more of each lay in the middle of all: of a class of one row the mean is
    not that row."""
    if classes is None:
        return np.zeros((1, inside.shape[1]))
    count = np.bincount(classes[classes >= 0], minlength=1)
    sums = np.zeros((len(count), inside.shape[1]))
    np.add.at(sums, classes[classes >= 0], inside[classes >= 0])
    means: np.ndarray = sums / (count[:, None] + 1)
    return means


def hashed(seen: Any) -> Any:
    """Values beyond ``HASHED`` added up in so many places, with signs: distances stay nearly as they are
    (Weinberger et al. 2009, "Feature hashing for large scale multitask learning"). Of an array, or of a
    tensor."""
    width = seen.shape[1]
    if width <= HASHED:
        return seen
    signs: Any = _signs(width)
    signs = signs.astype(seen.dtype) if isinstance(seen, np.ndarray) else seen.new_tensor(signs)
    whole = width // HASHED * HASHED
    blocks = seen[:, :whole].reshape(len(seen), -1, HASHED)
    summed = _einsum(seen)("rij,ij->rj", blocks, signs[:whole].reshape(-1, HASHED))
    summed[:, : width - whole] += seen[:, whole:] * signs[whole:]
    return summed


@lru_cache(maxsize=16)
def _signs(width: int) -> np.ndarray:
    mixed = np.arange(1, width + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    return np.where(mixed >> np.uint64(40) & np.uint64(1), 1.0, -1.0).astype(np.float32)
