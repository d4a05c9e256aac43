"""The table of straight pieces says what the embedding of numbers says while it learns."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lamina.features.number import NumberFeature
from lamina.network.inputs.number import NumberInput


def layer(knots: tuple[tuple[float, ...], ...], **spec: int) -> NumberInput:
    torch.manual_seed(0)
    count = len(knots)
    feature = NumberFeature("n", tuple(f"c{j}" for j in range(count)), (0.0,) * count, (1.0,) * count, knots)
    made = NumberInput(feature, {"size": 5, "bend": 1.0, **spec})
    torch.nn.init.normal_(made.bias)
    return made.eval()


def both(made: NumberInput, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    with torch.inference_mode():
        table = made({"n": x})
    return table, made({"n": x}).detach()


edges = st.lists(st.integers(-40, 40), min_size=1, max_size=9, unique=True).map(
    lambda found: tuple(each / 8 for each in sorted(found))
)


even = st.sampled_from([{}, {"even": 16}])


@given(st.lists(edges, min_size=1, max_size=3), st.integers(0, 9), even)
@settings(max_examples=60, deadline=None)
def test_the_table_is_the_same_function(knots: list[tuple[float, ...]], seed: int, spec: dict[str, int]):
    made = layer(tuple(knots), **spec)
    rng = np.random.default_rng(seed)
    x = rng.uniform(-9, 9, (40, len(knots))).astype(np.float32)
    x[rng.random(x.shape) < 0.2] = np.nan
    for j, each in enumerate(knots):  # at the edges themselves
        x[: len(each), j] = each
    x[-1] = 1e6  # far behind the last
    table, formula = both(made, torch.from_numpy(x))
    torch.testing.assert_close(table, formula, rtol=1e-4, atol=2e-4)


def test_edges_that_a_float_cannot_tell_apart():
    """Where every weight is positive the embedding rises, however narrow an interval is."""
    made = layer(((1.0, 1.0 + 1.5e-7, 1.0 + 3e-7, 2.0), (0.0, 1e-30, 1.0, 2.0)))
    with torch.no_grad():
        made.bent.abs_()
        made.straight.abs_()
    rising = torch.tensor([-1.0, 0.0, 1e-20, 0.5, 1.0, 1.0000001, 1.0000002, 1.0000004, 1.5, 2.0, 3.0])
    table, formula = both(made, rising[:, None].expand(-1, 2).contiguous())
    assert (table.diff(dim=0) >= -1e-6).all()
    torch.testing.assert_close(table[[0, 1, 3, 8, 9, 10]], formula[[0, 1, 3, 8, 9, 10]])


def test_rows_alone_and_together_are_the_same_to_the_bit():
    made = layer(((-1.0, 0.0, 2.0), (0.0, 3.0)))
    x = torch.randn(50, 2)
    with torch.inference_mode():
        together = made({"n": x})
        alone = torch.cat([made({"n": row[None]}) for row in x])
    assert torch.equal(together, alone)


def test_changed_weights_are_read_at_once():
    made = layer(((-1.0, 0.0, 2.0),))
    x = torch.linspace(-2, 3, 20)[:, None]
    both(made, x)
    with torch.no_grad():
        made.bent.mul_(3)
    torch.testing.assert_close(*both(made, x))
    made.train()
    made.absent.data += 1  # as an optimizer that keeps all weights in one block does
    made.eval()
    torch.testing.assert_close(*both(made, torch.full((2, 1), float("nan"))))


@given(st.lists(edges, min_size=1, max_size=3), st.lists(edges, min_size=3, max_size=3), even)
@settings(max_examples=60, deadline=None)
def test_further_knots_move_nothing(
    knots: list[tuple[float, ...]], others: list[tuple[float, ...]], spec: dict[str, int]
):
    """Between the old knots to the last bit; beyond them by rounding at most."""
    made = layer(tuple(knots), **spec)
    wider = tuple(
        (*(k[0] - e - 6 for e in reversed(more)), *k, *(k[-1] + e + 6 for e in more))
        for k, more in zip(knots, others, strict=False)
    )
    count = len(knots)
    feature = NumberFeature("n", tuple(f"c{j}" for j in range(count)), (0.0,) * count, (1.0,) * count, wider)
    grown = made.extend(feature).eval()
    assert grown.bent.shape[1] == max(map(len, wider)) - 1
    inside = torch.stack([torch.linspace(k[0], k[-1], 50) for k in knots], 1)
    torch.manual_seed(1)
    anywhere = torch.empty(50, count).uniform_(-20, 20)
    anywhere[0] = torch.nan
    with torch.inference_mode():
        assert torch.equal(made({"n": inside}), grown({"n": inside}))
        torch.testing.assert_close(made({"n": anywhere}), grown({"n": anywhere}), rtol=1e-5, atol=1e-4)
    torch.testing.assert_close(made({"n": anywhere}), grown({"n": anywhere}), rtol=1e-5, atol=1e-4)
    assert made.extend(NumberFeature("n", feature.columns, (0.0,), (1.0,), tuple(knots))) is made


def test_columns_learn_evenly_however_few_values_they_have():
    """By steps of one length for every weight, as an adaptive optimizer makes them."""
    few, many = (0.0, 0.5, 1.0), tuple(float(each) for each in np.linspace(0, 1, 65))
    x = torch.tensor([[0.0, 0.0], [1.0, 1.0]])
    moved = {}
    for spec in ({}, {"even": 64}):
        made = layer((few, many), **spec)
        before = both(made, x)[1]
        with torch.no_grad():
            made.bent.add_(0.01)
        moved[bool(spec)] = (both(made, x)[1] - before)[1].view(2, 5).mean(1)
    assert moved[False][1] > 30 * moved[False][0]
    torch.testing.assert_close(*moved[True])


def test_columns_start_evenly_however_few_values_they_have():
    knots = tuple(tuple(float(each) for each in np.linspace(0, 1, count)) for count in [3] * 200 + [65] * 200)
    made = layer(knots, even=64)
    with torch.no_grad():
        made.straight.zero_()
        made.bias.zero_()
    way = both(made, torch.ones(1, 400))[1].view(2, -1).std(1)
    torch.testing.assert_close(way, torch.full((2,), 0.25), rtol=0.1, atol=0.0)
