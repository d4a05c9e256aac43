"""Pictures of every make: size, colour, depth, transparency, rotation, and files that are none."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from lamina.features.image import LARGEST_SIDE, ImageFeature

RNG = np.random.default_rng(0)


def png(pixels: np.ndarray | Image.Image, form: str = "PNG", **how: object) -> bytes:
    file = io.BytesIO()
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    image.save(file, form, **how)
    return file.getvalue()


def noise(*shape: int) -> np.ndarray:
    return RNG.integers(0, 256, shape, dtype=np.uint8)


def frame_of(cells: list[object], kind: pl.DataType | None = None) -> pl.DataFrame:
    return pl.DataFrame(
        {"p": pl.Series(cells, dtype=kind or (pl.Binary if isinstance(cells[0], bytes) else None))}
    )


def fitted(cells: list[object]) -> ImageFeature:
    return ImageFeature.fit("image:p", frame_of(cells), ["p"])


def read(feature: ImageFeature, cells: list[object]) -> tuple[np.ndarray, np.ndarray]:
    arrays = feature.transform(frame_of(cells))
    return arrays["image:p"], arrays["image:p.present"]


GREY, COLOUR = fitted([png(noise(10, 12))] * 3), fitted([png(noise(10, 12, 3))] * 3)


def test_grey_and_colour_are_told_apart() -> None:
    assert (GREY.channels, GREY.height, GREY.width) == (1, 10, 12)
    assert COLOUR.channels == 3
    grey_in_colour = np.repeat(noise(10, 12, 1), 3, axis=2)
    assert fitted([png(grey_in_colour)]).channels == 1
    assert fitted([png(noise(10, 12)), png(noise(10, 12, 3))]).channels == 3


def test_pixels_are_read_exactly() -> None:
    grey, colour = noise(10, 12), noise(10, 12, 3)
    assert np.array_equal(read(GREY, [png(grey)])[0][0, 0], grey)
    assert np.array_equal(read(COLOUR, [png(colour)])[0][0], colour.transpose(2, 0, 1))
    assert np.array_equal(read(COLOUR, [png(grey)])[0][0], np.stack([grey] * 3))


def test_files_bytes_and_pixels_give_the_same(tmp_path: Path) -> None:
    for feature, shape in ((GREY, (10, 12)), (COLOUR, (10, 12, 3))):
        pixels = noise(4, *shape)
        paths = [str(tmp_path / f"{i}.png") for i in range(4)]
        for path, each in zip(paths, pixels, strict=True):
            Image.fromarray(each).save(path)
        from_files, present = read(feature, paths)
        assert present.all()
        assert np.array_equal(read(feature, [png(each) for each in pixels])[0], from_files)
        direct = pl.Series("p", pixels, dtype=pl.Array(pl.UInt8, shape))
        arrays = feature.transform(direct.to_frame())
        assert np.array_equal(arrays["image:p"], from_files)
        assert arrays["image:p"].flags.writeable
        gap = pl.concat([direct[:1], pl.Series("p", [None], dtype=direct.dtype), direct[2:]])
        arrays = feature.transform(gap.to_frame())
        assert arrays["image:p.present"].tolist() == [True, False, True, True]
        assert np.array_equal(arrays["image:p"][[0, 2, 3]], from_files[[0, 2, 3]])


def test_pixels_with_a_single_channel_are_grey() -> None:
    series = pl.Series("p", noise(3, 10, 12, 1), dtype=pl.Array(pl.UInt8, (10, 12, 1)))
    feature = ImageFeature.fit("image:p", series.to_frame(), ["p"])
    assert (feature.channels, feature.height, feature.width) == (1, 10, 12)
    assert feature.transform(series.to_frame())["image:p.present"].all()


def test_a_palette_is_resolved() -> None:
    colour = noise(10, 12, 3) // 128 * 255
    palette = Image.fromarray(colour).convert("P", palette=Image.Palette.ADAPTIVE, colors=8)
    assert np.array_equal(read(COLOUR, [png(palette)])[0][0], colour.transpose(2, 0, 1))


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparency_is_laid_on_white(mode: str) -> None:
    black = Image.new("RGBA", (12, 10), (0, 0, 0, 0))
    content = png(Image.new("P", (12, 10), 0), transparency=0) if mode == "P" else png(black.convert(mode))
    assert (read(COLOUR, [content])[0] == 255).all()
    half = png(Image.new("RGBA", (12, 10), (0, 0, 0, 128)))
    assert np.abs(read(COLOUR, [half])[0].astype(int) - 127).max() <= 1


def test_transparent_pixels_given_directly_are_laid_on_white() -> None:
    clear = np.zeros((2, 10, 12, 4), np.uint8)
    series = pl.Series("p", clear, dtype=pl.Array(pl.UInt8, (10, 12, 4)))
    assert (COLOUR.transform(series.to_frame())["image:p"] == 255).all()


def test_exif_rotation_is_applied() -> None:
    upright = noise(12, 10)
    exif = Image.Exif()
    exif[0x0112] = 6  # stored on its side: to be turned clockwise
    lying = png(np.rot90(upright).copy(), exif=exif)
    feature = fitted([png(upright)])
    assert np.array_equal(read(feature, [lying])[0][0, 0], upright)


def test_sixteen_bits_are_scaled_to_eight() -> None:
    deep = RNG.integers(0, 65536, (10, 12)).astype(np.uint16)
    found, present = read(GREY, [png(Image.fromarray(deep))])
    assert present.all()
    assert np.abs(found[0, 0].astype(float) - deep / 257).max() <= 1


@pytest.mark.parametrize("form", ["JPEG", "BMP", "GIF", "TIFF", "WEBP"])
def test_other_formats_are_read(form: str) -> None:
    flat = np.full((10, 12, 3), 200, np.uint8)
    found, present = read(COLOUR, [png(flat, form)])
    assert present.all()
    assert np.abs(found.astype(int) - 200).max() <= 2


@pytest.mark.parametrize("mode", ["1", "L", "CMYK", "YCbCr", "I", "F"])
def test_other_modes_are_read(mode: str) -> None:
    content = png(Image.fromarray(noise(10, 12, 3)).convert(mode), "TIFF")
    assert read(COLOUR, [content])[1].all()


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (2, 2), (500, 400)])
def test_any_size_is_brought_to_one(shape: tuple[int, int]) -> None:
    found, present = read(GREY, [png(noise(*shape))])
    assert present.all()
    assert found.shape == (1, 1, 10, 12)
    own = fitted([png(noise(*shape))])
    assert 1 <= min(own.height, own.width) <= max(own.height, own.width) <= LARGEST_SIDE


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def test_a_picture_that_claims_to_be_huge_is_refused_before_it_is_decoded() -> None:
    for side in (9_000, 30_000):  # 81 and 900 million pixels
        header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
        bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000)))
        found, present = read(GREY, [bomb + chunk(b"IEND", b"")])
        assert not present.any()
        assert not found.any()


def test_what_is_no_picture_is_black_and_marked(tmp_path: Path) -> None:
    whole = png(noise(10, 12))
    cells = [whole, whole[:70], b"", b"no picture", whole[:20] + b"\x00" * 30]
    found, present = read(GREY, cells)
    assert present.tolist() == [True, False, False, False, False]
    assert not found[1:].any()
    (tmp_path / "folder.png").mkdir()
    paths = [str(tmp_path / "absent.png"), str(tmp_path / "folder.png"), "", "\x00"]
    assert not read(GREY, paths)[1].any()


def test_missing_pictures_and_a_column_without_any() -> None:
    frame = pl.DataFrame({"p": [None, None]}, schema={"p": pl.Binary})
    empty = ImageFeature.fit("image:p", frame, ["p"])
    assert not empty.transform(frame)["image:p.present"].any()
    assert empty.transform(frame[:0])["image:p"].shape[0] == 0
