"""What computes a network's answers: torch, or the same graph in ONNX Runtime. No torch is needed here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, Protocol

import numpy as np

if TYPE_CHECKING:
    from lamina.network.network import Network

EngineName = Literal["torch", "onnx"]
MOST_ROWS: Final = 4096  # answered at once
FEWEST_ROWS: Final = 4
MOST_VALUES: Final = 1_000_000  # raw values answered at once
MEDIA: Final = 5  # how many times a pixel or a sample counts
FLOAT: Final = 4  # bytes

# Decoded answers ``(rows, …)`` and, layer by layer, what was seen in each row ``(rows, values)``, arrays or
# tensors on a GPU → a number per row, float32 ``(rows,)``
Judge = Callable[[np.ndarray, Sequence[Any]], np.ndarray]


class Answered(NamedTuple):
    """Decoded answers ``(rows, …)``, as the network gives them, and how far its members are apart, in the
    units of the scores, one column per target ``(rows, target)``; both float32. ``novelty`` ``(rows,)`` is
    what a judge says of every row, where one was asked."""

    decoded: np.ndarray
    spread: np.ndarray
    novelty: np.ndarray | None = None

    @classmethod
    def joined(cls, parts: Iterable[Answered]) -> Answered:
        """Rows after rows."""
        decoded, spread, novelty = zip(*parts, strict=True)
        told = None if novelty[0] is None else np.concatenate(novelty)
        return cls(np.concatenate(decoded), np.concatenate(spread), told)

    @classmethod
    def mean(cls, networks: Sequence[Answered]) -> Answered:
        """What several networks answered to the same rows, taken together."""
        decoded, spread, _ = zip(*networks, strict=True)
        return cls(np.mean(decoded, axis=0), np.mean(spread, axis=0))


class Engine(Protocol):
    """One network, and how it is computed."""

    @property
    def kind(self) -> EngineName:
        """By which program it is computed."""

    @property
    def vectors(self) -> tuple[int, ...]:
        """How long the vectors of what is seen in a row are, layer by layer."""

    @property
    def weights(self) -> int:
        """How many numbers training adjusted."""

    def answered(self, arrays: Mapping[str, np.ndarray], judge: Judge | None = None) -> Answered:
        """The answers for encoded rows, and what ``judge`` says of what was seen in them."""

    def product(self, rows: np.ndarray, matrix: np.ndarray) -> np.ndarray:
        """``rows @ matrix``, float32, as fast as the network multiplies: for those who judge what was
        seen."""

    def in_torch(self) -> Network:
        """The same network in torch, for what takes more than answers. Raises MissingExtraError where torch
        is not installed."""


def rows_at_once(arrays: Mapping[str, Any]) -> int:
    """How many rows to answer together, of tensors as of arrays: so many that their activations stay in
    memory which the process keeps from one batch to the next."""
    values = sum(int(np.prod(each.shape[1:])) * _weight(each) for each in arrays.values())
    return max(FEWEST_ROWS, min(MOST_ROWS, MOST_VALUES // max(values, 1)))


def _weight(array: Any) -> int:
    """Media come in bytes or two: their activations are many times their values."""
    return MEDIA if array.dtype.itemsize < FLOAT and array.ndim > 1 else 1
