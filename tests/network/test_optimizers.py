"""The optimizers: Muon's orthogonal steps, AdamW's groups."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch
from small_networks import network_of, numbers
from torch import nn

from lamina.training.optimizer import AdamW, Muon, make_optimizers, orthogonal
from lamina.training.recipe import Recipe

RECIPE = Recipe(steps=1, batch=1, rate=1e-3, decay=0.1)


@pytest.mark.parametrize("shape", [(8, 72), (64, 36), (32, 32)])
def test_a_step_of_muon_is_nearly_orthogonal(shape: tuple[int, int]) -> None:
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    strengths = torch.linalg.svdvals(orthogonal(matrix, steps=5))
    assert strengths.max() < 1.3
    assert strengths.median() > 0.6
    few = torch.linalg.svdvals(orthogonal(matrix))
    assert few.max() / few.median() < 3 < torch.linalg.cond(matrix) or shape != (32, 32)


def test_orthogonal_keeps_the_directions() -> None:
    torch.manual_seed(0)
    matrix = torch.randn(10, 40)
    left, _, right = torch.linalg.svd(matrix, full_matrices=False)
    step = orthogonal(matrix, steps=5)
    assert ((left.T @ step @ right.T).diagonal() > 0.5).all()
    assert torch.isfinite(orthogonal(torch.zeros(3, 4))).all()


def test_muon_makes_a_loss_fall_and_keeps_the_norm() -> None:
    torch.manual_seed(0)
    layer, x = nn.Conv2d(3, 8, 3, bias=False), torch.randn(16, 3, 6, 6)
    goal = nn.Conv2d(3, 8, 3, bias=False)(x).detach() * 3
    optimizer = Muon([layer.weight], 0.05)
    losses = []
    for _ in range(40):
        loss = (layer(x) - goal).square().mean()
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 2
    assert layer.weight.norm().item() == pytest.approx(8**0.5, rel=0.2)


def test_weight_decay_pulls_on_matrices_only() -> None:
    _, features = numbers(np.random.default_rng(0).normal(size=(8, 2)))
    network = network_of(features, hidden=(8,) * 6, members=1)
    (optimizer,) = make_optimizers(network, RECIPE)
    decayed, others = optimizer.param_groups
    assert (decayed["weight_decay"], others["weight_decay"]) == (0.1, 0.0)
    assert all(each.ndim > 1 for each in decayed["params"])
    assert all(each.ndim == 1 for each in others["params"])
    adjusted = sum(each.numel() for group in optimizer.param_groups for each in group["params"])
    assert adjusted == network.weights, "every weight once, the frozen scales of one member left out"


def test_convolutions_go_to_muon_only_when_asked() -> None:
    layers = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(2, 2))
    assert len(make_optimizers(layers, RECIPE)) == 1
    recipe = Recipe(steps=1, batch=1, rate=1e-3, decay=0.0, optimizer="muon", convolution_rate=0.1)
    adam, muon = make_optimizers(layers, recipe)
    assert isinstance(muon, Muon)
    assert [each.ndim for each in muon.param_groups[0]["params"]] == [4]
    assert sum(len(group["params"]) for group in adam.param_groups) == 3


def test_adamw_takes_the_steps_of_torch_and_goes_on_from_its_state() -> None:
    torch.manual_seed(0)
    start = [torch.randn(3, 4), torch.randn(5), torch.randn(2, 2)]
    ours, theirs = ([each.clone().requires_grad_() for each in start] for _ in range(2))
    groups = [
        [{"params": weights[:1], "weight_decay": 0.1}, {"params": weights[1:], "weight_decay": 0.0}]
        for weights in (ours, theirs)
    ]
    own = AdamW(groups[0], 0.05, (0.8, 0.95))
    torchs = torch.optim.AdamW(groups[1], lr=0.05, betas=(0.8, 0.95), fused=True)
    for step in range(12):
        gradients = [torch.randn_like(each) for each in start]
        gradients[2] = gradients[2] if step % 3 else None  # a weight that not every batch uses
        for weights in (ours, theirs):
            for weight, gradient in zip(weights, gradients, strict=True):
                weight.grad = gradient
        for optimizer in (own, torchs):
            optimizer.param_groups[0]["lr"] = 0.05 / (1 + step)
            optimizer.step()
            optimizer.zero_grad()
        if step == 5:
            kept = own.state_dict()
            own = AdamW(groups[0], 0.05, (0.8, 0.95))
            own.load_state_dict(kept)
    for one, two in zip(ours, theirs, strict=True):
        assert one.grad is None
        torch.testing.assert_close(one, two)


def test_no_compiler_is_loaded_for_a_step() -> None:
    work = (
        "import sys, torch; from lamina.training.optimizer import AdamW\n"
        "weight = torch.ones(2, requires_grad=True); weight.sum().backward()\n"
        "AdamW([{'params': [weight], 'weight_decay': 0.0}], 0.1, (0.9, 0.99)).step()\n"
        "assert weight[0] < 1 and 'torch._dynamo' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", work], check=True)
