"""Recordings of every make: rate, channels, format, length, and files that are none."""

from __future__ import annotations

import io
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from lamina.errors import MissingExtraError
from lamina.features.audio import FULL, AudioFeature, loudest_stretch
from lamina.features.features import Features, broken
from lamina.features.recordings import decode
from lamina.features.spectrogram import fourier_basis, mel_centres, mel_filters

pytestmark = pytest.mark.skipif(
    not (find_spec("soundfile") and find_spec("soxr")), reason='recordings need pip install "lamina[audio]"'
)


def tone(hertz: float = 440, seconds: float = 0.3, rate: int = 8000, loud: float = 0.5) -> np.ndarray:
    return loud * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)


def wav(wave: np.ndarray, rate: int = 8000, form: str = "WAV", **how: object) -> bytes:
    import soundfile

    file = io.BytesIO()
    soundfile.write(file, wave, rate, format=form, **how)
    return file.getvalue()


def frame_of(cells: list[object]) -> pl.DataFrame:
    return pl.DataFrame({"s": cells})


def fitted(cells: list[object]) -> AudioFeature:
    return AudioFeature.fit("audio:s", frame_of(cells), ["s"])


PLAIN = AudioFeature("audio:s", ("s",), rate=8000, samples=2400)


def read(cells: list[object], feature: AudioFeature = PLAIN) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    arrays = feature.transform(frame_of(cells))
    return arrays["audio:s"], arrays["audio:s.length"], arrays["audio:s.present"]


def test_samples_are_read_exactly() -> None:
    wave = np.random.default_rng(0).integers(-FULL, FULL, 1000).astype(np.int16)
    waves, lengths, present = read([wav(wave)])
    # libsndfile divides by 32768 where the array is scaled by 32767
    assert np.abs(waves[0, :1000] - wave.astype(int)).max() <= 1
    assert not waves[0, 1000:].any()
    assert lengths.tolist() == [1000]
    assert present.all()


@pytest.mark.parametrize(
    ("form", "rate"), [("FLAC", 44_100), ("OGG", 16_000), ("MP3", 22_050), ("AIFF", 8000)]
)
@pytest.mark.parametrize("channels", [1, 2])
def test_every_format_rate_and_channel_count_sounds_the_same(form: str, rate: int, channels: int) -> None:
    wave = np.repeat(tone(rate=rate)[:, None], channels, axis=1)
    heard, lengths, present = read([wav(wave, rate, form)])
    wanted = tone() * FULL
    inner = slice(400, 2000)  # codecs and filters fade at the ends
    assert present.all()
    assert 2200 < lengths[0] <= 2400
    spectrum = np.abs(np.fft.rfft(heard[0, inner]))
    assert spectrum.argmax() == np.abs(np.fft.rfft(wanted[inner])).argmax()
    assert np.abs(heard[0, inner]).max() == pytest.approx(0.5 * FULL, rel=0.1)


def test_paths_and_bytes_give_the_same(tmp_path: Path) -> None:
    path = tmp_path / "a b.wav"
    path.write_bytes(wav(tone()))
    assert np.array_equal(read([str(path)])[0], read([wav(tone())])[0])


def test_what_is_no_recording_is_not_present(tmp_path: Path) -> None:
    whole = wav(tone())
    cells = [None, b"noise", whole[:20], whole, wav(np.zeros(500)), wav(np.zeros((0, 1)))]
    waves, lengths, present = read(cells)
    assert present.tolist() == [False, False, False, True, False, False]
    assert lengths.tolist() == [0, 0, 0, 2400, 2400, 0]
    assert not waves[[0, 1, 2, 4, 5]].any()
    assert not read([str(tmp_path / "gone.wav")])[2].any()
    assert not read([str(tmp_path)])[2].any()


def test_numbers_that_are_none_are_silence() -> None:
    broken_samples = np.full(800, np.nan, np.float32)
    assert not read([wav(broken_samples, subtype="FLOAT")])[2].any()
    half = np.where(np.arange(800) < 400, np.inf, 0.25).astype(np.float32)
    assert read([wav(half, subtype="FLOAT")])[0].max() == FULL


def test_the_rate_is_the_most_common_one_up_to_a_bound() -> None:
    assert fitted([wav(tone())] * 2 + [wav(tone(rate=44_100), 44_100)]).rate == 8000
    assert fitted([wav(tone(rate=44_100), 44_100)]).rate == 16_000
    assert fitted([None, b"none"]).rate == 16_000


def test_the_length_is_the_usual_one_up_to_a_bound() -> None:
    cells: list[object] = [wav(tone(seconds=0.2 + 0.001 * k)) for k in range(100)]
    assert fitted(cells).samples == pytest.approx(0.298 * 8000, abs=9)
    assert fitted([wav(tone(seconds=12))]).samples == 80_000
    assert fitted([wav(tone(seconds=0.01))]).samples == 800


def test_a_long_recording_is_cut_to_its_loudest_part() -> None:
    quiet, loud = 0.01 * np.ones(5000), np.full(100, 0.9)
    wave = np.concatenate([quiet, loud, quiet])
    heard, lengths, _ = read([wav(wave)])
    assert lengths[0] == 2400
    assert (heard[0] > 0.8 * FULL).sum() == 100
    assert np.array_equal(loudest_stretch(wave, 100), loud)
    assert loudest_stretch(wave, len(wave)) is wave


def test_silence_and_clipping_are_found() -> None:
    clipped = np.clip(3 * tone(), -1, 1)
    frame = frame_of([wav(tone()), wav(np.zeros(900)), wav(clipped), None])
    arrays = PLAIN.transform(frame)
    found = {each.code: each for each in PLAIN.findings(arrays)}
    assert found.keys() == {"silent-recordings", "clipped-recordings"}
    assert found["silent-recordings"].rows == (1,)
    assert found["clipped-recordings"].rows == (2,)
    assert broken(arrays, frame, Features((PLAIN,)))["s"].tolist() == [1]


def test_a_rate_that_cannot_be_is_refused() -> None:
    assert decode(wav(tone(), 900_000), 8000) is None


@pytest.mark.parametrize("wrong", [{"rate": 10**9}, {"rate": 0}, {"samples": 10**9}, {"samples": 0}])
def test_a_state_that_would_fill_the_memory_is_refused(wrong: dict[str, int]) -> None:
    assert AudioFeature.from_json(PLAIN.to_json()) == PLAIN
    with pytest.raises(ValueError, match="are not read"):
        AudioFeature.from_json({**PLAIN.to_json(), **wrong})


def test_without_the_extra_the_line_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    cells: list[object] = [wav(tone())]
    monkeypatch.setattr("lamina.features.recordings.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r'pip install "lamina\[audio\]"'):
        fitted(cells)


@pytest.mark.parametrize(("rate", "bands"), [(4000, 24), (8000, 48), (16_000, 64)])
def test_a_tone_lands_in_its_band(rate: int, bands: int) -> None:
    basis, filters = fourier_basis(rate), mel_filters(rate, bands)
    assert np.allclose(filters.sum(0), 1, atol=1e-5)
    centres = mel_centres(rate, bands)[1:-1]
    for band in range(3, bands, 5):
        wave = np.sin(2 * np.pi * centres[band] * np.arange(len(basis)) / rate + 0.3)
        spectrum = wave @ basis
        power = (spectrum.reshape(2, -1) ** 2).sum(0) @ filters
        assert abs(int(power.argmax()) - band) <= 1


def test_the_fourier_basis_is_the_fourier_transform() -> None:
    wave = np.random.default_rng(1).normal(size=200)
    real, imaginary = (wave @ fourier_basis(8000)).reshape(2, -1)
    wanted = np.fft.rfft(wave * np.hanning(202)[1:-1], 256)
    assert np.allclose(real, wanted.real, atol=1e-4)
    assert np.allclose(imaginary, -wanted.imag, atol=1e-4)
