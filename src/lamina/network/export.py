"""A network in torch → the same as an ONNX graph."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lamina.errors import ExportError, MissingExtraError
from lamina.network.answered import writable
from lamina.network.graph import check_alone
from lamina.network.network import Network

OPSET = 18  # of the operators that the graph is written in
LARGEST = 2**31 - 2**20  # bytes that a graph can have
LOGGERS = ("torch.onnx._internal.exporter._registration", "torch.onnx", "onnxscript", "onnx_ir")


class _Told(nn.Module):
    """All that answering needs of a network, as one function of tensors; what its layers compute with that is
    no part of it (``elsewhere``) becomes part of the graph."""

    def __init__(self, network: Network, names: Sequence[str]) -> None:
        super().__init__()
        self.network, self.names = network, names
        self.elsewhere = nn.ModuleList(
            held for layer in network.input_layers() if (held := layer.held_elsewhere()) is not None
        )

    def forward(self, *arrays: Tensor) -> tuple[Tensor, ...]:
        scores, seen = self.network.told(dict(zip(self.names, arrays, strict=True)))
        output = self.network.output
        return output.told(scores), output.spread(scores), *(each.float() for each in seen)


def exported(network: Network, arrays: Mapping[str, np.ndarray]) -> bytes:
    """The graph, for any number of rows; ``arrays`` are a few rows to try it with, two at least.

    Raises ExportError for what no graph can be made of, MissingExtraError where the packages for it are not
    installed.
    """
    try:
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise MissingExtraError("Writing ONNX", "onnx") from error
    names, tensors = list(arrays), [torch.from_numpy(writable(each)) for each in arrays.values()]
    with _quiet(), torch.no_grad():
        try:
            told = _Told(network.eval(), names)
            program = torch.export.export(
                told, tuple(tensors), dynamic_shapes=(_sizes(network, arrays),), strict=False
            )
            numbers = [str(number) for number in range(len(names))]
            made = torch.onnx.export(
                program, dynamo=True, input_names=numbers, opset_version=OPSET, verbose=False
            )
        except Exception as error:  # of whatever kind: a part of the network that has no graph
            raise ExportError(
                f"The network cannot be written as ONNX: {_first_line(error)}", "Answer with torch."
            ) from error
    return _bytes(made)


def _sizes(network: Network, arrays: Mapping[str, np.ndarray]) -> tuple[dict[int, Any], ...]:
    """Which axes of every array may have any size: the rows, and those that are filled up to the longest."""
    sizes = {name: {0: torch.export.Dim("rows", min=1)} for name in arrays}
    for number, group in enumerate(filled_up(network)):
        length = torch.export.Dim(f"length_{number}", min=1, max=arrays[group[0]].shape[1])
        for name in group:
            sizes[name][1] = length
    return tuple(sizes.values())


def filled_up(network: Network) -> tuple[tuple[str, ...], ...]:
    """The arrays of all layers that may be shorter where no row needs more."""
    return tuple(group for layer in network.input_layers() for group in layer.filled_up())


def _bytes(made: Any) -> bytes:
    """The graph alone: without the lines of code that it came from, and their folders."""
    model = made.model
    model.metadata_props.clear()
    for graph in (model.graph, *model.functions.values()):
        graph.metadata_props.clear()
        graph.doc_string = None
        for node in graph.all_nodes():
            node.metadata_props.clear()
            node.doc_string = None
            for value in node.outputs:
                value.metadata_props.clear()
                value.doc_string = None
    size = sum(each.const_value.nbytes for each in model.graph.initializers.values())
    if size > LARGEST:
        raise ExportError(f"A graph of {size:,} bytes is beyond what ONNX holds.", "Answer with torch.")
    body: bytes = made.model_proto.SerializeToString(deterministic=True)
    check_alone(body)
    return body


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what the exporter says of packages that nobody needs."""
    loggers = [logging.getLogger(name) for name in LOGGERS]
    levels = [each.level for each in loggers]
    try:
        for each in loggers:
            each.setLevel(logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for each, level in zip(loggers, levels, strict=True):
            each.setLevel(level)


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else ''}"
