"""The linear part of a network of texts: exact, honest about rows it has seen, and where the rest starts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from scipy import sparse

import lamina
from lamina.features.features import Features
from lamina.features.targets.classes import ClassTarget
from lamina.features.text import TextFeature
from lamina.network.network import build
from lamina.network.sizes import choose_architecture
from lamina.settings import Settings
from lamina.training.examples import Examples
from lamina.training.linear import Blend, fit_linear, kernel, put_in, solve


def letters(rows: int, seed: int = 0) -> pl.DataFrame:
    """The answer is told by words, most of which occur once or twice."""
    rng = np.random.default_rng(seed)
    kinds = rng.choice(["a", "b", "c"], rows)
    said = [f"{each}{rng.integers(40)} {each}{rng.integers(40)} x{rng.integers(500)} so" for each in kinds]
    return pl.DataFrame({"said": said, "kind": kinds})


def test_a_row_left_out_is_what_a_fit_without_it_says() -> None:
    rng = np.random.default_rng(0)
    x = sparse.random(30, 50, 0.2, "csr", np.float32, random_state=rng)
    y = torch.from_numpy(rng.normal(size=(30, 2)).astype(np.float32))
    duals, left_out = solve(kernel(x), y, 0.7)
    dense = x.toarray().astype(np.float64)
    whole = np.linalg.solve(dense.T @ dense + 0.7 * np.eye(50), dense.T @ y.numpy())
    assert x.T @ duals.numpy() == pytest.approx(whole, abs=1e-5)
    for row in range(0, 30, 7):
        rest = np.delete(np.arange(30), row)
        part = np.linalg.solve(
            dense[rest].T @ dense[rest] + 0.7 * np.eye(50), dense[rest].T @ y.numpy()[rest]
        )
        assert left_out[row].numpy() == pytest.approx(dense[row] @ part, abs=1e-4)


def test_linear_scores_reach_the_output_by_their_share() -> None:
    frame, learnt = letters(600), torch.arange(500)
    feature = TextFeature.fit("text:said", frame[:500], ["said"], rare=True)
    features, target = Features((feature,)), ClassTarget.fit(frame, "kind")
    architecture, _ = choose_architecture(features, target, 500, Settings())
    network = build(architecture, features, 0).eval()
    examples = Examples.of(features.transform(frame), target.read(frame["kind"]))
    parts, silent = fit_linear(network, examples, learnt)
    told = parts.told
    assert told is not None
    right = (told.argmax(1) == examples.answers).float()
    assert right[:500].mean() > 0.9
    assert right[500:].mean() > 0.9
    with torch.no_grad():
        before = network(silent.arrays)[0]
        assert not silent.arrays["text:said.told"].any()
        put_in(network, parts, Blend(0.5, 2.0))
        after = network(parts.heard(silent).arrays)[0]
    gap = (after - 0.5 * before - 2.0 * told).abs()
    assert gap[500:].max() < 0.05  # rows that it was not fitted on
    assert gap[:500].mean() > 5 * gap[500:].mean()  # of the others each is told without itself


@pytest.mark.parametrize("target", ["kind", "size"])
def test_a_model_with_a_linear_part_is_saved(target: str, tmp_path: Path) -> None:
    rows = letters(700).with_columns(size=pl.col("said").str.len_chars() * 1.5 + pl.int_range(700) % 3)
    rows = rows.select("said", target)
    on, chosen = lamina.Machine(threads=1), {"epochs": 3, "pretrained": False, "kinds": {"said": "text"}}
    model = lamina.fit(rows, target, on=on, **chosen)
    layer = next(model.fitted.network.input_layers())
    assert layer.told == (3 if target == "kind" else 1)
    path = model.save(tmp_path / "m.lamina")
    again = lamina.load(path)
    assert again.predict(rows[:50]).equals(model.predict(rows[:50]))
    alone, together = again.predict(rows[7]), again.predict(rows[:50])[7]
    for name in alone.columns:
        if alone[name].dtype.is_float():
            assert alone[name][0] == pytest.approx(together[name][0], abs=1e-4)
    assert lamina.fit(rows, target, on=on, **chosen).save(tmp_path / "n").read_bytes() == path.read_bytes()
