"""The input layer of pictures of which every pixel matters: what masks are read from."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor

from lamina.features.image import ImageFeature
from lamina.network.hidden.places import PlaceConvolutions
from lamina.network.inputs.augment import mirrored, shifted
from lamina.network.inputs.base import Batch, Input, Situation


class PlaceInput(Input):
    """Pixels → a vector for every one of them.

    Training shows the pictures shifted and mirrored. What a pixel shows moves with it, so an extra channel
    that numbers the pixels is moved along and tells ``moved`` where each answer has gone.

    **Shape**: uint8 ``(batch, channels, height, width)`` → ``(batch, height · width · place_width)``.
    """

    deep: ClassVar[bool] = True
    recipe: ClassVar[str] = "pictures"
    enough: ClassVar[int | None] = 2000
    mean: Tensor
    spread: Tensor

    def __init__(self, feature: ImageFeature, spec: dict[str, Any]) -> None:
        super().__init__(feature, spec)
        self.spec = spec
        shape = (1, feature.channels, 1, 1)
        self.register_buffer("mean", torch.tensor(feature.mean).view(shape), persistent=False)
        self.register_buffer("spread", torch.tensor(feature.spread).view(shape), persistent=False)
        self.convolutions = PlaceConvolutions(
            feature.channels,
            spec["widths"],
            spec["depths"],
            spec["activation"],
            min(feature.height, feature.width),
            place_width=int(spec["place_width"]),
        )
        self.frames = feature.height * feature.width
        self.width = self.frames * self.convolutions.width

    @classmethod
    def choose(cls, feature: ImageFeature, situation: Situation) -> dict[str, Any]:
        wide = situation.quality != "fast"
        return {
            "widths": [32, 64, 128] if feature.channels == 1 else [64, 128, 256] if wide else [32, 128, 128],
            "depths": [2, 2, 2],
            "activation": situation.activation,
            "place_width": 32,
            "shift": max(1, round(max(feature.height, feature.width) / 16)),
        }

    def forward(self, arrays: Batch) -> Tensor:
        return self.convolutions(self._pictures(arrays[self.name])).flatten(1)  # type: ignore[no-any-return]

    def prepare(self, arrays: Batch) -> None:
        self.convolutions.down.whitening.prepare(self._pictures(arrays[self.name]))

    def augment(self, arrays: Batch, generator: torch.Generator) -> Batch:
        x = self._pictures(arrays[self.name])
        height, width = x.shape[2:]
        numbers = torch.arange(height * width, dtype=x.dtype, device=x.device).view(1, 1, height, width)
        x = torch.cat([x, numbers.expand(len(x), 1, height, width)], dim=1)
        x = mirrored(shifted(x, self.spec["shift"], generator), generator)
        places = x[:, -1].flatten(1).long()
        x = x[:, :-1].contiguous(memory_format=torch.channels_last)
        return {**arrays, self.name: x, f"{self.name}.places": places}

    def moved(self, arrays: Batch, answers: Tensor) -> Tensor:
        places = arrays.get(f"{self.name}.places")
        return answers if places is None else answers.gather(1, places)

    def _pictures(self, pixels: Tensor) -> Tensor:
        """Normalised, channels-last; pictures that ``augment`` made are so already."""
        if pixels.dtype != torch.uint8:
            return pixels
        x = (pixels.float() - self.mean) / self.spread
        return x.contiguous(memory_format=torch.channels_last)
