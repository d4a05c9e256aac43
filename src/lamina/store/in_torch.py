"""The network of a model file in torch: sizes are compared before memory for them is taken."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
import torch

from lamina.features.features import Features
from lamina.network.architecture import Architecture
from lamina.network.layout import layout
from lamina.network.network import Network
from lamina.store.misfit import misfit

MOST_LAYERS: Final = 10_000  # hidden layers that a manifest may describe


def network_of(
    architecture: Architecture, features: Features, weights: Mapping[str, np.ndarray], path: str | Path
) -> Network:
    """The network with these weights. Raises ModelFileError where they do not fit."""
    if len(architecture.hidden) > MOST_LAYERS:
        raise misfit(path, f"it describes {len(architecture.hidden):,} hidden layers")
    layers = layout(architecture, features)
    tensors = {name: torch.from_numpy(each) for name, each in weights.items()}
    wanted, stored = _shapes(layers), _shapes(tensors)
    if wanted != stored:
        wrong = sorted({*wanted.items()} ^ {*stored.items()}, key=str)[0]
        raise misfit(path, f"the weights do not fit the layers it describes {wrong}")
    network = Network(architecture, features)
    network.load_state_dict(tensors)
    return network.eval()


def _shapes(tensors: Mapping[str, torch.Tensor]) -> dict[str, tuple[str, tuple[int, ...]]]:
    return {name: (str(each.dtype), tuple(each.shape)) for name, each in tensors.items()}
