"""Clips made from the digits of MNIST: each moves in one of eight directions, which no single frame shows.

Training clips show digits of MNIST's training part, test clips those of its test part. Start, speed and digit
are random; the files are mp4 (x264), as cameras write them.
"""

from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path

import numpy as np
import polars as pl
from PIL import Image

SIDE, DIGIT, FRAMES = 36, 20, 12  # pixels of a frame and of a digit, frames of a clip
TRAIN, TEST = 3000, 1000  # clips
DIRECTIONS = ("east", "north-east", "north", "north-west", "west", "south-west", "south", "south-east")
SLOWEST, FASTEST = 0.8, 1.6  # pixels a frame


def moving_digits(answer: str, data: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Training and test frames: ``clip``, an mp4 file as bytes, and ``answer``, "direction" or "both"."""
    from lamina.data.read import read

    folder = data / "images" / "mnist"
    train, test = (read(folder, part=part).frame for part in ("train", "test"))  # type: ignore[arg-type]
    return _clips(train, TRAIN, 0, answer), _clips(test, TEST, 1, answer)


def _clips(digits: pl.DataFrame, count: int, seed: int, answer: str) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    chosen = digits[rng.choice(digits.height, count, replace=False)]
    pictures, labels = chosen["image"].to_numpy(), chosen["label"].to_list()
    towards = rng.integers(0, len(DIRECTIONS), count)
    clips = [
        mp4(path(picture.reshape(28, 28), way, rng)) for picture, way in zip(pictures, towards, strict=True)
    ]
    ways = [DIRECTIONS[each] for each in towards]
    both = [f"{label} {way}" for label, way in zip(labels, ways, strict=True)]
    return pl.DataFrame({"clip": clips, answer: ways if answer == "direction" else both})


def path(picture: np.ndarray, towards: int, rng: np.random.Generator) -> np.ndarray:
    """uint8 ``(frames, height, width)``: a digit on its way from anywhere; what leaves comes in opposite.

    So every place of a frame is as likely with every direction.
    """
    angle = towards * np.pi / 4
    step = rng.uniform(SLOWEST, FASTEST) * np.array([-np.sin(angle), np.cos(angle)])
    start = rng.uniform(0, SIDE, 2)
    still = np.zeros((SIDE, SIDE), np.uint8)
    small = Image.fromarray(picture).resize((DIGIT, DIGIT), Image.Resampling.BICUBIC)
    still[:DIGIT, :DIGIT] = np.asarray(small)
    moves = (start + np.arange(FRAMES)[:, None] * step).round().astype(int)
    return np.stack([np.roll(still, tuple(move), (0, 1)) for move in moves])


def mp4(frames: np.ndarray) -> bytes:
    """Grey frames ``(frames, height, width)`` as the bytes of an mp4 file."""
    import av

    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as film:
        stream = film.add_stream("libx264", rate=12, options={"crf": "18", "preset": "veryfast"})
        stream.height, stream.width = frames.shape[1:]
        stream.pix_fmt, stream.time_base = "yuv420p", Fraction(1, 12)
        for picture in frames:
            film.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="gray")))
        film.mux(stream.encode(None))
    return file.getvalue()
