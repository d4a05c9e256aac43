"""Pictures turned, stretched and slanted, and the networks that learn from them beside others."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
import torch

from lamina.features.features import Features
from lamina.features.image import ImageFeature
from lamina.features.targets.classes import ClassTarget
from lamina.network.inputs.augment import bent
from lamina.network.network import build
from lamina.network.sizes import choose_architecture
from lamina.settings import Settings


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_no_bending_leaves_pictures_as_they_are() -> None:
    pictures = torch.randn(3, 1, 9, 12)
    assert torch.allclose(bent(pictures, 0, 0, 0, 0, generator()), pictures, atol=1e-5)


@pytest.mark.parametrize("size", [(21, 21), (15, 27)])
def test_a_turned_line_has_the_angle_and_stays_in_the_middle(size: tuple[int, int]) -> None:
    height, width = size
    line = torch.zeros(200, 1, height, width)
    line[:, :, :, width // 2] = 1.0
    turned = bent(line, 0.3, 0, 0, 0, generator())[:, 0]
    columns = torch.arange(width) - width // 2
    weights = turned / turned.sum(2, keepdim=True).clamp_min(1e-6)
    place = (weights * columns).sum(2)  # of the line in each row
    assert place[:, height // 2].abs().max() < 0.1
    far = height // 2 - 3
    reach = place[:, height // 2 + far]
    assert 0.2 * far < reach.abs().max() <= 0.3 * far * width / height * 1.6
    assert torch.allclose(reach, -place[:, height // 2 - far], atol=0.4)


def test_a_move_is_at_most_so_many_pixels() -> None:
    spot = torch.zeros(300, 1, 15, 15)
    spot[:, :, 7, 7] = 1.0
    moved = bent(spot, 0, 0, 0, 2.0, generator())[:, 0]
    rows = (moved.sum(2) * (torch.arange(15) - 7)).sum(1) / moved.sum((1, 2))
    assert 1.5 < rows.abs().max() <= 2.01


def test_grey_pictures_at_best_are_read_by_four_networks_every_second_bent() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (40, 28, 28), dtype=np.uint8)
    frame = pl.DataFrame({"p": pl.Series(pixels), "y": ["a", "b"] * 20})
    feature = ImageFeature.fit("image:p", frame, ["p"])
    features, target = Features((feature,)), ClassTarget.fit(frame, "y")
    architecture, choices = choose_architecture(features, target, 40, Settings(quality="best"))
    assert architecture.members == 4
    assert any("4 networks" in each.why for each in choices if each.what == "members")
    network = build(architecture, features, 0).eval()
    layer = next(network.input_layers())
    arrays = {name: torch.from_numpy(each) for name, each in features.transform(frame).items()}
    layer.prepare(arrays)
    seen = layer.augment(arrays, generator())
    as_is = {**seen, "image:p.bent": seen["image:p"]}
    differs = (layer(seen) != layer(as_is)).flatten(1).any(1)
    assert differs.tolist() == [False, True, False, True]
    assert layer(arrays).shape == (4, 40, layer.width)
