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
    """All that answering needs of a network, as one function of tensors."""

    def __init__(self, network: Network, names: Sequence[str]) -> None:
        super().__init__()
        self.network, self.names = network, names

    def forward(self, *arrays: Tensor) -> tuple[Tensor, ...]:
        scores, seen = self.network.told(dict(zip(self.names, arrays, strict=True)))
        output = self.network.output
        return output.told(scores), output.spread(scores), *(each.float() for each in seen)


def exported(network: Network, arrays: Mapping[str, np.ndarray]) -> bytes:
    """The graph, for any number of rows; ``arrays`` are a few rows to try it with, two at least.

    Raises ExportError for what no graph can be made of, MissingExtraError where the packages for it are not
    installed.
    """
    frozen = [layer.name for layer in network.input_layers() if not layer.holds_all]
    if frozen:
        raise ExportError(
            f"What the encoder that reads {frozen[0]!r} computes with is no part of the model.",
            'Answer with torch, or train with pretrained=False or quality="best".',
            input=frozen[0],
        )
    try:
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise MissingExtraError("Writing ONNX", "onnx") from error
    names, tensors = list(arrays), [torch.from_numpy(writable(each)) for each in arrays.values()]
    rows = torch.export.Dim("rows", min=1)
    with _quiet(), torch.no_grad():
        try:
            told = _Told(network.eval(), names)
            program = torch.export.export(
                told, tuple(tensors), dynamic_shapes=(tuple({0: rows} for _ in names),), strict=False
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
