"""Small networks and trainings that the tests of this folder share."""

from __future__ import annotations

import numpy as np
import polars as pl
import torch

from lamina.features.features import Features
from lamina.network.architecture import Architecture
from lamina.network.network import Network, build
from lamina.records import Field, Schema
from lamina.training.examples import Examples
from lamina.training.loop import Training, train
from lamina.training.recipe import Recipe


def schema_of(**kinds: str) -> Schema:
    return Schema(tuple(Field(name=n, kind=k, role="input", why="test") for n, k in kinds.items()))


def features_of(frame: pl.DataFrame, **kinds: str) -> Features:
    return Features.fit(frame, schema_of(**kinds))


def numbers(x: np.ndarray) -> tuple[pl.DataFrame, Features]:
    frame = pl.DataFrame({f"x{j}": x[:, j] for j in range(x.shape[1])})
    return frame, features_of(frame, **dict.fromkeys(frame.columns, "number"))


def specs(features: Features) -> dict[str, dict[str, object]]:
    """Small sizes of every input layer."""
    picture = {"widths": [4, 6], "depths": [1, 3], "activation": "silu", "enlarge": 1, "stride": 1}
    return {
        each.name: picture if each.kind == "image" else {} if each.kind == "flag" else {"size": 4}
        for each in features
    }


def network_of(features: Features, **changes: object) -> Network:
    settings = {
        "inputs": specs(features), "hidden": (64, 64), "activation": "relu", "members": 2,
        "output": "number", "scores": 1,
    }  # fmt: skip
    return build(Architecture(**{**settings, **changes}), features, seed=0)


def tensors(features: Features, frame: pl.DataFrame) -> dict[str, torch.Tensor]:
    return {n: torch.from_numpy(np.ascontiguousarray(a)) for n, a in features.transform(frame).items()}


def fitted_on(
    features: Features, frame: pl.DataFrame, answers: np.ndarray, network: Network, **recipe: object
) -> Training:
    examples = Examples.of(features.transform(frame), answers)
    network.prepare(examples.arrays)
    plain = {"steps": 400, "batch": 128, "rate": 5e-3, "decay": 0.0, "warmup": 20, "cooldown": 0.5}
    return train(Training(network, examples, torch.arange(len(examples)), Recipe(**{**plain, **recipe})))


@torch.no_grad()
def answers_of(network: Network, features: Features, frame: pl.DataFrame) -> np.ndarray:
    network.eval()
    return network.output.decode(network(tensors(features, frame))).numpy()
