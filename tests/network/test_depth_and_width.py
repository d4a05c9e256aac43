"""Deep stacks and wide layers train."""

from __future__ import annotations

import numpy as np
import torch
from small_networks import fitted_on, network_of, numbers, tensors

from lamina.training.optimizer import make_optimizers
from lamina.training.recipe import Recipe


def test_a_hundred_hidden_layers_train() -> None:
    x = np.random.default_rng(0).uniform(-2, 2, (512, 2))
    y = np.sin(2 * x[:, 0]) * x[:, 1]
    y = ((y - y.mean()) / y.std()).astype(np.float32)  # the trivial answer, the mean, has loss 1
    frame, features = numbers(x)
    network = network_of(features, hidden=(32,) * 100, members=1)
    network.loss(tensors(features, frame), torch.from_numpy(y)).backward()
    layers = [network.hidden.first, *network.hidden.rest]
    norms = [float(layer.weight.grad.norm()) for layer in layers]
    assert norms[0] > 0.1 * norms[-1], "the first layer hears of the error"
    assert max(norms) < 100 * np.median(norms), "nothing explodes"
    network.zero_grad(set_to_none=True)
    fitted = fitted_on(features, frame, y, network, steps=150, batch=256, rate=3e-3)
    assert fitted.epochs[-1].loss < 0.1


def test_a_network_of_ten_million_weights_makes_a_step() -> None:
    frame, features = numbers(np.random.default_rng(0).normal(size=(64, 4)))
    network = network_of(features, hidden=(2500, 2500, 2000), members=2)
    assert network.weights > 10_000_000
    arrays, answers = tensors(features, frame), torch.linspace(-1, 1, 64)
    (optimizer,) = make_optimizers(network, Recipe(steps=1, batch=64, rate=1e-4, decay=0.0))
    before = network.loss(arrays, answers)
    before.backward()
    optimizer.step()
    after = network.loss(arrays, answers)
    assert torch.isfinite(after)
    assert after < before
