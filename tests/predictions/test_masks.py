"""A mask for every picture: learnt, judged, answered, saved and written."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image, ImageDraw

import lamina
from lamina.data.write import write
from lamina.features.masks import as_png, open_mask, resized
from lamina.features.targets.mask import MaskTarget
from lamina.network.answered import seen_by
from lamina.scores.masks import mask_scores

SIZE = (20, 16)  # width, height


def encoded(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def scenes(rows: int, seed: int) -> pl.DataFrame:
    """A bright disc on dark noise; the mask is 7 inside the disc."""
    rng = np.random.default_rng(seed)
    photos, masks = [], []
    for _ in range(rows):
        photo = Image.fromarray(rng.integers(0, 90, (SIZE[1], SIZE[0]), dtype=np.uint8))
        mask = Image.new("L", SIZE, 0)
        left, top = int(rng.integers(0, 12)), int(rng.integers(0, 8))
        box = (left, top, left + 7, top + 7)
        ImageDraw.Draw(photo).ellipse(box, fill=int(rng.integers(140, 255)))
        ImageDraw.Draw(mask).ellipse(box, fill=7)
        photos.append(encoded(photo))
        masks.append(encoded(mask))
    return pl.DataFrame({"photo": photos, "mask": masks})


def resized_file(cell: bytes, size: tuple[int, int], mode: str) -> bytes:
    """The picture in another size, with nothing mixed; in colour, its red is less."""
    with Image.open(io.BytesIO(cell)) as picture:
        larger = picture.resize(size, Image.Resampling.NEAREST).convert(mode)
    if mode == "RGB":
        larger = Image.fromarray(np.asarray(larger) // np.array([2, 1, 1], np.uint8))
    return encoded(larger)


@pytest.fixture(scope="module")
def model() -> lamina.Model:
    return lamina.fit(scenes(120, 0), "mask", quality="fast", epochs=12)


def test_masks_are_found_and_learnt(model: lamina.Model):
    assert model.schema["mask"].form["answer"] == "mask"
    scored = model.evaluate(scenes(40, 1))
    assert scored.scores["iou"] > 0.9 > 0.6 > scored.baseline["majority"]["iou"]
    assert set(scored.scores) == {"iou", "pixel_accuracy", "iou_0", "iou_7"}


def test_what_is_seen_is_the_mean_of_the_pixels(model: lamina.Model):
    network = model.fitted.network
    _, (seen,) = seen_by(network, model.fitted.features.transform(scenes(5, seed=3)))
    assert (seen.shape,) == tuple((5, width) for width in network.vectors)
    assert seen.shape[1] < 1000


def test_answers_are_pictures_with_the_values_of_the_masks(model: lamina.Model, tmp_path: Path):
    asked = scenes(5, 2)
    told = model.predict(asked.drop("mask"))
    assert lamina.load(model.save(tmp_path / "m.lamina")).predict(asked).equals(told)
    for cell, came in zip(told["predicted_mask"], asked["mask"], strict=True):
        mask, true = open_mask(cell), open_mask(came)
        assert mask is not None
        assert true is not None
        assert mask.shape == SIZE[::-1]
        assert (mask == true).mean() > 0.95
    write(told, tmp_path / "answers.csv")
    assert pl.read_csv(tmp_path / "answers.csv").height == 5


@pytest.mark.parametrize(
    ("enlarged", "told", "settings"),
    [((100, 80), (64, 51), {}), ((100, 80), (32, 26), {"size": 32}), ((40, 32), (20, 16), {})],
)
def test_photographs_take_the_size_of_their_masks(
    enlarged: tuple[int, int], told: tuple[int, int], settings: dict[str, int]
):
    """Large ones with colours, and those that are larger than their masks."""
    rows = scenes(30, 0)
    photos = [resized_file(cell, enlarged, "RGB") for cell in rows["photo"]]
    masks = [resized_file(cell, enlarged, "L") if enlarged[0] > 64 else cell for cell in rows["mask"]]
    rows = pl.DataFrame({"photo": photos, "mask": masks})
    model = lamina.fit(rows, "mask", quality="fast", epochs=1, **settings)
    mask = open_mask(model.predict(rows.head(1))["predicted_mask"][0])
    assert mask is not None
    assert mask.shape == told[::-1]


def test_a_broken_mask_is_no_answer_and_a_strange_value_unknown():
    target = MaskTarget("m", 2, 2, (0, 7))
    strange = np.array([[0, 7], [7, 9]], np.uint8)
    answers = target.read(pl.Series("m", [as_png(strange), b"no picture", None]))
    assert answers.tolist() == [[0, 1, 1, 255], [255] * 4, [255] * 4]


def test_columns_beside_the_picture_are_refused():
    with pytest.raises(lamina.LaminaError, match="other inputs: 'place'"):
        lamina.fit(scenes(30, 0).with_columns(place=pl.Series(["a", "b", "c"] * 10)), "mask")


def test_masks_of_one_value_are_nothing_to_learn():
    blank = [encoded(Image.new("L", SIZE, 3))] * 30
    with pytest.raises(lamina.LaminaError, match="are 3 throughout"):
        lamina.fit(scenes(30, 0).with_columns(mask=pl.Series(blank)), "mask")


@given(arrays(np.uint8, (5, 4)))
def test_grey_masks_survive_writing(mask: np.ndarray):
    read = open_mask(as_png(mask.astype(np.int64)))
    assert read is not None
    assert (read == mask).all()


@given(arrays(np.uint8, (3, 3, 3)))
def test_colour_masks_survive_writing(colours: np.ndarray):
    mask = open_mask(encoded(Image.fromarray(colours)))
    assert mask is not None
    again = open_mask(as_png(mask))
    assert again is not None
    assert (again == mask).all()


@given(st.integers(1, 9), st.integers(1, 9))
def test_resizing_invents_no_value(height: int, width: int):
    mask = np.array([[1, 1, 5], [1, 5, 5]])
    assert set(np.unique(resized(mask, height, width))) <= {1, 5}


def test_scores_against_counting_by_hand():
    told = np.array([[0, 0, 1, 1]], np.uint8)
    came = np.array([[0, 1, 1, 255]], np.uint8)
    scores = mask_scores(told, came, (0, 7))
    assert scores == {"iou": 0.5, "pixel_accuracy": pytest.approx(2 / 3), "iou_0": 0.5, "iou_7": 0.5}
