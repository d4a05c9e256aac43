"""The additive model beside small networks: solved for, shared in as far as held-out rows say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import torch

import lamina
from lamina.features.features import Features
from lamina.network.architecture import Architecture
from lamina.network.hidden.additive import Additive
from lamina.network.network import Network, build
from lamina.records import Field, Schema
from lamina.training.additive import choose_share, fit_additive
from lamina.training.examples import Examples

ROWS, LEARNT = 400, 300


def made(seed: int = 0) -> tuple[Network, Examples]:
    """A network that has learnt nothing, and rows whose answer adds up over the columns."""
    rng = np.random.default_rng(seed)
    x, colour = rng.normal(size=ROWS), rng.choice(["red", "green", "blue"], ROWS)
    frame = pl.DataFrame({"x": x, "colour": colour})
    kinds = {"x": "number", "colour": "category"}
    features = Features.fit(
        frame, Schema(tuple(Field(name=n, kind=k, role="input", why="") for n, k in kinds.items()))
    )
    truth = np.tanh(x) + np.where(colour == "red", 1.0, -0.5)
    answers = (truth > 0).astype(np.int64)
    architecture = Architecture(
        inputs={"number": {"size": 8, "bend": 0.02}, "category": {"size": 8}},
        hidden=(16,), activation="relu", members=3, output="classes", scores=2,
        additive=True,
    )  # fmt: skip
    return build(architecture, features, seed=0), Examples.of(features.transform(frame), answers)


def test_the_share_draws_every_member_towards_the_additive_model() -> None:
    torch.manual_seed(0)
    part, x, scores = Additive(5, 2).eval(), torch.randn(7, 5), torch.randn(3, 7, 2)
    assert torch.equal(part(x, scores), scores), "nothing until it is solved for"
    torch.nn.init.normal_(part.weight)
    part.share.fill_(0.25)
    torch.testing.assert_close(part(x, scores), 0.75 * scores + 0.25 * (x @ part.weight + part.bias))
    part.train()
    assert torch.equal(part(x, scores), scores), "the steps train the members alone"
    part.eval()
    wider, longer = torch.cat([scores, torch.ones(3, 7, 2)], -1), torch.cat([x, torch.ones(7, 3)], -1)
    grown = part(longer, wider)
    assert torch.equal(grown[..., :2], part(x, scores)), "what came later it knows nothing of"
    assert torch.equal(grown[..., 2:], wider[..., 2:])


def test_sums_over_columns_are_found_and_take_most_of_the_share() -> None:
    network, examples = made()
    rows = torch.arange(ROWS)
    fit_additive(network, examples, rows[:LEARNT])
    choose_share(network, examples, rows[LEARNT:])
    assert network.additive.share.item() >= 0.75, "the members have learnt nothing"
    decoded = network.eval().output.decode(network(examples.take(rows[LEARNT:]).arrays))
    assert network.output.skill_of(decoded, examples.answers[LEARNT:]) > 0.9


def test_an_additive_model_that_knows_nothing_gets_no_share() -> None:
    network, examples = made()
    rows = torch.arange(ROWS)
    fit_additive(network, examples, rows[:LEARNT])
    network.additive.weight.neg_()
    network.additive.bias.neg_()
    choose_share(network, examples, rows[LEARNT:])
    assert network.additive.share.item() <= 0.125


def test_input_layers_of_such_a_network_stay_as_they_start() -> None:
    network, _ = made()
    assert not any(each.requires_grad for layer in network.input_layers() for each in layer.parameters())
    assert any(each.requires_grad for each in network.hidden.parameters())


def table(rows: int, seed: int) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 8))
    odds = x[:, :4].sum(1) + rng.logistic(size=rows)
    return pl.DataFrame({f"x{i}": x[:, i] for i in range(8)} | {"y": np.where(odds > 0, "yes", "no")})


def test_a_few_hundred_rows_are_no_worse_than_a_linear_model(tmp_path: Path) -> None:
    model = lamina.fit(table(250, 0), "y", on=lamina.Machine(threads=1, progress=False))
    assert model.fitted.network.additive is not None
    told = model.evaluate(table(3000, 1))
    assert told.scores["auroc"] > told.baseline["linear"]["auroc"] - 0.01
    assert told.scores["log_loss"] < told.baseline["linear"]["log_loss"] + 0.02
    again = lamina.load(model.save(tmp_path / "small.lamina"))
    new = table(50, 2)
    assert again.predict(new).equals(model.predict(new))


def test_large_tables_have_none() -> None:
    model = lamina.fit(table(4000, 0), "y", epochs=1, quality="fast", on=lamina.Machine(progress=False))
    assert model.fitted.network.additive is None


def test_numbers_and_many_classes_have_none_yet() -> None:
    data = table(120, 0).drop("y").rename({"x0": "z"})
    model = lamina.fit(data, "z", epochs=1, quality="fast", on=lamina.Machine(progress=False))
    assert model.fitted.network.additive is None
