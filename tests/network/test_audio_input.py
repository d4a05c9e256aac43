"""Spectrograms, how training varies recordings, and the layer that hears them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from lamina.features.audio import AudioFeature
from lamina.features.spectrogram import mel_centres
from lamina.network.inputs.audio import AudioInput
from lamina.network.inputs.augment_audio import coloured, masked, noisy
from lamina.network.inputs.base import Batch, Situation
from lamina.network.inputs.spectrogram import RANGE, Spectrogram

RATE, SAMPLES = 8000, 4000
FEATURE = AudioFeature("audio:s", ("s",), RATE, SAMPLES)
STILL = {"warp": 0.0, "speed": 0.0, "shift": 0, "colour": 0.0, "noise": False, "mask": [0, 0], "views": False}


def tones(*hertz: float, loud: float = 8000, length: int = SAMPLES) -> Batch:
    time = np.arange(SAMPLES) / RATE
    waves = np.stack([loud * np.sin(2 * np.pi * each * time) for each in hertz]).astype(np.int16)
    waves[:, length:] = 0
    return {
        "audio:s": torch.from_numpy(waves),
        "audio:s.length": torch.full((len(hertz),), length, dtype=torch.int32),
        "audio:s.present": torch.ones(len(hertz), dtype=torch.bool),
    }


def layer(**changed: Any) -> AudioInput:
    torch.manual_seed(0)
    spec = AudioInput.choose(FEATURE, Situation(rows=100))
    small = {"widths": [8, 12], "depths": [1, 2], **changed}
    built = AudioInput(FEATURE, {**spec, **small})
    built.prepare(tones(200, 500, 900, 1500))
    return built.eval()


def spectrogram(arrays: Batch) -> Tensor:
    return Spectrogram(RATE, 48, 80)(arrays["audio:s"], arrays["audio:s.length"])


def test_a_tone_is_loudest_in_its_band() -> None:
    centres = mel_centres(RATE, 48)[1:-1]
    heard = spectrogram(tones(*centres[5::10]))
    assert heard.shape == (5, 48, 50)
    loudest = heard[:, :, 5:40].mean(2).argmax(1)
    assert (loudest - torch.arange(5, 48, 10)).abs().max() <= 1


def test_loudness_does_not_matter_and_the_end_is_silence() -> None:
    loud, quiet = spectrogram(tones(440, length=2000)), spectrogram(tones(440, loud=800, length=2000))
    assert (loud - quiet)[loud > -10].abs().max() < 0.1
    assert (loud[:, :, 25:] == float(torch.tensor(RANGE).log())).all()


def moved(
    arrays: Batch, factor: float = 1.0, speed: float = 1.0, start: float = 0.0
) -> tuple[Tensor, Tensor]:
    numbers = [torch.full((len(arrays["audio:s"]),), each) for each in (factor, speed, start)]
    return Spectrogram(RATE, 48, 80).moved(arrays["audio:s"], arrays["audio:s.length"], *numbers)


def test_moving_by_nothing_changes_nothing() -> None:
    arrays = tones(300, 700, length=3000)
    x, ends = moved(arrays)
    assert torch.allclose(x, spectrogram(arrays), atol=1e-4)
    assert ends.tolist() == [38, 38]


def test_speed_and_start_move_the_frames() -> None:
    arrays = tones(300)
    faster, ends = moved(arrays, speed=2.0)
    assert ends.tolist() == [25]
    assert (faster[0, :, 25:] == faster.min()).all()
    later, _ = moved(arrays, start=240.0)
    assert (later[0, :, :3] == later.min()).all()
    assert (later[0, :, 3:40] - spectrogram(arrays)[0, :, :37]).abs().max() < 0.3
    _, ends = moved(arrays, start=-800.0)
    assert ends.tolist() == [40]


def test_a_longer_vocal_tract_moves_what_is_heard() -> None:
    centres = mel_centres(RATE, 48)[1:-1]
    plain = moved(tones(centres[20]))[0][0, :, 10:30].mean(1).argmax()
    lower = moved(tones(centres[20]), factor=1.2)[0][0, :, 10:30].mean(1).argmax()
    assert int(plain) == 20
    assert float(centres[20] / centres[int(lower)]) == pytest.approx(1.2, rel=0.05)
    filters = Spectrogram(RATE, 48, 80).warped_filters(torch.tensor([0.7, 1.0, 1.4]))
    assert torch.allclose(filters[1], Spectrogram(RATE, 48, 80).filters, atol=1e-4)
    assert filters.isfinite().all()


def test_noise_has_the_power_asked_for_and_adds_to_what_is_there() -> None:
    generator = torch.Generator().manual_seed(0)
    silence = torch.full((2, 40, 500), -50.0)
    heard = noisy(silence, torch.tensor([-3.0, 0.0]), torch.tensor([0.0, 4.0]), generator).exp()
    assert heard[0].mean().log() == pytest.approx(-3, abs=0.05)
    assert heard[1, -1].mean().log() == pytest.approx(2, abs=0.2)
    loud = torch.full((1, 40, 50), 5.0)
    assert (noisy(loud, torch.tensor([-10.0]), torch.zeros(1), generator) - loud).abs().max() < 0.01


def test_colour_is_the_same_in_every_frame_and_masks_are_stretches() -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(5, 24, 30)
    change = coloured(x, 1.0, 6, generator) - x
    assert torch.allclose(change, change[:, :, :1].expand_as(change), atol=1e-5)
    ones = torch.ones(200, 24, 30)
    gone = (masked(ones, 6, 1, generator)[:, :, 0] == 0).sum(1)
    assert 0 <= gone.min() <= gone.max() == 6
    assert (masked(ones, 6, 2, generator) == 0).any()


def test_training_hears_something_else_every_time_and_the_seed_decides() -> None:
    built, arrays = layer(), tones(300, 700)
    first, again, other = (
        built.augment(arrays, torch.Generator().manual_seed(seed))["audio:s"] for seed in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_without_variation_training_hears_what_is_there() -> None:
    built, arrays = layer(**STILL), tones(300, 700, length=3000)
    assert torch.allclose(built(built.augment(arrays, torch.Generator())), built(arrays), atol=1e-5)
    assert len(built.views(arrays)) == 1


@pytest.mark.parametrize("wrong", [{"bands": 10**9}, {"bands": 0}, {"hop": 0}])
def test_sizes_that_cannot_be_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="are not made"):
        layer(**wrong)


@torch.no_grad()
def test_what_comes_after_the_end_is_not_heard() -> None:
    built, arrays = layer(), tones(300, 700, length=3000)
    assert built(arrays).isfinite().all()
    noise = arrays["audio:s"].clone()
    noise[:, 3400:] = 9000  # past the last frame that begins before the end
    assert torch.equal(built({**arrays, "audio:s": noise}), built(arrays))


@torch.no_grad()
def test_a_recording_that_is_not_there_is_answered_with_numbers() -> None:
    nothing = {name: torch.zeros_like(each) for name, each in tones(300).items()}
    assert layer()(nothing).isfinite().all()


@torch.no_grad()
def test_every_frame_is_the_same_however_much_silence_follows() -> None:
    long = tones(300, 700, 900, length=2960)
    short = {name: each[:, :2960] if each.ndim == 2 else each for name, each in long.items()}
    spec = AudioInput.choose(FEATURE, Situation(rows=100, frames=True))
    sizes = {**spec, "widths": [4, 6], "frame_width": 8, "dilations": [1, 3]}
    torch.manual_seed(0)
    built = AudioInput(FEATURE, sizes)
    built.prepare(long)
    other = AudioInput(AudioFeature("audio:s", ("s",), RATE, 2960), sizes)
    other.load_state_dict(built.state_dict())
    heard, again = built.eval()(long).view(3, -1, 8), other.eval()(short).view(3, -1, 8)
    assert torch.allclose(heard[:, :19], again, atol=1e-5)
    assert not heard[:, 19:].any()
