"""What turns a waveform into a log-mel spectrogram: the window, the Fourier basis, the mel filters.

Numpy constants only. The input layer multiplies with them in torch, the linear baseline in numpy.
"""

from __future__ import annotations

import numpy as np

LOWEST = 50.0  # Hz: below lies hum
WINDOW = 0.025  # seconds that one frame sees


def window_size(rate: int) -> int:
    """Samples of one frame."""
    return max(8, round(WINDOW * rate))


def fourier_basis(rate: int) -> np.ndarray:
    """Hann-windowed cosines and sines, float32 ``(window, 2 × bins)``: frames @ basis is their spectrum.

    The frame is padded with zeros to the next power of two, so ``bins`` is half of that and one.
    """
    window = window_size(rate)
    size = _fourier_size(rate)
    phase = 2 * np.pi * np.outer(np.arange(window), np.arange(size // 2 + 1)) / size
    hann = np.hanning(window + 2)[1:-1, None]
    return (hann * np.concatenate([np.cos(phase), np.sin(phase)], axis=1)).astype(np.float32)


def mel_centres(rate: int, bands: int) -> np.ndarray:
    """Frequencies in Hz at which the bands lie, from LOWEST to half the rate; the two ends included.

    Evenly spaced on the mel scale ``1127 ln(1 + f / 700)`` (O'Shaughnessy 1987), float64 ``(bands + 2,)``.
    """
    ends = hertz_to_mel(np.array([min(LOWEST, rate / 8), rate / 2]))
    return mel_to_hertz(np.linspace(ends[0], ends[1], bands + 2))


def mel_filters(rate: int, bands: int) -> np.ndarray:
    """Triangles over the bins, each summing to one, float32 ``(bins, bands)``: power @ filters."""
    size = _fourier_size(rate)
    bins = np.arange(size // 2 + 1) * rate / size
    centres = mel_centres(rate, bands)
    # No triangle narrower than two bins: it could fall between them and see nothing
    rise = np.maximum(centres[1:-1] - centres[:-2], rate / size)
    fall = np.maximum(centres[2:] - centres[1:-1], rate / size)
    distance = bins[:, None] - centres[1:-1]
    triangles = np.maximum(0, 1 - np.where(distance < 0, -distance / rise, distance / fall))
    return (triangles / triangles.sum(0)).astype(np.float32)


def hertz_to_mel(hertz: np.ndarray) -> np.ndarray:
    """Frequency → pitch as people judge it."""
    return 1127 * np.log1p(hertz / 700)


def mel_to_hertz(mel: np.ndarray) -> np.ndarray:
    """The inverse of ``hertz_to_mel``."""
    return 700 * np.expm1(mel / 1127)


def _fourier_size(rate: int) -> int:
    return 1 << (window_size(rate) - 1).bit_length()
