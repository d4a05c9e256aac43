"""Batches side by side: in their order, with the same answers, and torch's threads as they were."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import lamina
from lamina.network import engine
from lamina.network.in_parts import in_parts
from lamina.network.side_by_side import side_by_side
from small_data import churn_table


@pytest.fixture
def three_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


def batches(count: int) -> Iterator[dict[str, Tensor]]:
    return ({"n": torch.tensor([k])} for k in range(count))


@pytest.mark.parametrize("count", [0, 1, 2, 3, 50])
def test_results_come_in_the_order_of_the_batches(three_threads: None, count: int):
    inside = []

    def compute(batch: dict[str, Tensor]) -> int:
        inside.append(torch.get_num_threads())
        return int(batch["n"])

    assert list(side_by_side(compute, batches(count))) == list(range(count))
    assert torch.get_num_threads() == 3
    assert set(inside) <= ({1} if count > 1 else {3})


def test_an_error_is_raised_and_threads_are_given_back(three_threads: None):
    def compute(batch: dict[str, Tensor]) -> int:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        list(side_by_side(compute, batches(5)))
    assert torch.get_num_threads() == 3


def test_gradients_of_parts_are_those_of_the_whole(three_threads: None):
    torch.manual_seed(0)
    layer = nn.Sequential(nn.Linear(5, 7), nn.GELU(), nn.Linear(7, 2))
    layer[0].bias.requires_grad_(False)
    parts = list(torch.randn(12, 5).split(3))

    def gradients() -> list[Tensor]:
        layer.zero_grad()
        torch.cat(in_parts(layer, parts, layer)).square().mean().backward()
        return [each.grad.clone() for each in layer.parameters() if each.grad is not None]

    found, again = gradients(), gradients()
    torch.set_num_threads(1)
    alone = gradients()
    assert len(found) == 3
    for one, same, other in zip(found, again, alone, strict=True):
        assert torch.equal(one, same)
        torch.testing.assert_close(one, other)


def test_parts_compute_in_what_the_caller_computes_in(three_threads: None):
    layer = nn.Linear(4, 4)
    with torch.autocast("cpu", torch.bfloat16):
        made = in_parts(layer, list(torch.randn(6, 4).split(2)), layer)
    assert {each.dtype for each in made} == {torch.bfloat16}


def test_answers_are_the_same(monkeypatch: pytest.MonkeyPatch):
    model = lamina.fit(churn_table(900), "churned", quality="fast", epochs=1, hidden=(16,))
    rows = churn_table(700, seed=3)
    alone = model.predict(rows)
    monkeypatch.setattr(engine, "MOST_ROWS", 64)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        together = model.predict(rows)
    finally:
        torch.set_num_threads(before)
    assert together["predicted_churned"].equals(alone["predicted_churned"])
    for name in ("probability", "novelty"):
        np.testing.assert_allclose(together[name], alone[name], atol=1e-5 if name == "probability" else 0.01)
