"""The input layer of clips: normalised frames through convolutions that see motion."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor

from lamina.features.video import VideoFeature
from lamina.network.hidden.motion import MovingConvolutions
from lamina.network.inputs.augment import mirrored, shifted
from lamina.network.inputs.base import Batch, Input, Situation
from lamina.network.inputs.image import TINY


class VideoInput(Input):
    """Frames → what the convolutions see in them and between them.

    ``spec``: ``widths`` and ``depths`` of the stages, ``activation``, ``stride`` (2 halves frames that are
    not tiny), and how training varies clips: ``shift`` (pixels, all frames alike) and ``mirror``.

    **Shape**: uint8 ``(batch, frames, channels, height, width)`` → ``(batch, widths[-1])``.
    """

    deep: ClassVar[bool] = True
    recipe: ClassVar[str] = "pictures"
    nothing: ClassVar[str] = "the mean colour of the training clips everywhere"
    enough: ClassVar[int | None] = 300
    mean: Tensor
    spread: Tensor

    def __init__(self, feature: VideoFeature, spec: dict[str, Any]) -> None:
        super().__init__(feature, spec)
        self.spec = spec
        shape = (1, 1, feature.channels, 1, 1)
        self.register_buffer("mean", torch.tensor(feature.mean).view(shape), persistent=False)
        self.register_buffer("spread", torch.tensor(feature.spread).view(shape), persistent=False)
        self.convolutions = MovingConvolutions(
            feature.channels,
            spec["widths"],
            spec["depths"],
            spec["activation"],
            min(feature.height, feature.width),
            spec["stride"],
        )
        self.width = self.convolutions.width

    @classmethod
    def choose(cls, feature: VideoFeature, situation: Situation) -> dict[str, Any]:
        """Narrower stages than for pictures: a clip is many of them."""
        side = max(feature.height, feature.width)
        first = {"fast": 24, "good": 32, "best": 48}[situation.quality]
        if feature.channels == 3:
            first = first * 3 // 2
        return {
            "widths": [first, 2 * first, 4 * first],
            "depths": [2, 2, 2],
            "activation": situation.activation,
            "stride": 2 if side > TINY else 1,
            "shift": max(1, round(side / 16)),
            "mirror": False if situation.quality == "fast" else None,
        }

    @classmethod
    def smoothing(cls, feature: VideoFeature) -> float:
        return 0.1 if feature.channels == 1 else 0.2

    def forward(self, arrays: Batch) -> Tensor:
        return self.convolutions(self._frames(arrays[self.name]))  # type: ignore[no-any-return]

    def prepare(self, arrays: Batch) -> None:
        self.convolutions.whitening.prepare(self._frames(arrays[self.name])[:, ::4].flatten(0, 1))

    def _frames(self, clips: Tensor) -> Tensor:
        """Normalised; clips that ``augment`` made are so already."""
        return (clips.float() - self.mean) / self.spread if clips.dtype == torch.uint8 else clips

    def from_nothing(self, arrays: Batch) -> list[tuple[Batch, Batch]]:
        x = self._frames(arrays[self.name])
        return [({**arrays, self.name: torch.zeros_like(x)}, {**arrays, self.name: x})]

    def augment(self, arrays: Batch, generator: torch.Generator) -> Batch:
        clips = self._frames(arrays[self.name])
        x = clips.flatten(1, 2)  # frames as channels: all of a clip move alike
        if self.spec.get("shift"):
            x = shifted(x, self.spec["shift"], generator)
        if self.spec.get("mirror"):
            x = mirrored(x, generator)
        return {**arrays, self.name: x.reshape(clips.shape)}

    def mirrored(self, arrays: Batch) -> Batch:
        return {**arrays, self.name: arrays[self.name].flip(-1)}

    def views(self, arrays: Batch) -> list[Batch]:
        x = self._frames(arrays[self.name])
        seen = [x, x.flip(-1)] if self.spec.get("mirror") else [x]
        return [{**arrays, self.name: each} for each in seen]
