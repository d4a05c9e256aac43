"""Decoding once, in parallel, within a bound of memory; several columns of media; broken files."""

from __future__ import annotations

import gc
import io
import mmap

import numpy as np
import polars as pl
import pytest
from PIL import Image

import lamina
from lamina.errors import OutputError
from lamina.features import media
from lamina.features.image import ImageFeature
from lamina.features.media import content, decoded, release, room
from lamina.predictions import answers


@pytest.fixture
def small_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    gc.collect()
    monkeypatch.setattr(media, "IN_MEMORY", media._held[0] + 1000)


def test_every_cell_is_decoded_once_and_in_its_row() -> None:
    seen = []

    def decode(cell: str) -> np.ndarray | None:
        seen.append(cell)
        return None if cell == "broken" else np.full(3, int(cell), np.uint8)

    cells = pl.Series([str(n % 250) for n in range(1000)])
    cells[500], cells[501] = "broken", None
    rows, present = decoded(cells, (3,), decode)
    assert len(seen) == 999
    assert np.flatnonzero(~present).tolist() == [500, 501]
    assert (rows == np.where(present, np.arange(1000) % 250, 0)[:, None]).all()


def test_beyond_the_bound_arrays_are_mapped_and_hold_the_same(small_bound: None) -> None:
    first, second = room((900,)), room((900,))
    assert not isinstance(first.base, mmap.mmap)
    assert isinstance(second.base, mmap.mmap)
    second[:] = 7
    release(second)
    assert (second == 7).all()
    assert second.flags.writeable
    del first
    assert not isinstance(room((900,)).base, mmap.mmap)  # what is given back counts no more


def test_a_full_disk_is_said_before_anything_is_decoded(
    small_bound: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(file: int, size: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(media, "_reserve", full)
    with pytest.raises(OutputError, match="No space left on device"):
        room((2000,))


def test_content_is_bounded(tmp_path: object) -> None:
    assert content(b"abc", 3) == b"abc"
    assert content(b"abcd", 3) is None
    assert content("/no/such/file", 3) is None
    assert content("\0", 3) is None


def picture(rng: np.random.Generator, bright: bool) -> bytes:
    file = io.BytesIO()
    Image.fromarray(rng.integers(0, 120, (8, 8), np.uint8) + np.uint8(120 * bright)).save(file, "PNG")
    return file.getvalue()


def two_pictures(rows: int = 80) -> pl.DataFrame:
    """Whether the left picture is brighter than the right one: neither alone tells."""
    rng = np.random.default_rng(0)
    left, right = rng.random((2, rows)) < 0.5
    right = np.where(rng.random(rows) < 0.7, ~left, right)
    frame = {
        "left": [picture(rng, each) for each in left],
        "right": [picture(rng, each) for each in right],
        "brighter": np.where(left == right, "same", np.where(left, "left", "right")),
    }
    return pl.DataFrame(frame)


def test_several_columns_of_pictures_are_blocks_of_their_own(small_bound: None) -> None:
    frame = two_pictures()
    broken = frame["left"].to_list()
    broken[3], broken[5] = b"\x89PNG no picture", None
    frame = frame.with_columns(left=pl.Series(broken, dtype=pl.Binary))
    model = lamina.fit(frame, "brighter", quality="fast", seed=1, epochs=6)
    assert [each.name for each in model.fitted.features] == ["image:left", "image:right"]
    assert [f.count for f in model.findings if f.code == "broken-media"] == [1]
    assert sum(model.fitted.rows.values()) == 79
    answered = model.predict(frame.drop("brighter")[10:])
    assert (answered["predicted_brighter"] == frame["brighter"][10:]).mean() > 0.8


def test_answers_do_not_depend_on_how_many_rows_are_encoded_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = two_pictures(30)
    model = lamina.fit(frame, "brighter", quality="fast", epochs=1)
    whole = model.predict(frame)
    monkeypatch.setattr(answers, "CHUNK_BYTES", 3 * 2 * 64)
    assert answers.rows_encoded(model.fitted.features) == 3
    again = model.predict(frame)
    assert again["predicted_brighter"].equals(whole["predicted_brighter"])
    assert np.allclose(again["probability"], whole["probability"], atol=1e-5)


def test_pixels_given_directly_are_bounded_too(small_bound: None) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (40, 6, 6, 3), np.uint8)
    frame = pl.Series("p", pixels, dtype=pl.Array(pl.UInt8, (6, 6, 3))).to_frame()
    feature = ImageFeature.fit("image:p", frame, ["p"])
    found = feature.transform(frame)["image:p"]
    assert isinstance(found.base, mmap.mmap)
    assert np.array_equal(found, pixels.transpose(0, 3, 1, 2))
