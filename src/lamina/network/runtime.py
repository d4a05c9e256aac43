"""A network computed by ONNX Runtime: numpy is all that it needs besides."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from lamina.errors import MissingExtraError
from lamina.network.engine import Answered, EngineName, Judge, rows_at_once
from lamina.network.graph import Graph, check_alone
from lamina.network.matmul import matmul_graph

if TYPE_CHECKING:
    from lamina.network.network import Network

TOGETHER: Final = 32  # rows of like length that are read at once, where lengths differ
FEW: Final = 16  # rows that numpy multiplies: the way to ONNX Runtime takes longer


class OnnxNetwork:
    """An engine: the graph of a network.

    ``written`` makes decoded answers of what the graph tells, where that is not the same. ``torch`` gives
    the network in torch, when something needs it. Raises MissingExtraError where ONNX Runtime is not
    installed, ValueError for a graph that is none or not of such a network.
    """

    def __init__(
        self,
        body: bytes,
        graph: Graph,
        torch: Callable[[], Network],
        written: Callable[[np.ndarray], np.ndarray] | None = None,
    ) -> None:
        check_alone(body)
        self._session = _session(body)
        taken = [each.name for each in self._session.get_inputs()]
        numbers = {str(number): name for number, name in enumerate(graph.inputs)}
        if not set(taken) <= set(numbers) or len(self._session.get_outputs()) != 2 + graph.layers:
            raise ValueError("the graph is not of this network")
        self._inputs = [(number, numbers[number]) for number in taken]
        _check_filled_up(graph, {numbers[each.name]: each.shape for each in self._session.get_inputs()})
        self._torch, self._written, self._weights = torch, written, graph.learnt
        self._filled_up = graph.filled_up
        self._network: Network | None = None

    @property
    def kind(self) -> EngineName:
        return "onnx"

    @property
    def vectors(self) -> tuple[int, ...]:
        """How long what was seen is, layer by layer."""
        return tuple(int(each.shape[1]) for each in self._session.get_outputs()[2:])

    @property
    def weights(self) -> int:
        """How many numbers training adjusted."""
        return self._weights

    def product(self, rows: np.ndarray, matrix: np.ndarray) -> np.ndarray:
        """``rows @ matrix``: of many rows on the network's own threads."""
        if len(rows) < FEW:
            few: np.ndarray = rows @ matrix
            return few
        given = {"a": np.ascontiguousarray(rows, np.float32), "b": np.ascontiguousarray(matrix, np.float32)}
        found: np.ndarray = self._product.run(None, given)[0]
        return found

    @cached_property
    def _product(self) -> Any:
        return _session(matmul_graph())

    def in_torch(self) -> Network:
        if self._network is None:
            self._network = self._torch()
        return self._network

    def answered(self, arrays: Mapping[str, np.ndarray], judge: Judge | None = None) -> Answered:
        """The answers for encoded rows, some at a time, and what ``judge`` says of what was seen."""
        rows = len(next(iter(arrays.values())))
        if rows == 1:
            return self._answered(arrays, judge)
        if not rows:  # a graph is of one row and more
            one = {name: np.zeros((1, *each.shape[1:]), each.dtype) for name, each in arrays.items()}
            told = self._answered(one, judge)
            return Answered(*(None if each is None else each[:0] for each in told))  # type: ignore[arg-type]
        if self._filled_up and rows > TOGETHER:
            return self._by_length(arrays, judge)
        at_once = rows_at_once(arrays)
        return Answered.joined(
            self._answered({name: each[start : start + at_once] for name, each in arrays.items()}, judge)
            for start in range(0, rows, at_once)
        )

    def _by_length(self, arrays: Mapping[str, np.ndarray], judge: Judge | None) -> Answered:
        """Rows of like length together, so that little is filled up."""
        lengths = [np.count_nonzero(arrays[first], axis=1) for first, *_ in self._filled_up]
        order = np.lexsort(lengths)  # by the last group above all: what is read of it costs most
        parts = Answered.joined(
            self._answered({name: each[own] for name, each in arrays.items()}, judge)
            for own in np.array_split(order, -(-len(order) // TOGETHER))
        )
        back = np.argsort(order)
        return Answered(*(None if each is None else each[back] for each in parts))  # type: ignore[arg-type]

    def _answered(self, arrays: Mapping[str, np.ndarray], judge: Judge | None) -> Answered:
        if self._filled_up:
            arrays = cut(arrays, self._filled_up)
        told = self._session.run(None, {number: arrays[name] for number, name in self._inputs})
        decoded, spread, *seen = told
        if self._written is not None:
            decoded = self._written(decoded)
        return Answered(decoded, spread, None if judge is None else judge(decoded, seen))


def _session(body: bytes) -> Any:
    """Raises MissingExtraError where ONNX Runtime is not installed."""
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingExtraError("Answering with ONNX Runtime", "serve") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = _threads()
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # idle threads cost nothing
    return onnxruntime.InferenceSession(body, options, providers=["CPUExecutionProvider"])


def _check_filled_up(graph: Graph, shapes: Mapping[str, Sequence[int | str]]) -> None:
    """Raises ValueError where the graph does not read shorter arrays where it says so."""
    for name in (name for group in graph.filled_up for name in group):
        shape = shapes.get(name, ("rows", "length"))
        if name not in graph.inputs or len(shape) < 2 or isinstance(shape[1], int):
            raise ValueError(f"the graph does not read {name!r} at any length")


def cut(arrays: Mapping[str, np.ndarray], groups: Sequence[tuple[str, ...]]) -> Mapping[str, np.ndarray]:
    """The arrays without the zeros at the end that no row needs, one place at least."""
    shorter = dict(arrays)
    for first, *others in groups:
        used = np.flatnonzero(arrays[first].any(axis=0))
        length = int(used[-1]) + 1 if len(used) else 1
        for name in (first, *others):
            shorter[name] = arrays[name][:, :length]
    return shorter


def _threads() -> int:
    """How many threads compute, by the variable that torch looks at; 0: as many as there are cores."""
    said = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    return int(said) if said.isdecimal() else 0
