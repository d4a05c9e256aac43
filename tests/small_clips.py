"""Small clips made on the spot: films through PyAV, moving GIF files through Pillow."""

from __future__ import annotations

import io
from fractions import Fraction

import numpy as np
from PIL import Image

CODECS = {"mp4": "mpeg4", "mov": "mpeg4", "avi": "mpeg4", "matroska": "mpeg4", "webm": "libvpx"}


def film(frames: np.ndarray, form: str = "mp4") -> bytes:
    """uint8 ``(frames, height, width, 3)`` as the bytes of a video file."""
    import av

    file = io.BytesIO()
    with av.open(file, "w", format=form) as made:
        stream = made.add_stream(CODECS[form], rate=10)
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt, stream.time_base, stream.bit_rate = "yuv420p", Fraction(1, 10), 2_000_000
        for frame in frames:
            made.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        made.mux(stream.encode(None))
    return file.getvalue()


def gif(frames: np.ndarray) -> bytes:
    """uint8 ``(frames, height, width)`` or ``(…, 3)`` as the bytes of a GIF file."""
    file = io.BytesIO()
    pictures = [Image.fromarray(each) for each in frames]
    pictures[0].save(file, "GIF", save_all=True, append_images=pictures[1:])
    return file.getvalue()


def shades(count: int, height: int = 32, width: int = 48) -> np.ndarray:
    """Frames of one shade each, from dark to light."""
    levels = np.linspace(20, 230, count).astype(np.uint8)
    return np.broadcast_to(levels[:, None, None, None], (count, height, width, 3)).copy()


def moving_dot(steps: int, towards: int, rng: np.random.Generator, side: int = 12) -> np.ndarray:
    """A bright square on its way to the right (1) or to the left (-1), anywhere, round the border."""
    still = rng.integers(0, 40, (side, side), np.uint8)
    dot = np.zeros((side, side), np.uint8)
    dot[4:7, 4:7] = 200
    begin = rng.integers(0, side)
    return np.stack([still + np.roll(dot, begin + towards * step, 1) for step in range(steps)])
