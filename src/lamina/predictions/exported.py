"""A trained network as an ONNX graph that was held against torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np
import polars as pl

from lamina.errors import ExportError
from lamina.features.base import Arrays
from lamina.features.made import made_rows
from lamina.network.answered import seen_by
from lamina.network.export import exported, filled_up
from lamina.network.graph import Graph, Onnx, hash_of
from lamina.network.runtime import OnnxNetwork
from lamina.training.fitted import Fitted

CLOSE: Final = 1e-5  # between torch and the graph, against 1 or the number's own size
SEEN: Final = 1e-3  # the same of what is seen on the way: of it only the novelty's rank is told
MADE: Final = 64  # rows, where no real ones are at hand
MOST: Final = 1024  # real rows


def as_onnx(fitted: Fitted, frame: pl.DataFrame | None = None, on: str = "") -> Onnx:
    """The graph of a network, held against torch on up to ``MOST`` rows, evenly taken, of a conformed frame
    that is called ``on``; without one, on made rows.

    Raises ExportError where no graph can be made, or where it answers otherwise.
    """
    network = fitted.network
    if frame is None or not frame.height:
        arrays, on = made_rows(fitted.features, fitted.schema, MADE, fitted.settings.seed), "made rows"
    else:
        rows = np.unique(np.linspace(0, frame.height - 1, min(frame.height, MOST)).astype(np.int64))
        arrays = fitted.features.transform(frame[rows])
    some = made_rows(fitted.features, fitted.schema, 3, fitted.settings.seed)
    body = exported(network, some)
    weights = {name: each.cpu().numpy() for name, each in network.state_dict().items()}
    graph = Graph(
        inputs=tuple(some),
        layers=len(network.vectors),
        weights=hash_of(weights),
        learnt=network.weights,
        gap=0.0,
        rows=len(next(iter(arrays.values()))),
        on=on,
        filled_up=filled_up(network),
    )
    engine = OnnxNetwork(body, graph, fitted.engine.in_torch, fitted.target.written)
    gap, seen = _gaps(fitted, engine, arrays)
    if not (gap <= CLOSE and seen <= SEEN):
        raise ExportError(
            f"The graph answers otherwise than torch: by {gap:.1g} on {graph.rows:,} rows ({on}), and sees "
            f"them otherwise by {seen:.1g}.",
            "Answer with torch, and report it, with the summary of the model.",
            gap=gap,
            seen=seen,
        )
    return Onnx(msgspec.structs.replace(graph, gap=gap), lambda: body)


def _gaps(fitted: Fitted, engine: OnnxNetwork, arrays: Arrays) -> tuple[float, float]:
    """The largest differences of answers, of rows together and of a few alone, and of what is seen."""
    decoded, layers = seen_by(fitted.network, arrays)
    spread = fitted.network.answered(arrays).spread
    parts: list[Sequence[np.ndarray]] = []

    def watch(told: np.ndarray, seen: Sequence[np.ndarray]) -> np.ndarray:
        parts.append(seen)
        return np.zeros(len(told), np.float32)

    told = engine.answered(arrays, watch)
    gaps = [_apart(decoded, told.decoded), _apart(spread, told.spread)]
    for row in range(min(4, len(decoded))):
        alone = engine.answered({name: each[row : row + 1] for name, each in arrays.items()})
        gaps.append(_apart(decoded[row : row + 1], alone.decoded))
    seen = [np.concatenate(layer) for layer in zip(*parts, strict=True)]
    return max(gaps), max(_apart(a, b) for a, b in zip(layers, seen, strict=True))


def _apart(one: np.ndarray, two: np.ndarray) -> float:
    """The largest difference, against 1 or the number's own size; infinite where shapes differ or one is
    not a number."""
    if one.shape != two.shape:
        return float("inf")
    apart = np.abs(one.astype(np.float64) - two) / np.maximum(1.0, np.abs(one))
    found = float(apart.max(initial=0.0))
    return found if np.isfinite(found) else float("inf")
