"""The input layer of recordings: a log-mel spectrogram through a convolution network."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from lamina.features.audio import AudioFeature
from lamina.network.hidden.convolution import Convolutions
from lamina.network.hidden.frames import STEP, FrameConvolutions
from lamina.network.inputs.augment_audio import coloured, masked, noisy, uniform
from lamina.network.inputs.base import Batch, Input, Situation
from lamina.network.inputs.spectrogram import Spectrogram, inside

HOP = 0.01  # seconds from frame to frame
NOISE = (-20.0, -3.0)  # natural log of the power of added noise: from nothing to half as loud
MOST_FRAMES = 500  # longer recordings are looked at less often
MOST_BANDS = 256
MOST_HIDDEN = 50  # frames that training hides at a time


class Anywhere(nn.Module):
    """What the convolutions hear at any place of a recording: the strongest answer of each channel.

    **Shape**: ``(batch, bands, frames)``, lengths in frames ``(batch,)`` → ``(batch, widths[-1])``.
    """

    def __init__(self, bands: int, frames: int, spec: dict[str, Any]) -> None:
        super().__init__()
        side = min(bands, frames)
        self.convolutions = Convolutions(
            1, spec["widths"], spec["depths"], spec["activation"], side, spec["stride"]
        )
        self.whitening = self.convolutions.whitening
        self.width, self.frames = self.convolutions.width, 1

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        maps = self.convolutions.maps(x[:, None])
        ends = (-(-lengths // self.convolutions.step)).clamp(1, maps.shape[3])
        silent = ~inside(ends, maps.shape[3])[:, None, None, :]
        return maps.masked_fill(silent, -math.inf).amax((2, 3))


class EveryFrame(nn.Module):
    """What the convolutions hear in every second frame.

    **Shape**: ``(batch, bands, frames)``, lengths in frames ``(batch,)`` → ``(batch, frames / 2 × width)``;
    zeros after a recording's end.
    """

    def __init__(self, bands: int, frames: int, spec: dict[str, Any]) -> None:
        super().__init__()
        self.convolutions = FrameConvolutions(
            bands, spec["widths"], spec["frame_width"], spec["dilations"], spec["activation"]
        )
        self.whitening = self.convolutions.whitening
        self.frames = -(-frames // STEP)
        self.width = self.frames * self.convolutions.width

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        heard = inside((-(-lengths // STEP)).clamp_min(1), self.frames)
        return self.convolutions(x[:, None], heard).flatten(1)  # type: ignore[no-any-return]


TRUNKS: dict[str, type[Anywhere | EveryFrame]] = {"anywhere": Anywhere, "frames": EveryFrame}


class AudioInput(Input):
    """Recordings → what the convolutions hear in them, wherever in the recording it is.

    ``spec``: ``bands`` and ``hop`` (samples) of the spectrogram, the sizes of the layers after it
    (``trunk`` "anywhere", or "frames" where every moment matters), and how training varies the recordings:
    ``warp`` and ``speed`` (natural logs of the factors), ``shift`` (frames), ``colour``, ``noise`` and
    ``mask`` (bands, frames).

    **Shape**: int16 ``(batch, samples)`` → ``(batch, width)``; of frames, all of them one after the other.
    """

    deep: ClassVar[bool] = True
    recipe: ClassVar[str] = "recordings"
    nothing: ClassVar[str] = "every band at its mean level throughout"
    enough: ClassVar[int | None] = 1000
    mean: Tensor
    spread: Tensor

    def __init__(self, feature: AudioFeature, spec: dict[str, Any]) -> None:
        super().__init__(feature, spec)
        self.spec = spec
        bands, hop = int(spec["bands"]), int(spec["hop"])
        if not 4 <= bands <= MOST_BANDS or hop < 1:
            raise ValueError(f"spectrograms of {bands} bands, {hop} samples apart, are not made")
        self.spectrogram = Spectrogram(feature.rate, bands, hop)
        self.register_buffer("mean", torch.zeros(bands, 1))
        self.register_buffer("spread", torch.ones(bands, 1))
        frames = -(-feature.samples // hop)
        self.trunk: Anywhere | EveryFrame = TRUNKS[spec["trunk"]](bands, frames, spec)
        self.width, self.frames = self.trunk.width, self.trunk.frames

    @classmethod
    def choose(cls, feature: AudioFeature, situation: Situation) -> dict[str, Any]:
        seconds = feature.samples / feature.rate
        sizes = _frame_sizes(situation) if situation.frames else _sizes(situation)
        hop = HOP if situation.frames else max(HOP, seconds / MOST_FRAMES)
        bands = 64 if feature.rate > 12_000 else 48
        return {
            "bands": bands,
            "hop": max(1, round(feature.rate * hop)),
            **sizes,
            "activation": situation.activation,
            "warp": 0.15,
            "speed": 0.2,
            "shift": 4,
            "colour": 0.5,
            "noise": True,
            "mask": [bands // 6, min(MOST_HIDDEN, round(seconds / hop / 10))],
            "views": situation.quality != "fast" and not situation.frames,
        }

    @classmethod
    def smoothing(cls, feature: AudioFeature) -> float:
        return 0.1

    def forward(self, arrays: Batch) -> Tensor:
        return self.trunk(*self._heard(arrays))  # type: ignore[no-any-return]

    @torch.no_grad()
    def prepare(self, arrays: Batch) -> None:
        x, frames = self._spectrograms(arrays)
        heard = inside(frames, x.shape[2])[:, None, :] & arrays[f"{self.name}.present"][:, None, None]
        count = heard.sum().clamp_min(1)
        mean = (x * heard).sum((0, 2)) / count
        spread = ((x - mean[:, None]).square() * heard).sum((0, 2)) / count
        self.mean.copy_(mean[:, None])
        self.spread.copy_(spread.sqrt().clamp_min(0.1)[:, None])
        self.trunk.whitening.prepare(self._heard(arrays)[0][:, None])

    def augment(self, arrays: Batch, generator: torch.Generator) -> Batch:
        """Other speakers and speeds, noise, microphones; then stretches of time and bands hidden."""
        spec, name = self.spec, self.name
        samples, lengths = arrays[name], arrays[f"{name}.length"]

        def draw(low: float, high: float) -> Tensor:
            return uniform(low, high, len(samples), generator, samples.device)

        start = draw(-spec["shift"], spec["shift"]) * self.spectrogram.hop
        speed = torch.exp(draw(-spec["speed"], spec["speed"]))
        speed = torch.maximum(speed, lengths / (samples.shape[1] - start))  # the end stays in
        factors = torch.exp(draw(-spec["warp"], spec["warp"]))
        x, frames = self.spectrogram.moved(samples, lengths, factors, speed, start)
        if spec["noise"]:
            x = noisy(x, draw(*NOISE), draw(-4, 4), generator)
        if spec["colour"]:
            x = coloured(x, float(spec["colour"]), 6, generator)
        x = self._normal(x, frames)
        for dim, widest in enumerate(spec["mask"], 1):
            x = masked(x, widest, dim, generator)
        return {**arrays, name: x, f"{name}.length": frames * self.spectrogram.hop}

    def views(self, arrays: Batch) -> list[Batch]:
        """As it is, and as a speaker with a longer and a shorter vocal tract would have said it."""
        samples, lengths = arrays[self.name], arrays[f"{self.name}.length"]
        if not self.spec["views"] or samples.is_floating_point():
            return [arrays]
        seen = [arrays]
        for factor in (0.94, 1.06):
            filters = self.spectrogram.warped_filters(torch.full((1,), factor, device=samples.device))
            x = self.spectrogram(samples, lengths, filters)
            seen.append({**arrays, self.name: self._normal(x, self.spectrogram.frames(lengths))})
        return seen

    def from_nothing(self, arrays: Batch) -> list[tuple[Batch, Batch]]:
        """The spectrograms of every view."""
        found = []
        for view in self.views(arrays):
            x, _ = self._heard(view)
            found.append(({**view, self.name: torch.zeros_like(x)}, {**view, self.name: x}))
        return found

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


def _sizes(situation: Situation) -> dict[str, Any]:
    widths = [32, 64, 128] if situation.quality == "fast" else [64, 128, 256]
    return {"trunk": "anywhere", "widths": widths, "depths": [2, 2, 2], "stride": 2}


def _frame_sizes(situation: Situation) -> dict[str, Any]:
    width = {"fast": 128, "good": 192, "best": 256}[situation.quality]
    return {"trunk": "frames", "widths": [32, 64], "frame_width": width, "dilations": [1, 2, 4, 8]}
