"""A network as an ONNX graph: what is known of it without looking into it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import msgspec
import numpy as np

FOREIGN: Final = b"location"  # a graph that names other files has this key in it


class Graph(msgspec.Struct, frozen=True, kw_only=True):
    """What a graph takes and tells, and how it was checked.

    ``inputs`` are the names of the arrays that it takes as "0", "1", …; it tells the decoded answers
    ``(rows, …)``, how far the members are apart ``(rows, target)``, and of ``layers`` layers what was seen
    ``(rows, values)``. ``weights`` is the hash of the weights that it computes with,
    ``learnt`` how many numbers training adjusted. ``gap`` is the largest
    difference from torch's answers, against 1 or the number's own size, on ``rows`` rows: ``on`` says whose.
    ``filled_up`` are groups of inputs that may be cut after the last value of the first that is not 0.
    ``int8``: large matrices have weights of 8 bits; ``scores`` are then the network's metric on those rows
    before and with them.
    """

    inputs: tuple[str, ...]
    layers: int
    weights: str
    learnt: int
    gap: float
    rows: int
    on: str
    filled_up: tuple[tuple[str, ...], ...] = ()
    int8: bool = False
    scores: tuple[float, float] | None = None


@dataclass(frozen=True)
class Onnx:
    """A graph and, read when it is wanted, its bytes."""

    graph: Graph
    read: Callable[[], bytes]


def hash_of(weights: Mapping[str, np.ndarray]) -> str:
    """SHA-256 of a network's weights, names, types and shapes included."""
    digest = hashlib.sha256()
    for name in sorted(weights):
        each = np.ascontiguousarray(weights[name])
        digest.update(f"{name} {each.dtype.str} {each.shape}\n".encode())
        digest.update(each.data if each.size else b"")
    return digest.hexdigest()


def check_alone(body: bytes) -> None:
    """Raises ValueError for a graph whose weights lie in other files: none is ever opened."""
    if FOREIGN in body:
        raise ValueError("the graph names other files")
