"""A trained network as an ONNX graph that was held against torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import msgspec
import numpy as np
import polars as pl

from lamina.errors import ExportError, TargetError
from lamina.features.base import Arrays
from lamina.features.made import made_rows
from lamina.network.answered import seen_by
from lamina.network.export import exported, filled_up
from lamina.network.graph import Graph, Onnx, hash_of
from lamina.network.int8 import with_int8_weights
from lamina.network.runtime import TOGETHER, OnnxNetwork
from lamina.predictions.answers import answers_for
from lamina.training.fitted import Fitted

RISE: Final = 0.03  # share by which the error may rise where weights have 8 bits
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


def as_int8(fitted: Fitted, onnx: Onnx, frame: pl.DataFrame, on: str) -> Onnx:
    """The graph with weights of 8 bits, judged on the rows of a conformed frame, which have known answers and
    should not be those learnt from.

    Raises ExportError where answers are worse by more than a share ``RISE`` of their error, TargetError for
    rows without answers.
    """
    body, graph = with_int8_weights(onnx.read()), onnx.graph
    answers = fitted.target.encode(frame)
    if not len(answers):
        raise TargetError(
            f"No row of {on} has an answer to judge by.", "Name rows whose answers are known.", on=on
        )
    written = fitted.target.written
    whole, rounded = (
        answers_for(replace(fitted, engine=OnnxNetwork(each, graph, fitted.engine.in_torch, written)), frame)
        for each in (onnx.read(), body)
    )
    errors = [fitted.target.error(each, answers) for each in (whole, rounded)]
    before, after = (fitted.target.judge(each, answers)[fitted.metric] for each in (whole, rounded))
    if not errors[1] <= errors[0] * (1 + RISE):
        raise ExportError(
            f"With weights of 8 bits the answers are worse: their error rises by "
            f"{errors[1] / errors[0] - 1:.1%} on {len(answers):,} rows of {on} ({fitted.metric} {after:.4g} "
            f"instead of {before:.4g}); {RISE:.0%} are allowed.",
            "Export it without int8.",
            before=before,
            after=after,
        )
    told = msgspec.structs.replace(
        graph, gap=_apart(whole, rounded), rows=len(answers), on=on, int8=True, scores=(before, after)
    )
    return Onnx(told, lambda: body)


def _gaps(fitted: Fitted, engine: OnnxNetwork, arrays: Arrays) -> tuple[float, float]:
    """The largest differences of answers, of rows together and of a few alone, and of what is seen."""
    decoded, layers = seen_by(fitted.network, arrays)
    spread = fitted.network.answered(arrays).spread
    parts: list[Sequence[np.ndarray]] = []

    def watch(told: np.ndarray, seen: Sequence[np.ndarray]) -> np.ndarray:
        parts.append(seen)
        return np.zeros(len(told), np.float32)

    told = engine.answered(arrays)
    for start in range(0, len(decoded), TOGETHER):  # so few are not put in another order
        engine.answered({name: each[start : start + TOGETHER] for name, each in arrays.items()}, watch)
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
