"""Clips of every make: formats, length, colour, rotation, and files that are none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from lamina.errors import MissingExtraError
from lamina.features import clips
from lamina.features.clips import read_clip
from lamina.features.video import MOST_FRAMES, VideoFeature
from small_clips import CODECS, film, gif, shades


def same_size(height: int, width: int) -> tuple[int, int]:
    return height, width


def levels(cell: object, count: int) -> np.ndarray:
    """The mean shade of each frame that is read."""
    clip = read_clip(cell, count, same_size)
    assert clip is not None
    return clip.frames.mean((1, 2, 3))


@pytest.mark.parametrize("form", CODECS)
def test_formats_are_read_with_frames_evenly_over_the_whole_clip(form: str, tmp_path: Path) -> None:
    made = shades(13)
    content = film(made, form)
    wanted = made.mean((1, 2, 3))[[0, 4, 8, 12]]
    assert np.abs(levels(content, 4) - wanted).max() < 4
    path = tmp_path / "clip"
    path.write_bytes(content)
    assert np.array_equal(levels(str(path), 4), levels(content, 4))
    clip = read_clip(content, 3, same_size)
    assert clip is not None
    assert (clip.height, clip.width) == (32, 48)


def test_moving_gifs_need_no_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clips, "find_spec", lambda name: None)
    made = shades(5)
    assert np.abs(levels(gif(made), 5) - made.mean((1, 2, 3))).max() < 2


def test_a_film_without_the_extra_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clips, "find_spec", lambda name: None)
    frame = pl.DataFrame({"clip": [film(shades(3))]})
    with pytest.raises(MissingExtraError, match=r'pip install "lamina\[video\]"'):
        VideoFeature.fit("video:clip", frame, ["clip"])


def test_short_clips_show_frames_twice_and_long_ones_are_thinned(monkeypatch: pytest.MonkeyPatch) -> None:
    assert levels(gif(shades(2)), 4).round().tolist() == [20, 20, 230, 230]
    monkeypatch.setattr(clips, "LONG", 8)
    made = shades(40)
    assert np.abs(levels(gif(made), 4) - made.mean((1, 2, 3))[[0, 12, 24, 36]]).max() < 8


def test_long_films_are_looked_at_in_places(monkeypatch: pytest.MonkeyPatch) -> None:
    content, through = film(shades(60)), levels(film(shades(60)), 4)
    monkeypatch.setattr(clips, "LONG", 30)
    assert np.abs(levels(content, 4) - [20, 73, 127, 180]).max() < 8
    assert np.abs(through - [20, 91, 162, 230]).max() < 8


def test_size_colour_and_frames_are_chosen_from_the_clips() -> None:
    colour = shades(20)
    colour[..., 0] //= 2
    frame = pl.DataFrame({"clip": [gif(colour), gif(colour), None]})
    feature = VideoFeature.fit("video:clip", frame, ["clip"])
    assert (feature.channels, feature.height, feature.width, feature.frames) == (3, 32, 48, MOST_FRAMES)
    arrays = feature.transform(frame)
    assert arrays["video:clip"].shape == (3, MOST_FRAMES, 3, 32, 48)
    assert arrays["video:clip.present"].tolist() == [True, True, False]
    assert feature.linear(arrays).shape == (3, feature.linear_width)
    grey = VideoFeature.fit("video:clip", pl.DataFrame({"clip": [gif(shades(6, 200, 100))]}), ["clip"])
    assert (grey.channels, grey.height, grey.width, grey.frames) == (1, 64, 32, 6)


def test_what_is_no_clip_is_black_and_marked(tmp_path: Path) -> None:
    whole = film(shades(6))
    frame = pl.DataFrame({"clip": [whole, whole[:200], b"", b"no clip", whole[:12] + bytes(300), None]})
    feature = VideoFeature.fit("video:clip", frame, ["clip"])
    arrays = feature.transform(frame)
    assert arrays["video:clip.present"].tolist() == [True] + [False] * 5
    assert not arrays["video:clip"][1:].any()
    paths = pl.DataFrame({"clip": [str(tmp_path / "absent.mp4"), str(tmp_path), "", "\x00"]})
    assert not feature.transform(paths)["video:clip.present"].any()


def test_playlists_that_name_other_files_are_not_opened(tmp_path: Path) -> None:
    (tmp_path / "secret.mp4").write_bytes(film(shades(3)))
    for text in (
        f"ffconcat version 1.0\nfile '{tmp_path}/secret.mp4'\n",
        f"#EXTM3U\n#EXTINF:1,\n{tmp_path}/secret.mp4\n",
    ):
        (tmp_path / "list.mp4").write_text(text)
        assert read_clip(str(tmp_path / "list.mp4"), 2, same_size) is None


def test_size_pixels_and_frames_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    content = gif(shades(4))
    claims = content[:6] + b"\xff\xff\xff\xff" + content[10:]
    assert read_clip(claims, 2, same_size) is None
    monkeypatch.setattr(clips, "MOST_DECODED", 2)
    assert levels(content, 2).round().tolist() == [20, 90]
    monkeypatch.setattr(clips, "MOST_PIXELS", 1000)
    assert read_clip(content, 2, same_size) is None
    assert read_clip(film(shades(4)), 2, same_size) is None
    monkeypatch.setattr(clips, "MOST_BYTES", 10)
    assert read_clip(content, 2, same_size) is None
