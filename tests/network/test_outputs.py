"""Output layers of every kind: what their answers promise, and their metrics against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from lamina.network.outputs.labels import Labels
from lamina.network.outputs.means import Amount, Count
from lamina.network.outputs.ordered import Ordered
from lamina.network.outputs.quantiles import Quantiles
from lamina.network.outputs.several import Several

MANY = settings(max_examples=50, deadline=None)
SCORES = st.lists(st.floats(-50, 50, width=32), min_size=3, max_size=3)


@MANY
@given(rows=st.lists(SCORES, min_size=1, max_size=6))
def test_quantiles_never_cross(rows: list[list[float]]) -> None:
    output = Quantiles(2, 3, 2, spec={"levels": [0.05, 0.5, 0.6]})
    scores = torch.tensor([rows, [row[::-1] for row in rows]])
    assert bool((output.decode(scores).diff(dim=1) >= 0).all())


def test_quantiles_start_as_those_of_a_normal() -> None:
    output = Quantiles(2, 3, 1, spec={"levels": [0.1, 0.5, 0.9]})
    assert output.decode(torch.zeros(1, 1, 3))[0].tolist() == pytest.approx([-1.2816, 0, 1.2816], abs=1e-4)


def test_quantiles_need_a_score_per_level() -> None:
    with pytest.raises(ValueError, match="one score per level"):
        Quantiles(2, 2, 1, spec={"levels": [0.5]})


def test_the_pinball_loss_is_that_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    told, came = np.sort(rng.normal(size=(50, 3)), 1), rng.normal(size=50)
    output = Quantiles(2, 3, 1, spec={"levels": [0.1, 0.5, 0.9]})
    mine = float(output.score("pinball", torch.from_numpy(told), torch.from_numpy(came)))
    each = [metrics.mean_pinball_loss(came, told[:, k], alpha=a) for k, a in enumerate((0.1, 0.5, 0.9))]
    assert mine == pytest.approx(np.mean(each))


@MANY
@given(rows=st.lists(SCORES, min_size=1, max_size=6))
def test_probabilities_of_ordered_classes_are_consistent(rows: list[list[float]]) -> None:
    shares = Ordered(2, 3, 1).decode(torch.tensor([rows]))
    assert bool((shares >= 0).all())
    assert shares.sum(1).tolist() == pytest.approx([1] * len(rows), abs=1e-5)


def test_kappa_is_that_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    shares, came = rng.dirichlet(np.ones(4), 80), rng.integers(0, 4, 80)
    mine = float(Ordered.metrics["kappa"](torch.from_numpy(shares), torch.from_numpy(came)))
    assert mine == pytest.approx(metrics.cohen_kappa_score(shares.argmax(1), came, weights="quadratic"))


def test_metrics_of_labels_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    shares, came = rng.random((60, 4)).astype(np.float32), rng.integers(0, 2, (60, 4)).astype(np.float32)
    mine = {n: float(m(torch.from_numpy(shares), torch.from_numpy(came))) for n, m in Labels.metrics.items()}
    told = shares >= 0.5
    assert mine["micro_f1"] == pytest.approx(metrics.f1_score(came, told, average="micro"))
    assert mine["macro_f1"] == pytest.approx(metrics.f1_score(came, told, average="macro"))
    assert mine["jaccard"] == pytest.approx(
        metrics.jaccard_score(came, told, average="samples", zero_division=1)
    )
    assert mine["log_loss"] == pytest.approx(
        np.mean([metrics.log_loss(came[:, k], shares[:, k]) for k in range(4)])
    )


@pytest.mark.parametrize("output", [Count, Amount])
def test_the_best_constant_score_is_the_mean(output: type[Count]) -> None:
    answers = torch.from_numpy(np.random.default_rng(0).lognormal(0, 1, 4000)).double()
    layer, score = output(1, 1, 1).double(), torch.zeros(1, 1, 1, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([score], max_iter=50)

    def step() -> torch.Tensor:
        optimizer.zero_grad()
        loss = layer.losses(score.expand(1, len(answers), 1), answers).mean()
        loss.backward()
        return loss

    optimizer.step(step)
    assert layer.decode(score.detach())[0].item() == pytest.approx(answers.mean().item(), rel=1e-4)


def heads() -> Several:
    spec = {"answers": 0, "flat": True, "spec": {}, "weight": 1.0}
    return Several(
        4, 3, 2,
        spec={"heads": [
            {**spec, "name": "a", "output": "classes", "scores": 2, "flat": False, "constant": [0.5, 0.5]},
            {**spec, "name": "b", "output": "number", "scores": 1, "constant": [0.0]},
        ]},
    )  # fmt: skip


def test_a_missing_answer_teaches_its_head_nothing() -> None:
    torch.manual_seed(0)
    output, hidden = heads(), torch.randn(2, 6, 4)
    answers = torch.tensor([[0.0, 1.0]] * 3 + [[1.0, float("nan")]] * 3)
    loss = output.losses(output(hidden), answers).mean(0)
    assert bool(loss.isfinite().all())
    loss[3:].sum().backward()
    assert bool(output.parts[0].weight.grad.any())
    assert not bool(output.parts[1].weight.grad.any())


def test_each_head_is_judged_on_its_own_rows() -> None:
    output = heads()
    answers = torch.tensor([[0.0, 1.0], [1.0, float("nan")]])
    decoded = torch.tensor([[0.9, 0.1, 1.5], [0.8, 0.2, 99.0]])
    assert float(output.score("a.accuracy", decoded, answers)) == 0.5
    assert float(output.score("b.rmse", decoded, answers)) == 0.5
    first = -np.log([0.9, 0.2]).mean() / -np.log(0.5)
    assert float(output.score("joint", decoded, answers)) == pytest.approx((first + 0.5 / 1.0) / 2)


def test_heads_whose_scores_do_not_add_up_are_refused() -> None:
    with pytest.raises(ValueError, match="add up"):
        Several(4, 7, 2, spec={"heads": heads().specs})
