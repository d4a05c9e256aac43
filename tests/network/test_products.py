"""Products where nothing is learnt are those of torch, however the members of a row lie in memory."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from lamina.network import engine
from lamina.network.engine import rows_at_once
from lamina.network.hidden.product import FEWEST, weighted_sums, weighted_sums_of_members
from lamina.network.outputs.classes import FEW, Classes

CLOSE = {"rtol": 1e-5, "atol": 1e-5}


@pytest.mark.parametrize("rows", [FEWEST // 8, 3 * FEWEST])
@pytest.mark.parametrize("beside", [True, False], ids=["members side by side", "members apart"])
@pytest.mark.parametrize("rectified", [True, False])
def test_sums_of_all_members(rows: int, beside: bool, rectified: bool):
    torch.manual_seed(0)
    x = torch.randn(rows, 5, 9).transpose(0, 1) if beside else torch.randn(5, rows, 9)
    weight, bias = torch.randn(7, 9), torch.randn(7)
    wanted = F.linear(x, weight, bias)
    wanted = wanted.clamp(min=0) if rectified else wanted
    with torch.inference_mode():
        found = weighted_sums(x, weight, bias, rectified=rectified)
    assert found.shape == (5, rows, 7)
    torch.testing.assert_close(found, wanted, **CLOSE)


@pytest.mark.parametrize("rows", [3, 2 * FEWEST])
@pytest.mark.parametrize("scores", [1, 2, 40])
def test_every_member_by_its_own_weights(rows: int, scores: int):
    torch.manual_seed(0)
    x, weight = torch.randn(rows, 4, 9).transpose(0, 1), torch.randn(4, 9, scores)
    with torch.inference_mode():
        found = weighted_sums_of_members(x, weight)
    torch.testing.assert_close(found, torch.bmm(x, weight), **CLOSE)


def test_gradients_go_the_ordinary_way():
    x, weight = torch.randn(4, 2 * FEWEST, 9, requires_grad=True), torch.randn(4, 9, 2)
    weighted_sums_of_members(x, weight).sum().backward()
    torch.testing.assert_close(x.grad, weight.sum(-1)[:, None].expand_as(x), **CLOSE)


@pytest.mark.parametrize("classes", [2, FEW, FEW + 1])
def test_probabilities_are_the_mean_of_the_members(classes: int):
    torch.manual_seed(0)
    scores = 5 * torch.randn(3, 11, classes)
    found = Classes(4, classes, 3).decode(scores)
    assert found.shape == (11, classes)
    torch.testing.assert_close(found, scores.softmax(-1).mean(0), **CLOSE)


def test_media_are_answered_fewer_at_a_time_than_numbers():
    numbers = {"number": np.zeros((9, 784), np.float32)}
    pictures = {"image": np.zeros((9, 1, 28, 28), np.uint8), "image.present": np.zeros(9, bool)}
    assert rows_at_once({"number": np.zeros((9, 20), np.float32)}) == engine.MOST_ROWS
    assert rows_at_once(numbers) == engine.MOST_VALUES // 784
    assert rows_at_once(pictures) == engine.MOST_VALUES // (784 * engine.MEDIA)
    assert rows_at_once({"image": np.zeros((1, 3, 4000, 4000), np.uint8)}) == engine.FEWEST_ROWS
    assert rows_at_once({name: torch.from_numpy(each) for name, each in pictures.items()}) == rows_at_once(
        pictures
    )
