"""How far a row is from the training rows, in what one layer of the network sees of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Self

import numpy as np

HASHED: Final = 256  # values at most; more are added up in so many places
DIRECTIONS: Final = 128  # in which distances are measured one by one
RIDGE: Final = 0.01  # of the mean variance, added to each
LEAST: Final = 1e-12


@dataclass(frozen=True)
class Surroundings:
    """Where the training rows lie: ``centre`` ``(values,)``; ``directions`` ``(values, d)`` in which they
    vary most, orthonormal, and their ``variance`` ``(d,)``; the classes' ``means`` there ``(class, d)``;
    ``scale`` ``(d, d)``, which gives rows of one class the covariance 1; ``rest``, the variance per value
    beside the directions, 0 where there is none. No row is kept.

    The distance is Mahalanobis's to the nearest class (Lee et al. 2018, "A simple unified framework for
    detecting out-of-distribution samples and adversarial attacks"), beside the directions as in "ViM" (Wang
    et al. 2022). ``relative`` takes the distance to all rows off it: of what deep layers see, much varies
    that tells nothing of the classes (Ren et al. 2021, "A simple fix to Mahalanobis distance")."""

    centre: np.ndarray
    directions: np.ndarray
    variance: np.ndarray
    means: np.ndarray
    scale: np.ndarray
    rest: float
    relative: bool

    @classmethod
    def fit(cls, seen: np.ndarray, classes: np.ndarray | None, *, relative: bool) -> Self:
        """From ``(rows, values)`` of training rows and the codes of their classes, -1 for none known."""
        told = hashed(seen).astype(np.float64)
        centre = told.mean(0)
        away = told - centre
        values, vectors = np.linalg.eigh(away.T @ away / len(away))
        values, vectors = np.maximum(values[::-1], 0.0), vectors[:, ::-1]
        kept, ridge = min(DIRECTIONS, len(centre)), max(RIDGE * float(values.mean()), LEAST)
        inside = away @ vectors[:, :kept]
        means = class_means(inside, classes)
        within = inside if classes is None else (inside - means[classes])[classes >= 0]
        spread = within.T @ within / max(len(within), 1)
        spread += max(RIDGE * np.trace(spread) / kept, LEAST) * np.eye(kept)
        rest = max(float(values[kept:].mean()), ridge) if kept < len(centre) else 0.0
        return cls(
            centre,
            vectors[:, :kept],
            values[:kept] + ridge,
            means,
            np.linalg.inv(np.linalg.cholesky(spread)).T,
            rest,
            relative and classes is not None,
        )

    def distance(self, seen: np.ndarray) -> np.ndarray:
        """Squared, float64 ``(rows,)``; below zero where the distance is relative and the row nearer to a
        class than to the middle of all."""
        away = hashed(seen) - self._centre
        placed = away @ self._onto
        own, inside = placed[:, : len(self.scale)], placed[:, len(self.scale) :]
        squares = (own**2).sum(1)[:, None] - 2 * own @ self._means.T + (self._means**2).sum(1)
        nearest = np.maximum(squares.min(1), 0.0).astype(np.float64)
        if self.relative:
            return nearest - (inside**2 @ (1 / self.variance))
        if not self.rest:
            return nearest
        outside = np.maximum((away**2).sum(1) - (inside**2).sum(1), 0.0)
        return nearest + outside / self.rest

    @cached_property
    def _centre(self) -> np.ndarray:
        return self.centre.astype(np.float32)

    @cached_property
    def _means(self) -> np.ndarray:
        return (self.means @ self.scale).astype(np.float32)

    @cached_property
    def _onto(self) -> np.ndarray:
        """One product for both: distances to classes, and the directions where they are needed."""
        both = [self.directions @ self.scale]
        both += [self.directions] if self.relative or self.rest else []
        return np.concatenate(both, axis=1).astype(np.float32)

    def rounded(self) -> Self:
        """As a file gives it back."""
        return self.of({name: each.astype(np.float32) for name, each in self.tensors().items()})

    def tensors(self) -> dict[str, np.ndarray]:
        return {
            "centre": self.centre,
            "directions": self.directions,
            "variance": self.variance,
            "means": self.means,
            "scale": self.scale,
            "rest": np.array([self.rest, float(self.relative)]),
        }

    @classmethod
    def of(cls, tensors: Mapping[str, np.ndarray]) -> Self:
        """What ``tensors`` wrote. Raises ValueError or KeyError where it does not fit together."""
        told = {name: each.astype(np.float64) for name, each in tensors.items()}
        (values, kept), classes = told["directions"].shape, len(told["means"])
        wanted = {
            "centre": (values,),
            "directions": (values, kept),
            "variance": (kept,),
            "means": (classes, kept),
            "scale": (kept, kept),
            "rest": (2,),
        }
        if {name: each.shape for name, each in told.items()} != wanted or not classes:
            raise ValueError("the surroundings of the training rows do not fit together")
        if not (told["variance"] > 0).all():
            raise ValueError("a variance is not above zero")
        rest, relative = told.pop("rest")
        return cls(**told, rest=float(rest), relative=bool(relative))


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


def hashed(seen: np.ndarray) -> np.ndarray:
    """Values beyond ``HASHED`` added up in so many places, with signs: distances stay nearly as they are
    (Weinberger et al. 2009, "Feature hashing for large scale multitask learning")."""
    width = seen.shape[1]
    if width <= HASHED:
        return seen
    mixed = np.arange(1, width + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    signs = np.where(mixed >> np.uint64(40) & np.uint64(1), 1.0, -1.0).astype(seen.dtype)
    summed = np.zeros((len(seen), HASHED), seen.dtype)
    for start in range(0, width, HASHED):
        own = signs[start : start + HASHED]
        summed[:, : len(own)] += seen[:, start : start + HASHED] * own
    return summed
