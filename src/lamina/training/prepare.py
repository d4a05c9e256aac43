"""Before the first step: what the layers start from in the training rows."""

from __future__ import annotations

from torch import Tensor

from lamina.network.network import Network
from lamina.training.examples import Examples


def prepare(network: Network, examples: Examples, rows: Tensor) -> None:
    """Shows every input layer as many training rows of its arrays as it wants.

    Evenly, because the rows of a folder come sorted by class: the first ones would be a single class.
    """
    for layer in network.input_layers():
        if layer.enough != 0:
            most = len(rows) if layer.enough is None else layer.enough
            seen = rows[:: max(1, -(-len(rows) // most))]
            own = [name for name in examples.arrays if f"{name}.".startswith(f"{layer.name}.")]
            layer.prepare({name: examples.arrays[name].index_select(0, seen) for name in own})
