"""Which engine answers for a model file, and the network made ready in it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from lamina.errors import ModelFileError, NoGraphError, UsageError, need_torch
from lamina.features.features import Features
from lamina.features.targets.base import Target
from lamina.network.architecture import Architecture
from lamina.network.engine import Engine, EngineName
from lamina.network.graph import Graph, Onnx, hash_of
from lamina.store import file
from lamina.store.misfit import misfit

if TYPE_CHECKING:
    from lamina.network.network import Network

Wanted = Literal["auto", "torch", "onnx"]
PREFIX = "network."  # of the network's weights among those of a file


def chosen(
    wanted: Wanted, graph: Graph | None, path: str | Path, store: str | Path | None = None
) -> EngineName:
    """The engine that answers. ``auto``: ONNX Runtime where it is installed and the file holds a graph.

    Raises NoGraphError where a graph is wanted that is not there; of a version of a store (``store``) nobody
    may change the file.
    """
    if wanted == "onnx" and graph is None:
        raise NoGraphError(
            f"{path} holds no network as ONNX.",
            f"Write it once, where torch is installed: lamina export {store or path}",
            path=str(path),
        )
    if wanted not in ("auto", "torch", "onnx"):
        raise UsageError(f"There is no engine {wanted!r}.", "Choose auto, torch or onnx.", engine=wanted)
    if wanted != "auto":
        return wanted
    return "onnx" if graph is not None and find_spec("onnxruntime") else "torch"


def engine_of(
    name: EngineName,
    architecture: Architecture,
    features: Features,
    target: Target,
    weights: Mapping[str, np.ndarray],
    onnx: Onnx | None,
    path: str | Path,
) -> Engine:
    """The network in this engine. Raises ModelFileError where the file's parts do not fit together,
    MissingExtraError where what computes it is not installed."""
    if name == "torch" or onnx is None:
        return _in_torch(architecture, features, weights, path)
    from lamina.network.runtime import OnnxNetwork

    again = partial(_again, architecture, features, onnx.graph, path)
    return OnnxNetwork(onnx.read(), onnx.graph, again, target.written)


def onnx_of(
    graph: Graph | None, weights: Mapping[str, np.ndarray], digest: str, path: str | Path
) -> Onnx | None:
    """The graph in a file, whose bytes have this SHA-256; they are read when they are wanted.

    Raises ModelFileError where it does not compute with the file's own weights."""
    if graph is None:
        return None
    if graph.weights != hash_of(weights):
        raise misfit(path, "its graph has other weights than the network")
    return Onnx(graph, partial(file.read_graph, path, digest))


def _again(architecture: Architecture, features: Features, graph: Graph, path: str | Path) -> Network:
    """The same network in torch, read from the file once more."""
    need_torch("What was asked for is more than answers: it")
    from lamina.store.in_torch import network_of

    weights = under(PREFIX, file.read(path)[1])
    if hash_of(weights) != graph.weights:
        raise ModelFileError(
            f"{path} is another file than the one that was loaded.", "Load it again.", path=str(path)
        )
    return network_of(architecture, features, weights, path)


def _in_torch(
    architecture: Architecture, features: Features, weights: Mapping[str, np.ndarray], path: str | Path
) -> Engine:
    need_torch(f"{path} was not exported: answering with it")
    from lamina.store.in_torch import network_of

    return network_of(architecture, features, weights, path)


def under(prefix: str, weights: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Those whose names begin so, without it."""
    return {n.removeprefix(prefix): each for n, each in weights.items() if n.startswith(prefix)}
