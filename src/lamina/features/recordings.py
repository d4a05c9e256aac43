"""Recordings decoded: a file or its bytes → one channel of samples at a wanted rate.

Every file is untrusted: what is read of it is bounded, and whatever a decoder raises means "broken".
"""

from __future__ import annotations

import io
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from lamina.errors import MissingExtraError

MOST_SAMPLES = 30_000_000  # of one file, over all channels; what comes after is not read
RATES = (1000, 768_000)  # samples per second that a file may claim
QUALITY = "HQ"


def need_audio() -> ModuleType:
    """The library that decodes, or MissingExtraError with the line that installs it."""
    for name in ("soundfile", "soxr"):
        if find_spec(name) is None:
            raise MissingExtraError("Reading recordings", "audio", module=name)
    import soundfile

    return soundfile


def measure(cell: Any) -> tuple[int, float] | None:
    """(rate, seconds) as the file's head says; ``None`` where it is missing or cannot be read."""
    soundfile = need_audio()
    try:
        with soundfile.SoundFile(_opened(cell)) as file:
            return (file.samplerate, file.frames / file.samplerate) if _sane(file) else None
    except Exception:
        return None


def decode(cell: Any, rate: int) -> np.ndarray | None:
    """Samples at ``rate``, the mean of all channels, float32 ``(samples,)``, -1 to 1.

    ``None`` where the cell is missing, broken or empty.
    """
    soundfile = need_audio()
    try:
        with soundfile.SoundFile(_opened(cell)) as file:
            if not _sane(file):
                return None
            channels = file.read(MOST_SAMPLES // file.channels, dtype="float32", always_2d=True)
            return _at_rate(np.nan_to_num(channels.mean(1)), file.samplerate, rate)
    except Exception:
        return None


def _at_rate(samples: np.ndarray, old: int, new: int) -> np.ndarray | None:
    if not len(samples):
        return None
    if old == new:
        return samples
    import soxr

    return soxr.resample(samples, old, new, quality=QUALITY)


def _sane(file: Any) -> bool:
    return RATES[0] <= file.samplerate <= RATES[1] and 0 < file.channels <= 64


def _opened(cell: Any) -> Any:
    """What the decoder opens: bytes in memory, or a path."""
    return io.BytesIO(cell) if isinstance(cell, bytes) else str(Path(cell))
