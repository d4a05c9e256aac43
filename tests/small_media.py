"""Small pictures, recordings and clips of two sorts each, as the bytes of files."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from small_clips import gif


def picture(rng: np.random.Generator, bright: bool) -> bytes:
    """A 16 × 16 picture, bright above or below."""
    pixels = rng.integers(0, 90, (16, 16, 3), dtype=np.uint8)
    pixels[:8] += np.uint8(120 if bright else 0)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def recording(rng: np.random.Generator, high: bool) -> bytes:
    """A tone of a quarter of a second at 8 kHz, as the bytes of a WAV file."""
    import soundfile

    time = np.arange(2000) / 8000
    tone = np.sin(2 * np.pi * (900 if high else 300) * time) * 0.3 + rng.normal(0, 0.02, len(time))
    file = io.BytesIO()
    soundfile.write(file, tone, 8000, format="WAV")
    return file.getvalue()


def clip(rng: np.random.Generator, right: bool) -> bytes:
    """A bar that moves to the right or to the left, as the bytes of a GIF file."""
    start = int(rng.integers(0, 8))
    frames = np.zeros((8, 24, 24), np.uint8)
    for step, frame in enumerate(frames):
        place = start + step if right else 23 - start - step
        frame[:, max(place - 2, 0) : place + 1] = 255
    return gif(frames)
