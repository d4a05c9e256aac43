"""Fused layers against the same sums written out, and against finite differences."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from lamina.network.hidden.fused import Dropped, Rectified, RectifiedMembers
from lamina.network.hidden.perceptron import Perceptron

BATCH, INPUTS, NEURONS, MEMBERS = 5, 4, 3, 2


def mask_of(shape: tuple[int, ...], bits: torch.dtype) -> Tensor:
    kept = torch.rand(shape, generator=torch.Generator().manual_seed(1)) >= 0.4
    assert 0 < kept.float().mean() < 1
    return kept.to(bits).neg_()


def leaf(*shape: int) -> Tensor:
    return torch.randn(shape, dtype=torch.float64, requires_grad=True)


def written_out(x: Tensor, weight: Tensor, scales: Tensor, bias: Tensor, mask: Tensor, c: float) -> Tensor:
    sums = torch.einsum("bi,mi,ni->mbn", x, scales, weight) + bias[:, None]
    return c * F.relu(sums) * (mask != 0)


@pytest.mark.parametrize("masked", [True, False])
def test_a_rectified_layer_is_the_sum_the_rectifier_and_the_mask(masked: bool) -> None:
    torch.manual_seed(0)
    x, weight, bias = leaf(MEMBERS, BATCH, INPUTS), leaf(NEURONS, INPUTS), leaf(NEURONS)
    mask = mask_of((MEMBERS, BATCH, NEURONS), torch.int64) if masked else None
    y = Rectified.apply(x, weight, bias, mask, 1.6)
    expected = 1.6 * F.relu(F.linear(x, weight, bias)) * (1 if mask is None else mask != 0)
    torch.testing.assert_close(y, expected)
    assert torch.autograd.gradcheck(lambda *a: Rectified.apply(*a, mask, 1.6), (x, weight, bias))
    ours, theirs = (torch.autograd.grad(each.sin().sum(), (x, weight, bias)) for each in (y, expected))
    torch.testing.assert_close(ours, theirs)


def test_rectified_members_have_scales_and_biases_of_their_own() -> None:
    torch.manual_seed(0)
    parts = leaf(BATCH, INPUTS), leaf(NEURONS, INPUTS), leaf(MEMBERS, INPUTS), leaf(MEMBERS, NEURONS)
    mask = mask_of((MEMBERS, BATCH, NEURONS), torch.int64)
    y, expected = RectifiedMembers.apply(*parts, mask, 1.6), written_out(*parts, mask, 1.6)
    torch.testing.assert_close(y, expected)
    assert torch.autograd.gradcheck(lambda *a: RectifiedMembers.apply(*a, mask, 1.6), parts)
    ours, theirs = (torch.autograd.grad(each.sin().sum(), parts) for each in (y, expected))
    torch.testing.assert_close(ours, theirs)


def test_a_mask_cuts_the_same_places_there_and_back() -> None:
    x, mask = leaf(BATCH, INPUTS), mask_of((BATCH, INPUTS), torch.int64)
    torch.testing.assert_close(Dropped.apply(x, mask, 1.5), 1.5 * x * (mask != 0))
    assert torch.autograd.gradcheck(lambda a: Dropped.apply(a, mask, 1.5), (x,))


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float32])
def test_fused_training_has_the_gradients_of_the_plain_layers(kind: torch.dtype) -> None:
    torch.manual_seed(0)
    layers = Perceptron(16, (32, 32, 32), "relu", members=3)
    x = torch.randn(64, 16).to(kind)
    gradients = {}
    for training in (True, False):
        layers.train(training)
        layers.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=kind == torch.bfloat16, cache_enabled=False):
            y = layers(x)
            assert y.dtype == kind
            y.float().square().mean().backward()
        gradients[training] = {name: each.grad.clone() for name, each in layers.named_parameters()}
    for name, fused in gradients[True].items():
        plain = gradients[False][name]
        error = (fused - plain).norm() / plain.norm()
        assert error < (0.02 if kind == torch.bfloat16 else 1e-5), name


@pytest.mark.parametrize("activation", ["relu", "silu"])
def test_dropout_leaves_out_its_share_and_keeps_the_mean(activation: str) -> None:
    torch.manual_seed(0)
    layers = Perceptron(8, (512,), activation, members=2, dropout=0.3).train()
    x = torch.randn(256, 8)
    plain = layers(x)
    layers.randomise(torch.Generator().manual_seed(0))
    dropped = layers(x)
    assert ((dropped == 0) & (plain != 0)).sum() / (plain != 0).sum() == pytest.approx(0.3, abs=0.01)
    kept = dropped != 0
    torch.testing.assert_close(dropped[kept], plain[kept] / 0.7)
    assert dropped.mean().item() == pytest.approx(plain.mean().item(), rel=0.02)
    again = layers(x)
    assert not torch.equal(dropped, again)
    layers.eval()
    torch.testing.assert_close(layers(x), plain)
