"""Convolutions that see motion: which frame meets which, and what that is good for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

import lamina
from lamina.features.video import VideoFeature
from lamina.network.hidden.motion import MovingConvolutions, exchanged, with_neighbours
from lamina.network.inputs.video import VideoInput
from small_clips import gif, moving_dot


def test_every_second_frame_meets_its_neighbours() -> None:
    times = torch.arange(10.0).view(10, 1, 1, 1)  # two clips of five frames, one channel
    met = with_neighbours(times, 5)[:, :, 0, 0].tolist()
    assert met == [[0, 0, 1], [2, 1, 3], [4, 3, 4], [5, 5, 6], [7, 6, 8], [9, 8, 9]]


def test_some_channels_move_on_and_some_back() -> None:
    x = torch.arange(1.0, 5).view(4, 1, 1, 1).expand(4, 4, 1, 1)  # one clip of four frames, four channels
    moved = exchanged(x, 4)[:, :, 0, 0].T.tolist()
    assert moved == [[0, 1, 2, 3], [2, 3, 4, 0], [1, 2, 3, 4], [1, 2, 3, 4]]


@pytest.mark.parametrize("frames", [2, 3, 8, 16])
def test_the_same_frames_backwards_are_another_clip(frames: int) -> None:
    torch.manual_seed(0)
    network = MovingConvolutions(1, (8, 16), (2, 2), "silu", 12).eval()
    clips = torch.randn(3, frames, 1, 12, 12)
    network.whitening.prepare(clips.flatten(0, 1))
    assert network(clips).shape == (3, 16)
    assert not torch.allclose(network(clips), network(clips.flip(1)), atol=1e-3)


def test_all_frames_of_a_clip_are_shifted_and_mirrored_alike() -> None:
    rng = np.random.default_rng(0)
    still = np.broadcast_to(rng.integers(0, 255, (1, 1, 12, 12), np.uint8), (4, 1, 12, 12))
    feature = VideoFeature("v", ("v",), 4, 1, 12, 12, (100.0,), (50.0,))
    spec = {"widths": [4], "depths": [1], "activation": "silu", "stride": 1, "shift": 2, "mirror": True}
    layer = VideoInput(feature, spec)
    arrays = {"v": torch.from_numpy(np.stack([still] * 8))}
    varied = layer.augment(arrays, torch.Generator().manual_seed(1))["v"]
    assert torch.equal(varied, varied[:, :1].expand_as(varied))
    assert not torch.equal(varied[0], varied[1])
    assert len(layer.views(arrays)) == 2


def left_and_right(rows: int, seed: int) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    towards = rng.integers(0, 2, rows) * 2 - 1
    cells = [gif(moving_dot(6, int(way), rng)) for way in towards]
    return pl.DataFrame({"clip": cells, "way": np.where(towards > 0, "right", "left")})


def test_the_direction_of_a_motion_is_learnt_saved_and_not_mirrored(tmp_path: Path) -> None:
    train, test = left_and_right(160, 0), left_and_right(60, 1)
    model = lamina.fit(train, "way", epochs=10, seed=1)
    assert model.schema["clip"].kind == "video"
    assert [each.value for each in model.fitted.choices if each.what == "mirroring"] == [False]
    assert model.evaluate(test).scores["accuracy"] > 0.95
    model.save(tmp_path / "m.lamina")
    assert lamina.load(tmp_path / "m.lamina").predict(test).equals(model.predict(test))


def test_broken_clips_are_set_aside_and_said() -> None:
    train = left_and_right(60, 0)
    cells = train["clip"].to_list()
    cells[2], cells[5] = b"GIF89a no clip", cells[5][:40]
    train = train.with_columns(clip=pl.Series(cells, dtype=pl.Binary))
    model = lamina.fit(train, "way", quality="fast", epochs=1, kinds={"clip": "video"})
    assert [(f.column, f.count) for f in model.findings if f.code == "broken-media"] == [("clip", 2)]
    with pytest.warns(lamina.LaminaWarning, match="cannot be read"):
        answers = model.predict(train.drop("way")[:4])
    assert answers["predicted_way"].null_count() == 1
