"""An encoder that learns: it starts from MiniLM, moves, and goes into the model file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

import lamina
from lamina.features import wordpiece
from lamina.network.inputs.text import TunedTextInput
from lamina.network.pretrained import minilm

pytestmark = pytest.mark.skipif(not wordpiece.installed(), reason="needs the extra pretrained")


def reviews(rows: int, seed: int) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    good = ["lovely", "wonderful", "charming", "superb", "delightful", "excellent"]
    bad = ["dreadful", "boring", "awful", "tedious", "horrible", "poor"]
    liked = rng.random(rows) < 0.5
    things = ["film", "plot", "cast"]
    cells = [f"the {rng.choice(things)} was {rng.choice(good if each else bad)}" for each in liked]
    return pl.DataFrame({"review": cells, "liked": np.where(liked, "yes", "no")})


def test_the_encoder_learns_and_is_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    chosen = {"quality": "best", "epochs": 1, "batch": 16, "pretrained": True}
    model = lamina.fit(reviews(260, 0), "liked", kinds={"review": "text"}, **chosen)
    layer = next(model.fitted.network.input_layers())
    assert isinstance(layer, TunedTextInput)
    start = minilm().state_dict()
    moved = {n for n, each in layer.encoder.state_dict().items() if not torch.equal(each, start[n])}
    assert any(name.startswith("layers.0.") for name in moved)
    assert "words.weight" not in moved
    assert any("learns" in str(each.value) for each in model.fitted.choices)
    asked = reviews(20, 1)
    told = model.predict(asked)
    path = model.save(tmp_path / "m.lamina")
    # the file holds the weights: the extra is not looked for
    monkeypatch.setattr(wordpiece, "published", lambda *_: pytest.fail("the extra was asked for"))
    again = lamina.load(path)
    assert again.predict(asked)["predicted_liked"].equals(told["predicted_liked"])
    alone = again.predict(asked[3])["probability"][0]
    assert alone == pytest.approx(told["probability"][3], abs=1e-5)
