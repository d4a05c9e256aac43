"""Looking inside a network: its layers, and the way of one row from raw value to answer."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import polars as pl
import torch
from torch import nn

from lamina.network.engine import Answered
from lamina.network.network import Network
from lamina.predictions.answers import answer_frame, covered_by
from lamina.training.fitted import Fitted

SHOWN = 5  # neurons of a layer, values of an array


class LayerInfo(msgspec.Struct, frozen=True):
    """One layer: its shape in words, neurons, and how many weights it has."""

    name: str
    shape: str
    neurons: int
    weights: int


class LayerTrace(msgspec.Struct, frozen=True):
    """What one row made of one layer, first member: weighted sums and activations of every neuron."""

    name: str
    sums: list[float]
    activations: list[float]


class Trace(msgspec.Struct, frozen=True):
    """The way of one row: raw values, encoded arrays, layers, scores of each member, answer."""

    raw: dict[str, Any]
    encoded: dict[str, list[float]]
    layers: list[LayerTrace]
    scores: list[list[float]]
    answer: dict[str, Any]


def layers_of(fitted: Fitted) -> list[LayerInfo]:
    """The layers in the order in which data passes through them."""
    network = fitted.network
    found = []
    for feature, layer in zip(fitted.features, network.input_layers(), strict=True):
        shape = f"{feature.describe()} → {layer.width}"
        found.append(LayerInfo("input", shape, layer.width, _count(layer)))
    hidden = network.hidden
    layers = [[each.first, *each.rest] if each.first else [] for each in hidden.teams]
    for number, alike in enumerate(zip(*layers, strict=True), 1):
        neurons, inputs = alike[0].weight.shape
        members = f", {hidden.members} members" if hidden.members > 1 else ""
        members += f" in {len(alike)} teams" if len(alike) > 1 else ""
        shape = f"{inputs} → {neurons}, {network.architecture.activation}{members}"
        found.append(LayerInfo(f"hidden {number}", shape, neurons, sum(map(_count, alike))))
    scores = network.architecture.scores
    if network.additive is not None:
        share = float(network.additive.share)
        shape = (
            f"{len(network.additive.weight)} → {scores}, a sum over columns, share {share:g} of the scores"
        )
        found.append(LayerInfo("additive", shape, scores, network.additive.solved))
    shape = f"{hidden.width} → {scores} {network.architecture.output}"
    found.append(LayerInfo("output", shape, scores, _count(network.output)))
    return found


def describe_network(fitted: Fitted) -> str:
    """The layers as a table in plain text."""
    rows = layers_of(fitted)
    lines = [f"{'layer':<10}{'neurons':>9}{'weights':>14}  shape"]
    lines += [f"{r.name:<10}{r.neurons:>9,}{r.weights:>14,}  {r.shape}" for r in rows]
    return "\n".join([*lines, f"{'all':<10}{'':>9}{fitted.network.weights:>14,}"])


@torch.no_grad()
def trace(fitted: Fitted, frame: pl.DataFrame) -> Trace:
    """The way of the one row of a conformed frame through the network."""
    network = fitted.network.eval()
    arrays = fitted.features.transform(frame)
    tensors = {name: torch.from_numpy(each) for name, each in arrays.items()}
    joined = network.joined([layer(tensors) for layer in network.input_layers()])
    first = joined.reshape(-1, joined.shape[-1])[0].tolist()
    layers = [LayerTrace("inputs joined", first, first)]
    layers += [
        LayerTrace(name, sums[0, 0].tolist(), active[0, 0].tolist())
        for name, sums, active in network.hidden.trace(joined)
    ]
    scores = network.scores(tensors)
    raw = Answered(network.output.answer(scores).numpy(), network.output.spread(scores).numpy())
    answer = answer_frame(fitted, raw, np.ones(1, bool), probabilities=True, values=covered_by(fitted, frame))
    return Trace(
        raw={name: _plain(value) for name, value in frame.row(0, named=True).items()},
        encoded={name: each.reshape(-1).astype(float).tolist() for name, each in arrays.items()},
        layers=layers,
        scores=scores[:, 0].tolist(),
        answer=answer.row(0, named=True),
    )


def trace_row(fitted: Fitted, frame: pl.DataFrame) -> str:
    """``trace`` in plain text."""
    found = trace(fitted, frame)
    lines = ["raw values"]
    lines += [f"  {name} = {value}" for name, value in found.raw.items()]
    lines.append("features")
    lines += [f"  {name}: {_some(values)}" for name, values in found.encoded.items()]
    for layer in found.layers:
        lines.append(f"{layer.name} ({len(layer.sums)} neurons)")
        if layer.sums != layer.activations:
            lines.append(f"  weighted sums: {_some(layer.sums)}")
        lines.append(f"  activations:   {_some(layer.activations)}")
    lines.append("scores, one line per member")
    lines += [f"  {_some(scores)}" for scores in found.scores[:SHOWN]]
    if len(found.scores) > SHOWN:
        lines.append(f"  … and {len(found.scores) - SHOWN} more")
    lines.append(f"answer ({fitted.network.output.meaning})")
    return "\n".join([*lines, *(f"  {name} = {_shown(v)}" for name, v in found.answer.items())])


def _some(values: list[float]) -> str:
    more = f" … {len(values)} values" if len(values) > SHOWN else ""
    return ", ".join(f"{value:.4g}" for value in values[:SHOWN]) + more


def _shown(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _plain(value: Any) -> Any:
    """A raw value as something that can be read and written as JSON."""
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    if isinstance(value, list | pl.Series):
        return f"{len(value)} values"
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def _count(layer: nn.Module | Network) -> int:
    return sum(each.numel() for each in layer.parameters() if each.requires_grad)
