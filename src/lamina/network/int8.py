"""A graph whose large matrices have weights of 8 bits: each column with a scale of its own, what comes in
rounded as it comes (dynamic quantization of ONNX Runtime)."""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path
from typing import Any, Final

from lamina.errors import ExportError, MissingExtraError

LARGE: Final = 2**14  # weights of a matrix from which on it is worth it


def with_int8_weights(body: bytes) -> bytes:
    """The same graph. Vectors of words stay as they are: rounded ones cost more of the score than they save.

    Raises ExportError where there is no large matrix, MissingExtraError without the extra ``onnx``.
    """
    try:
        import onnx
        from onnxruntime.quantization import QuantType, quantize_dynamic
    except ImportError as error:
        raise MissingExtraError("Rounding weights", "onnx") from error
    model = onnx.load_from_string(body)
    names = _large(model)
    if not names:
        raise ExportError(
            "The network has no large matrix: 8 bits would make it neither smaller nor faster.",
            "Export it as it is.",
        )
    del model.graph.value_info[:]  # sizes of before would contradict what is put in
    logging.getLogger().addFilter(_no_advice)
    try:
        with tempfile.TemporaryDirectory() as folder:
            whole, rounded = Path(folder) / "whole.onnx", Path(folder) / "rounded.onnx"
            onnx.save(model, whole)
            quantize_dynamic(
                whole, rounded, per_channel=True, weight_type=QuantType.QInt8, nodes_to_quantize=names
            )
            return rounded.read_bytes()
    finally:
        logging.getLogger().removeFilter(_no_advice)


def _large(model: Any) -> list[str]:
    """The products with a large matrix of weights."""
    weights = {each.name: list(each.dims) for each in model.graph.initializer}
    return [
        node.name
        for node in model.graph.node
        if node.op_type in ("MatMul", "Gemm")
        and len(size := weights.get(node.input[1], [])) == 2
        and size[0] * size[1] >= LARGE
    ]


def _no_advice(record: logging.LogRecord) -> bool:
    """Without what the library advises to do before."""
    return "pre-processing" not in record.getMessage()
