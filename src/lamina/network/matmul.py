"""The product of two matrices in ONNX Runtime, on the threads that compute the network.

numpy has threads of its own, which after every product go on waiting for the next one, spinning, while those
of ONNX Runtime want the same cores. The graph is one operator, so it is written out here, byte by byte, as
the format has it (onnx.proto3); the package ``onnx`` is not needed to answer.
"""

from __future__ import annotations

from typing import Final

FLOAT: Final = 1  # TensorProto.FLOAT
IR_VERSION, OPSET = 8, 18  # of the format, of the operators


def matmul_graph() -> bytes:
    """A model that takes float32 ``a`` ``(n, k)`` and ``b`` ``(k, m)`` and tells ``c`` ``(n, m)``."""
    node = _text(1, "a") + _text(1, "b") + _text(2, "c") + _text(4, "MatMul")
    graph = _part(1, node) + _text(2, "product")
    graph += _part(11, _value("a", "n", "k")) + _part(11, _value("b", "k", "m"))
    graph += _part(12, _value("c", "n", "m"))
    return _number(1, IR_VERSION) + _part(7, graph) + _part(8, _number(2, OPSET))


def _value(name: str, *sizes: str) -> bytes:
    shape = b"".join(_part(1, _text(2, size)) for size in sizes)
    return _text(1, name) + _part(2, _part(1, _number(1, FLOAT) + _part(2, shape)))


def _number(field: int, value: int) -> bytes:
    return bytes([field << 3]) + _varint(value)


def _text(field: int, value: str) -> bytes:
    return _part(field, value.encode())


def _part(field: int, content: bytes) -> bytes:
    return bytes([field << 3 | 2]) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    """Seven bits a byte, the lowest first."""
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    return bytes([*found, value])
