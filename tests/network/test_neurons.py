"""What a neuron prints is what it computes; members, growth, and the output layers."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
import torch
from small_networks import features_of, network_of, numbers, tensors
from torch import nn

from lamina.errors import UsageError
from lamina.network.activations import ACTIVATIONS, activation
from lamina.network.hidden.perceptron import Perceptron
from lamina.network.outputs.classes import Classes
from lamina.network.outputs.number import Number


@pytest.mark.parametrize("hidden", [(6, 4), (5,) * 6])
def test_weighted_sums_of_a_trace_are_those_of_the_forward_pass_and_of_a_hand(hidden: tuple) -> None:
    torch.manual_seed(0)
    layers = Perceptron(3, hidden, "tanh", members=2).double()
    x = torch.randn(5, 3, dtype=torch.float64)
    steps = list(layers.trace(x))
    assert len(steps) == len(hidden)
    assert torch.equal(steps[-1][2], layers(x))
    first, member, row, neuron = layers.first, 1, 2, 3
    by_hand = (
        sum(
            x[row, i].item() * first.scales[member, i].item() * first.weight[neuron, i].item()
            for i in range(3)
        )
        + first.bias[member, neuron].item()
    )
    assert steps[0][1][member, row, neuron].item() == pytest.approx(by_hand, abs=1e-12)
    assert steps[0][2][member, row, neuron].item() == pytest.approx(np.tanh(by_hand), abs=1e-12)
    into = steps[0][2][member, row]
    second = layers.rest[0]
    if second.scale is not None:
        into = (into - into.mean()) / (into.var(correction=0) + 1e-5).sqrt()
    by_hand = ((into * second.weight[neuron]).sum() + second.bias[neuron]).item()
    assert steps[1][1][member, row, neuron].item() == pytest.approx(by_hand, abs=1e-12)


def test_one_member_is_a_plain_network_of_torch() -> None:
    frame, features = numbers(np.random.default_rng(0).normal(size=(20, 3)))
    network = network_of(features, hidden=(8, 6), members=1, output="classes", scores=4)
    (read,) = network.input_layers()
    plain = nn.Sequential(nn.Linear(read.width, 8), nn.ReLU(), nn.Linear(8, 6), nn.ReLU(), nn.Linear(6, 4))
    hidden = network.hidden
    with torch.no_grad():
        plain[0].weight.copy_(hidden.first.weight)
        plain[0].bias.copy_(hidden.first.bias[0])
        plain[2].weight.copy_(hidden.rest[0].weight)
        plain[2].bias.copy_(hidden.rest[0].bias)
        plain[4].weight.copy_(network.output.weight[0].T)
        plain[4].bias.copy_(network.output.bias[0, 0])
        arrays = tensors(features, frame)
        torch.testing.assert_close(network(arrays)[0], plain(read(arrays)))


def test_members_disagree_and_answer_together() -> None:
    frame, features = numbers(np.random.default_rng(0).normal(size=(20, 3)))
    network = network_of(features, members=4, output="classes", scores=3)
    scores = network(tensors(features, frame))
    assert scores.shape == (4, 20, 3)
    assert (scores[0] - scores[1]).abs().max() > 1e-3
    joint = network.output.decode(scores)
    torch.testing.assert_close(joint, scores.softmax(-1).mean(0))
    torch.testing.assert_close(joint.sum(1), torch.ones(20))


def test_new_classes_leave_the_old_logits_exactly_equal() -> None:
    torch.manual_seed(0)
    old = Classes(7, 3, 2, gain=0.5, smoothing=0.1)
    nn.init.normal_(old.bias)
    hidden = torch.randn(2, 9, 7)
    grown = old.extend(5)
    assert torch.equal(grown(hidden)[:, :, :3], old(hidden))
    assert (grown.gain, grown.smoothing) == (0.5, 0.1)
    assert torch.equal(grown(hidden).softmax(-1)[:, :, 3:], torch.zeros(2, 9, 2))
    grown.wake()
    torch.testing.assert_close(grown(hidden)[:, :, :3], old(hidden))
    torch.testing.assert_close(grown.bias[:, 0, 3], old.bias.mean((1, 2)))


def test_the_loss_of_classes_is_the_cross_entropy_of_every_member() -> None:
    torch.manual_seed(0)
    scores, answers = torch.randn(3, 5, 4), torch.tensor([0, 3, 1, 2, 2])
    weights = torch.tensor([2.0, 0.0, 1.0, 1.0, 1.0])
    by_hand = [-scores[m, i].log_softmax(0)[answers[i]] * weights[i] for m in range(3) for i in range(5)]
    loss = Classes(2, 4, 3).loss(scores, answers, weights)
    torch.testing.assert_close(loss, torch.stack(by_hand).mean())


def test_the_loss_of_a_number_is_the_squared_error_of_every_member() -> None:
    scores, answers = torch.tensor([[[1.0], [2.0]], [[3.0], [0.0]]]), torch.tensor([0.0, 1.0])
    assert Number(2, 1, 2).loss(scores, answers, None).item() == (1 + 1 + 9 + 1) / 4
    assert Number(2, 1, 2).decode(scores).tolist() == [2.0, 1.0]


def test_a_number_has_one_score() -> None:
    with pytest.raises(ValueError, match="one score"):
        Number(2, 2, 1)


def test_an_unknown_activation_is_answered_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="Did you mean 'relu'"):
        activation("rellu")


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_the_signal_keeps_its_size_through_layers(name: str) -> None:
    torch.manual_seed(0)
    layers = Perceptron(256, (256,) * 4, name, members=1)
    size = layers(torch.randn(512, 256)).square().mean().sqrt().item()
    assert 0.25 < size < 4


def test_dropout_drops_in_training_only_and_keeps_the_mean() -> None:
    layers = Perceptron(16, (512,), "identity", members=2, dropout=0.5)
    layers.randomise(torch.Generator().manual_seed(0))
    x = torch.randn(64, 16)
    whole = layers.eval()(x)
    dropped = layers.train()(x)
    kept = dropped != 0
    assert 0.45 < kept.float().mean() < 0.55
    torch.testing.assert_close(dropped[kept], 2 * whole[kept])


def test_a_grown_vocabulary_leaves_old_answers_exactly_equal() -> None:
    frame = pl.DataFrame({"a": ["x", "y", None, "x", "y", "once"], "b": ["p", "p", "q", "q", "r", "r"]})
    features = features_of(frame, a="category", b="category")
    (layer,) = network_of(features).input_layers()
    old = layer(tensors(features, frame))
    more = pl.DataFrame({"a": ["new", "new", "once", "once"], "b": ["s", "s", "p", "p"]})
    (feature,) = features.extend(more)
    grown = layer.extend(feature)
    arrays = {n: torch.from_numpy(a) for n, a in feature.transform(frame).items()}
    assert torch.equal(grown(arrays), old), "also for 'once', rare before and frequent now"


def test_no_hidden_layer_at_all_is_a_linear_model_of_the_inputs() -> None:
    frame, features = numbers(np.random.default_rng(0).normal(size=(5, 2)))
    network = network_of(features, hidden=(), members=3)
    assert network(tensors(features, frame)).shape == (3, 5, 1)
    assert list(network.hidden.trace(torch.ones(1, network.hidden.width))) == []


def test_the_same_seed_builds_the_same_weights_and_leaves_other_random_state_alone() -> None:
    _, features = numbers(np.random.default_rng(0).normal(size=(5, 2)))
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    one, two = network_of(features), network_of(features)
    assert torch.equal(torch.rand(1), expected)
    for a, b in zip(one.parameters(), two.parameters(), strict=True):
        assert torch.equal(a, b)
