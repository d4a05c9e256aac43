"""Recordings: any rate, mono or stereo, of any length, as files or encoded bytes."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl

from lamina.features.base import Arrays, Feature
from lamina.features.media import decoded
from lamina.features.recordings import RATES, decode, measure
from lamina.features.spectrogram import fourier_basis, mel_filters
from lamina.records import Finding

HIGHEST_RATE = 16_000  # samples per second: speech and most sounds lie below half of it
LONGEST = 10.0  # seconds that are kept of a recording
LONGEST_WHOLE = 30.0  # seconds, where all of a recording matters
SPARE = 1.1  # ... with room for one that is a little longer than all of training
SHORTEST = 0.1  # seconds
USUAL = 99.0  # percentile of the training lengths that is kept whole
FULL = 32_767  # int16 of the loudest sample there can be
SILENT = 3  # int16 below which nothing was recorded
CLIPPED = 0.005  # share of samples at the recording's own peak, from which it is called clipped
BANDS = 24  # of the spectrum that the linear baseline sees
AT_ONCE = 1000  # recordings whose ends are looked for together


@dataclass(frozen=True)
class AudioFeature(Feature):
    """One column of recordings → int16 ``(rows, samples)``, ``name.length`` and ``name.present``.

    ``rate`` is the training recordings' most common one, at most HIGHEST_RATE; ``samples`` holds their
    99th percentile of lengths, at most LONGEST seconds; fitted ``whole``, the longest one, at most
    LONGEST_WHOLE. Channels are averaged. A longer recording is cut to the stretch with the most energy; a
    shorter one is followed by zeros, ``name.length`` (int32) saying where it ends. What is missing or broken
    is all zero with length 0, what is silent all zero with the full length; of neither ``present`` is true.
    """

    kind: ClassVar[str] = "audio"
    enough: ClassVar[int | None] = 2000
    name: str
    columns: tuple[str, ...]
    rate: int
    samples: int

    @classmethod
    def fit(cls, name: str, frame: pl.DataFrame, columns: Sequence[str], whole: bool = False) -> Self:
        cells = frame[columns[0]].drop_nulls()
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            measured = [each for each in pool.map(measure, cells) if each is not None]
        rates = Counter(rate for rate, _ in measured)
        rate = min(HIGHEST_RATE, max(rates, key=lambda each: (rates[each], each), default=HIGHEST_RATE))
        usual, longest = (100.0, LONGEST_WHOLE) if whole else (USUAL, LONGEST)
        seconds = float(np.percentile([seconds for _, seconds in measured] or [SHORTEST], usual))
        seconds *= SPARE if whole else 1.0
        return cls(name, tuple(columns), rate, int(np.ceil(np.clip(seconds, SHORTEST, longest) * rate)))

    def transform(self, frame: pl.DataFrame) -> Arrays:
        cells = frame[self.columns[0]]
        waves, found = decoded(cells, (self.samples,), self._wave, dtype=np.int16, title="reading recordings")
        lengths = np.concatenate(
            [_ends(waves[k : k + AT_ONCE]) for k in range(0, max(len(waves), 1), AT_ONCE)]
        )
        silent = found & (lengths == 0)
        lengths[silent] = self.samples
        return {self.name: waves, f"{self.name}.length": lengths, f"{self.name}.present": found & ~silent}

    @property
    def row_bytes(self) -> int:
        return 2 * self.samples

    def _wave(self, cell: Any) -> np.ndarray | None:
        """int16 ``(samples,)``, zeros after the recording's end."""
        heard = decode(cell, self.rate)
        if heard is None:
            return None
        kept = np.round(np.clip(loudest_stretch(heard, self.samples), -1, 1) * FULL).astype(np.int16)
        if np.abs(kept).max() < SILENT:
            kept[:] = 0
        return np.pad(kept, (0, self.samples - len(kept)))

    def findings(self, arrays: Arrays) -> list[Finding]:
        """Recordings that hold nothing, and recordings whose peaks are cut off."""
        present, lengths = arrays[f"{self.name}.present"], arrays[f"{self.name}.length"]
        silent = np.flatnonzero(~present & (lengths > 0))
        clipped = np.flatnonzero(present & (_clipping(arrays[self.name], lengths) > CLIPPED))
        found = []
        if len(silent):
            found.append(self._finding("silent-recordings", silent, "are silent", "Record them again."))
        if len(clipped):
            remedy = "They are used as they are; a lower recording level would keep what was cut off."
            found.append(self._finding("clipped-recordings", clipped, "are clipped", remedy))
        return found

    def _finding(self, code: str, rows: np.ndarray, what: str, remedy: str) -> Finding:
        return Finding(
            severity="warning" if code.startswith("silent") else "note",
            code=code,
            column=self.columns[0],
            rows=tuple(map(int, rows[:100])),
            count=len(rows),
            message=f"{len(rows):,} recording(s) of {self.columns[0]!r} {what}, first in row {rows[0]}.",
            remedy=remedy,
        )

    def extend(self, frame: pl.DataFrame) -> Self:
        return self

    @property
    def linear_width(self) -> int:
        return 2 * BANDS + 1

    def linear(self, arrays: Arrays) -> np.ndarray:
        """Mean and deviation of each band's log power over the recording, and its length."""
        waves, lengths = arrays[self.name], arrays[f"{self.name}.length"]
        basis, filters = fourier_basis(self.rate), mel_filters(self.rate, BANDS)
        rows = [_statistics(wave[:n], basis, filters) for wave, n in zip(waves, lengths, strict=True)]
        spectrum = np.stack(rows) if rows else np.zeros((0, 2 * BANDS), np.float32)
        seconds = np.log1p(lengths[:, None] / self.rate)
        return np.concatenate([spectrum, seconds], axis=1).astype(np.float32)

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "columns": list(self.columns),
            "rate": self.rate,
            "samples": self.samples,
        }

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> Self:
        rate, samples = int(state["rate"]), int(state["samples"])
        if not RATES[0] <= rate <= HIGHEST_RATE or not 0 < samples <= LONGEST_WHOLE * rate:
            raise ValueError(f"recordings of {samples:,} samples at {rate:,} a second are not read")
        return cls(str(state["name"]), tuple(state["columns"]), rate, samples)

    def describe(self) -> str:
        seconds = self.samples / self.rate
        return f"audio: {self.columns[0]}, {seconds:.2g} seconds at {self.rate:,} samples a second"


def loudest_stretch(wave: np.ndarray, length: int) -> np.ndarray:
    """The ``length`` samples in a row that hold the most energy; the wave itself where it is no longer."""
    if len(wave) <= length:
        return wave
    energy = np.concatenate([[0.0], np.cumsum(wave.astype(np.float64) ** 2)])
    start = int(np.argmax(energy[length:] - energy[:-length]))
    return wave[start : start + length]


def _ends(waves: np.ndarray) -> np.ndarray:
    """Where the last sample that is not zero lies, and one, int32; 0 where all are zero."""
    heard = waves != 0
    ends: np.ndarray = np.where(heard.any(1), waves.shape[1] - heard[:, ::-1].argmax(1), 0).astype(np.int32)
    return ends


def _clipping(waves: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Share of each recording's samples that stand at its peak, where that peak is near the end of scale."""
    shares = np.zeros(len(waves))
    for row, (wave, length) in enumerate(zip(waves, lengths, strict=True)):
        loud = np.abs(wave[:length].astype(np.int32))
        peak = loud.max(initial=0)
        if peak > 0.9 * FULL:
            shares[row] = (loud >= 0.999 * peak).mean()
    return shares


def _statistics(wave: np.ndarray, basis: np.ndarray, filters: np.ndarray) -> np.ndarray:
    """Means and deviations of log band powers, float32 ``(2 × bands,)``; frames overlap by half."""
    window = len(basis)
    padded = np.zeros(max(len(wave), window), np.float32)
    padded[: len(wave)] = wave
    frames = np.lib.stride_tricks.sliding_window_view(padded, window)[:: window // 2]
    spectrum = frames @ basis
    half = spectrum.shape[1] // 2
    powers = np.log((spectrum[:, :half] ** 2 + spectrum[:, half:] ** 2) @ filters + 1.0)
    return np.concatenate([powers.mean(0), powers.std(0)])
