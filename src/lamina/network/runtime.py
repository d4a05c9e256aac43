"""A network computed by ONNX Runtime: numpy is all that it needs besides."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from lamina.errors import MissingExtraError
from lamina.network.engine import Answered, EngineName, Judge, rows_at_once
from lamina.network.graph import Graph, check_alone

if TYPE_CHECKING:
    from lamina.network.network import Network


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
        try:
            import onnxruntime
        except ImportError as error:
            raise MissingExtraError("Answering with ONNX Runtime", "serve") from error
        check_alone(body)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = _threads()
        options.log_severity_level = 3
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # idle threads cost nothing
        self._session = onnxruntime.InferenceSession(body, options, providers=["CPUExecutionProvider"])
        taken = [each.name for each in self._session.get_inputs()]
        numbers = {str(number): name for number, name in enumerate(graph.inputs)}
        if not set(taken) <= set(numbers) or len(self._session.get_outputs()) != 2 + graph.layers:
            raise ValueError("the graph is not of this network")
        self._inputs = [(number, numbers[number]) for number in taken]
        self._torch, self._written, self._weights = torch, written, graph.learnt
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
        """``rows @ matrix``."""
        found: np.ndarray = rows @ matrix
        return found

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
        at_once = rows_at_once(arrays)
        return Answered.joined(
            self._answered({name: each[start : start + at_once] for name, each in arrays.items()}, judge)
            for start in range(0, rows, at_once)
        )

    def _answered(self, arrays: Mapping[str, np.ndarray], judge: Judge | None) -> Answered:
        told = self._session.run(None, {number: arrays[name] for number, name in self._inputs})
        decoded, spread, *seen = told
        if self._written is not None:
            decoded = self._written(decoded)
        return Answered(decoded, spread, None if judge is None else judge(decoded, seen))


def _threads() -> int:
    """How many threads compute, by the variable that torch looks at; 0: as many as there are cores."""
    said = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    return int(said) if said.isdecimal() else 0
