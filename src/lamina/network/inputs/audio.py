"""The input layer of recordings: a log-mel spectrogram through a convolution network."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import torch
from torch import Tensor

from lamina.features.audio import AudioFeature
from lamina.network.hidden.convolution import Convolutions
from lamina.network.inputs.augment_audio import coloured, masked, noisy, uniform
from lamina.network.inputs.base import Batch, Input, Situation
from lamina.network.inputs.spectrogram import Spectrogram, inside

HOP = 0.01  # seconds from frame to frame
NOISE = (-20.0, -3.0)  # natural log of the power of added noise: from nothing to half as loud
MOST_FRAMES = 500  # longer recordings are looked at less often


class AudioInput(Input):
    """Recordings → what the convolutions hear in them, wherever in the recording it is.

    ``spec``: ``bands`` and ``hop`` (samples) of the spectrogram, ``widths``, ``depths``, ``stride`` and
    ``activation`` of the convolutions, and how training varies the recordings: ``warp`` (share by which
    frequencies and speed change), ``colour``, ``noise``, ``mask``.

    **Shape**: int16 ``(batch, samples)`` → ``(batch, widths[-1])``.
    """

    deep: ClassVar[bool] = True
    recipe: ClassVar[str] = "recordings"
    enough: ClassVar[int | None] = 1000
    mean: Tensor
    spread: Tensor

    def __init__(self, feature: AudioFeature, spec: dict[str, Any]) -> None:
        super().__init__(feature, spec)
        self.spec = spec
        bands = int(spec["bands"])
        self.spectrogram = Spectrogram(feature.rate, bands, int(spec["hop"]))
        self.register_buffer("mean", torch.zeros(bands, 1))
        self.register_buffer("spread", torch.ones(bands, 1))
        frames = -(-feature.samples // int(spec["hop"]))
        self.convolutions = Convolutions(
            1, spec["widths"], spec["depths"], spec["activation"], min(bands, frames), spec["stride"]
        )
        self.width = self.convolutions.width

    @classmethod
    def choose(cls, feature: AudioFeature, situation: Situation) -> dict[str, Any]:
        seconds = feature.samples / feature.rate
        return {
            "bands": 64 if feature.rate > 12_000 else 48,
            "hop": max(1, round(feature.rate * max(HOP, seconds / MOST_FRAMES))),
            "widths": {"fast": [32, 64, 128], "good": [64, 128, 256], "best": [64, 128, 256]}[
                situation.quality
            ],
            "depths": [2, 2, 2],
            "stride": 2,
            "activation": situation.activation,
            "warp": 0.15,
            "speed": 0.2,
            "shift": 4,
            "colour": 0.5,
            "noise": True,
            "mask": True,
            "views": situation.quality != "fast",
        }

    @classmethod
    def smoothing(cls, feature: AudioFeature) -> float:
        return 0.1

    def forward(self, arrays: Batch) -> Tensor:
        x, frames = self._heard(arrays)
        maps = self.convolutions.maps(x[:, None])
        ends = (-(-frames // self.convolutions.step)).clamp(1, maps.shape[3])
        silent = ~inside(ends, maps.shape[3])[:, None, None, :]
        return maps.masked_fill(silent, -math.inf).amax((2, 3))

    @torch.no_grad()
    def prepare(self, arrays: Batch) -> None:
        x, frames = self._spectrograms(arrays)
        heard = inside(frames, x.shape[2])[:, None, :] & arrays[f"{self.name}.present"][:, None, None]
        count = heard.sum().clamp_min(1)
        mean = (x * heard).sum((0, 2)) / count
        spread = ((x - mean[:, None]).square() * heard).sum((0, 2)) / count
        self.mean.copy_(mean[:, None])
        self.spread.copy_(spread.sqrt().clamp_min(0.1)[:, None])
        self.convolutions.whitening.prepare(self._heard(arrays)[0][:, None])

    def augment(self, arrays: Batch, generator: torch.Generator) -> Batch:
        """Other speakers and speeds, noise, microphones; then stretches of time and bands hidden."""
        spec, name = self.spec, self.name
        samples, lengths = arrays[name], arrays[f"{name}.length"]

        def draw(low: float, high: float) -> Tensor:
            return uniform(low, high, len(samples), generator, samples.device)

        x, frames = self.spectrogram.moved(
            samples,
            lengths,
            torch.exp(draw(-spec["warp"], spec["warp"])),
            torch.exp(draw(-spec["speed"], spec["speed"])),
            draw(-spec["shift"], spec["shift"]) * self.spectrogram.hop,
        )
        if spec["noise"]:
            x = noisy(x, draw(*NOISE), draw(-4, 4), generator)
        if spec["colour"]:
            x = coloured(x, float(spec["colour"]), 6, generator)
        x = self._normal(x, frames)
        if spec["mask"]:
            x = masked(x, x.shape[1] // 6, 1, generator)
            x = masked(x, x.shape[2] // 10, 2, generator)
        return {**arrays, name: x, f"{name}.length": frames * self.spectrogram.hop}

    def views(self, arrays: Batch) -> list[Batch]:
        """As it is, and as a speaker with a longer and a shorter vocal tract would have said it."""
        if not self.spec["views"]:
            return [arrays]
        samples, lengths = arrays[self.name], arrays[f"{self.name}.length"]
        seen = [arrays]
        for factor in (0.94, 1.06):
            filters = self.spectrogram.warped_filters(torch.full((1,), factor, device=samples.device))
            x = self.spectrogram(samples, lengths, filters)
            seen.append({**arrays, self.name: self._normal(x, self.spectrogram.frames(lengths))})
        return seen

    def _spectrograms(self, arrays: Batch) -> tuple[Tensor, Tensor]:
        lengths = arrays[f"{self.name}.length"]
        return self.spectrogram(arrays[self.name], lengths), self.spectrogram.frames(lengths)

    def _heard(self, arrays: Batch) -> tuple[Tensor, Tensor]:
        """Normalised spectrograms and their lengths; those that ``augment`` made are so already."""
        if arrays[self.name].is_floating_point():
            return arrays[self.name], self.spectrogram.frames(arrays[f"{self.name}.length"])
        x, frames = self._spectrograms(arrays)
        return self._normal(x, frames), frames

    def _normal(self, x: Tensor, frames: Tensor) -> Tensor:
        """Bands at mean 0 and deviation 1; zero after the end."""
        return ((x - self.mean) / self.spread) * inside(frames, x.shape[2])[:, None, :]
