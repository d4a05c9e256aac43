"""How unlike the training rows a row is, by what the network sees in it: its answer may then be worth
nothing.

Added up are, in units of what they usually are on rows that the network had not learnt from:

- the distance of a row from the training rows, layer by layer (``Surroundings``);
- how undecided the network is between classes or labels, the entropy of its answer.

Of rows kept from training it is known how large the sum is by chance. A row is *unlike* the training rows
where it is larger than for all but a share ``FALSE_ALARMS`` of them: then no more than this share of rows
of the same kind is called so in the long run (Laxhammar & Falkman 2010, "Conformal prediction for
distribution-independent anomaly detection in streaming vessel data"). Applying it needs numpy alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Self

import numpy as np

from lamina.features.targets.base import Target
from lamina.predictions.surroundings import HASHED, Product, Surroundings

FALSE_ALARMS: Final = 0.01  # share of rows like the training rows that are called unlike them
FEWEST: Final = 99  # rows kept from training: with fewer, none could be called so
MOST_KEPT: Final = 10_000  # rows kept from training that are looked at
MOST_LEARNT: Final = 4_000  # training rows that are
USUAL, LARGE = 0.5, 0.9  # quantiles whose distance is the unit of a part of the sum
NOISE: Final = 1e-4  # by which the same row may differ alone and among others
LEAST: Final = 1e-12


@dataclass(frozen=True)
class Novelty:
    """``layers`` say how far a row is from the training rows, one for each vector of what the network sees;
    ``units`` ``(2, part)`` hold what every part of the sum usually is, and its unit; ``sums`` ``(n,)``
    those of rows kept from training, rising."""

    layers: tuple[Surroundings, ...]
    units: np.ndarray
    sums: np.ndarray

    @classmethod
    def found(
        cls,
        target: Target,
        learnt: Sequence[np.ndarray],
        classes: np.ndarray | None,
        kept: Sequence[np.ndarray],
        decoded: np.ndarray,
        *,
        deep: bool,
    ) -> Self:
        """From what the network sees in training rows, layer by layer ``(rows, values)``, with their
        ``classes`` where the answer is one, and in ``kept`` rows, which it answers with ``decoded``.

        ``deep``: what it sees comes from texts or media alone."""
        layers = tuple(Surroundings.fit(each, classes, relative=deep).rounded() for each in learnt)
        parts = _parts(target, layers, decoded, kept)
        usual = np.quantile(parts, USUAL, axis=1)
        unit = np.maximum(np.quantile(parts, LARGE, axis=1) - usual, LEAST)
        units = np.stack([usual, unit]).astype(np.float32)
        return cls(layers, units, np.sort(_sums(parts, units)).astype(np.float32))

    def judge(self, target: Target, product: Product = np.matmul) -> _Judge:
        """Decoded answers and what was seen in the rows → how unlike they are, float32 ``(rows,)``: the
        share of the rows kept from training that are less so. ``product`` multiplies matrices."""
        return _Judge(self, target, product)

    @cached_property
    def least(self) -> float:
        """The novelty from which on a row is unlike the training rows; above 1 where rows are too few."""
        count = len(self.sums) + 1
        return (count - np.floor(FALSE_ALARMS * count + 1e-9)) / count if count * FALSE_ALARMS >= 1 else 2.0

    def unlike(self, novelty: np.ndarray) -> np.ndarray:
        """Which rows are unlike the training rows, bool ``(rows,)``."""
        step = 1 / (len(self.sums) + 1)  # novelty comes in steps; float32 may have rounded them down
        found: np.ndarray = novelty > self.least - step / 2
        return found

    def fits(self, vectors: Sequence[int]) -> bool:
        """Whether it was found for a network that sees vectors so long."""
        return [len(each.centre) for each in self.layers] == [min(HASHED, width) for width in vectors]

    def tensors(self) -> dict[str, np.ndarray]:
        found = {"units": self.units, "sums": self.sums}
        for number, layer in enumerate(self.layers):
            found |= {f"{number}.{name}": each for name, each in layer.tensors().items()}
        return {name: np.asarray(each, np.float32) for name, each in found.items()}

    @classmethod
    def of(cls, tensors: Mapping[str, np.ndarray], target: Target) -> Self:
        """What ``tensors`` wrote. Raises ValueError or KeyError where it does not fit together."""
        numbers = sorted({name.split(".")[0] for name in tensors if "." in name})
        if numbers not in (["0"], ["0", "1"]):
            raise ValueError(f"novelty has layers {numbers}")
        layers = tuple(
            Surroundings.of({n.removeprefix(f"{k}."): t for n, t in tensors.items() if n.startswith(f"{k}.")})
            for k in numbers
        )
        parts = len(layers) + _undecided(target)
        units, sums = tensors["units"], tensors["sums"]
        if units.shape != (2, parts) or sums.ndim != 1 or not FEWEST <= len(sums) <= MOST_KEPT:
            raise ValueError(f"novelty of {parts} parts has units {units.shape} and sums {sums.shape}")
        return cls(layers, units, sums)


@dataclass(frozen=True)
class _Judge:
    novelty: Novelty
    target: Target
    product: Product

    def __call__(self, decoded: np.ndarray, seen: Sequence[Any]) -> np.ndarray:
        own = self.novelty
        sums = _sums(_parts(self.target, own.layers, decoded, seen, self.product), own.units)
        less = np.searchsorted(own.sums, sums - NOISE, side="left")
        return (less / (len(own.sums) + 1)).astype(np.float32)


def _sums(parts: np.ndarray, units: np.ndarray) -> np.ndarray:
    sums: np.ndarray = ((parts - units[0][:, None]) / units[1][:, None]).sum(0)
    return sums


def _parts(
    target: Target,
    layers: Sequence[Surroundings],
    decoded: np.ndarray,
    seen: Sequence[Any],
    product: Product = np.matmul,
) -> np.ndarray:
    """``(part, rows)``."""
    told = [layer.distance(each, product) for layer, each in zip(layers, seen, strict=True)]
    return np.array([*told, entropy(target, decoded)] if _undecided(target) else told)


def _undecided(target: Target) -> bool:
    return target.answer in ("classes", "ordered", "labels")


def entropy(target: Target, decoded: np.ndarray) -> np.ndarray:
    """Of every row's answer, in nats; of labels the sum of each one's, float64 ``(rows,)``."""
    p = decoded.astype(np.float64)
    return _nats(p) + _nats(1 - p) if target.answer == "labels" else _nats(p)


def _nats(p: np.ndarray) -> np.ndarray:
    found: np.ndarray = -np.einsum("ij,ij->i", p, np.log(np.maximum(p, LEAST)))
    return found
