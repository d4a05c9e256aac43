"""Backpropagation against central differences, in float64, through whole networks."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
import torch
from small_networks import features_of, network_of, numbers, tensors

from lamina.network.network import Network


def pictures(rows: int, *shape: int) -> pl.Series:
    pixels = np.random.default_rng(0).integers(0, 256, (rows, *shape), dtype=np.uint8)
    return pl.Series("picture", pixels, dtype=pl.Array(pl.UInt8, shape))


def frame_of(kind: str) -> tuple[pl.DataFrame, dict[str, str]]:
    rng = np.random.default_rng(1)
    number = pl.Series("amount", [None, *rng.normal(size=11)])
    word = pl.Series("colour", ["red", "blue", None, "red", "blue", "once"] * 2)
    flag = pl.Series("member", [True, False, None] * 4)
    return {
        "number": (pl.DataFrame([number]), {"amount": "number"}),
        "category": (pl.DataFrame([word]), {"colour": "category"}),
        "image": (pl.DataFrame([pictures(12, 8, 8, 3)]), {"picture": "image"}),
        "all": (
            pl.DataFrame([number, word, flag, pictures(12, 8, 8)]),
            {"amount": "number", "colour": "category", "member": "flag", "picture": "image"},
        ),
    }[kind]


def worst_gradient_error(network: Network, loss: object, samples: int = 6) -> float:
    """The largest difference, relative to the largest gradient of the same weights, over sampled weights."""
    network.zero_grad()
    loss().backward()
    rng, worst, step = np.random.default_rng(0), 0.0, 1e-6
    for name, weights in network.named_parameters():
        if not weights.requires_grad:
            continue
        if weights.grad is None:
            assert name.endswith("absent"), name  # no missing value among these rows
            continue
        values, top = weights.data, max(float(weights.grad.abs().max()), 1e-4)
        for i in rng.choice(values.numel(), min(samples, values.numel()), replace=False):
            at = np.unravel_index(i, values.shape)
            old = values[at].item()
            values[at] = old + step
            above = loss().item()
            values[at] = old - step
            below = loss().item()
            values[at] = old
            worst = max(worst, abs((above - below) / (2 * step) - weights.grad[at].item()) / top)
    return worst


@pytest.mark.parametrize("output", ["classes", "number"])
@pytest.mark.parametrize("kind", ["number", "category", "image", "all"])
def test_gradients_equal_finite_differences(kind: str, output: str) -> None:
    frame, kinds = frame_of(kind)
    features = features_of(frame, **kinds)
    classes = output == "classes"
    network = network_of(
        features, output=output, scores=3 if classes else 1, activation="silu", hidden=(7, 5),
        members=3, smoothing=0.1 if classes else 0.0,
    ).double()  # fmt: skip
    arrays = tensors(features, frame)
    network.prepare({n: a.double() if a.is_floating_point() else a for n, a in arrays.items()})
    rows = torch.arange(len(frame))
    answers = rows % 3 if classes else torch.sin(rows.double())
    weights = torch.linspace(0.5, 1.5, len(frame)).double()
    network.train()
    assert worst_gradient_error(network, lambda: network.loss(arrays, answers, weights)) < 1e-5


@pytest.mark.parametrize("name", ["gelu", "silu", "tanh", "elu", "identity"])
def test_gradients_of_deep_residual_stacks_equal_finite_differences(name: str) -> None:
    frame, features = numbers(np.random.default_rng(0).normal(size=(9, 2)))
    network = network_of(features, hidden=(6,) * 7, activation=name).double()
    arrays, answers = tensors(features, frame), torch.linspace(-1, 1, 9).double()
    assert worst_gradient_error(network, lambda: network.loss(arrays, answers)) < 1e-5


def test_torch_agrees_about_the_perceptron() -> None:
    from lamina.network.hidden.perceptron import Perceptron

    torch.manual_seed(0)
    layers = Perceptron(3, (5, 5), "tanh", members=2).double()
    x = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(layers, (x,))
