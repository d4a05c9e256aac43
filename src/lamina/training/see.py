"""What frozen layers make of the rows: computed once before training, not again in every pass."""

from __future__ import annotations

import numpy as np
import torch

from lamina.features.base import Arrays, Feature
from lamina.features.features import Features
from lamina.features.media import room
from lamina.network.answered import writable
from lamina.network.architecture import Architecture
from lamina.network.inputs.base import Batch, Input, layer_class
from lamina.progress import Bar

AT_ONCE = 64  # rows
PATIENCE = 2.0  # seconds before a progress bar appears


def see_once(
    architecture: Architecture, features: Features, arrays: Arrays, device: torch.device, *, shown: bool
) -> Arrays:
    """The arrays that training reads: of frozen layers what they make of the rows, of others what came in.

    What they make is also added to ``arrays``, so that judging the network need not compute it again.
    """
    read = dict(arrays)
    for feature in features:
        kind = layer_class(feature)
        if kind.frozen:
            own = {name: each for name, each in arrays.items() if _belongs(name, feature)}
            layer = kind(feature, architecture.inputs[feature.name]).to(device).eval()
            layer.load_weights()
            seen = _seen(layer, own, device, shown)
            read = {name: each for name, each in read.items() if name not in own} | seen
            arrays |= seen
    return read


def _belongs(name: str, feature: Feature) -> bool:
    return f"{name}.".startswith(f"{feature.name}.")


def _seen(layer: Input, arrays: Arrays, device: torch.device, shown: bool) -> Arrays:
    rows = len(next(iter(arrays.values())))
    found: Arrays = {}
    with Bar("looking at each row", rows, shown=shown, after=PATIENCE) as bar:
        for start in range(0, rows, AT_ONCE):
            batch: Batch = {
                name: torch.from_numpy(writable(each[start : start + AT_ONCE])).to(device)
                for name, each in arrays.items()
            }
            for name, each in layer.see(batch).items():
                values: np.ndarray = each.cpu().numpy()
                if name not in found:
                    found[name] = room((rows, *values.shape[1:]), values.dtype)
                found[name][start : start + AT_ONCE] = values
            bar.at(start + AT_ONCE)
    return found
