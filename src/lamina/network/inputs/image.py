"""The input layer of pictures: normalised pixels through a convolution network."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from lamina.features.image import ImageFeature
from lamina.network.hidden.convolution import Convolutions
from lamina.network.hidden.places import PlaceConvolutions
from lamina.network.inputs.augment import mirrored, shifted
from lamina.network.inputs.base import Batch, Input, Situation
from lamina.network.inputs.photograph import PhotographInput

TINY, TINY_TO = 20, 24  # pixels: smaller pictures are enlarged, about to this size
LARGE = 48  # pixels: larger pictures are halved by the first layer


class ImageInput(Input):
    """Pixels → what the convolutions see in them.

    ``spec``: ``widths`` and ``depths`` of the stages, ``activation``, ``enlarge`` (a factor for tiny
    pictures), ``stride`` (2 halves large ones), and how training varies them: ``shift`` (pixels) and
    ``mirror``. With ``views`` the answers for pictures shifted by a pixel are averaged when predicting.

    With ``place_width`` every pixel has a vector of that length, for answers that are masks.

    **Shape**: uint8 ``(batch, channels, height, width)`` → ``(batch, widths[-1])``, or
    ``(batch, height · width · place_width)``.
    """

    deep: ClassVar[bool] = True
    recipe: ClassVar[str] = "pictures"
    enough: ClassVar[int | None] = 2000
    mean: Tensor
    spread: Tensor

    def __init__(self, feature: ImageFeature, spec: dict[str, Any]) -> None:
        super().__init__(feature, spec)
        self.spec = spec
        self.enlarge = int(spec.get("enlarge", 1))
        shape = (1, feature.channels, 1, 1)
        self.register_buffer("mean", torch.tensor(feature.mean).view(shape), persistent=False)
        self.register_buffer("spread", torch.tensor(feature.spread).view(shape), persistent=False)
        side = min(feature.height, feature.width) * self.enlarge
        sizes = (feature.channels, spec["widths"], spec["depths"], spec["activation"], side, spec["stride"])
        self.convolutions: Convolutions | PlaceConvolutions
        if spec.get("place_width"):
            self.convolutions = PlaceConvolutions(*sizes, place_width=int(spec["place_width"]))
            self.frames = feature.height * feature.width
        else:
            self.convolutions = Convolutions(*sizes)
        self.width = self.frames * self.convolutions.width

    @classmethod
    def variant(cls, feature: ImageFeature) -> type[Input]:
        return PhotographInput if feature.pretrained else cls

    @classmethod
    def choose(cls, feature: ImageFeature, situation: Situation) -> dict[str, Any]:
        """Grey pictures (writing, shapes) need fewer channels than colour ones (things, scenes)."""
        side = max(feature.height, feature.width)
        enlarge = -(-TINY_TO // side) if side < TINY and not situation.frames else 1
        grey = feature.channels == 1
        widths = {
            "fast": [32, 64, 128] if grey else [32, 128, 128],
            "good": [32, 64, 128] if grey else [64, 256, 256],
            "best": [48, 96, 192] if grey else [64, 256, 256],
        }[situation.quality]
        sizes = {
            "widths": widths,
            "depths": [2, 2, 2],
            "activation": situation.activation,
            "enlarge": enlarge,
            "stride": 2 if side * enlarge > LARGE else 1,
            "shift": max(1, round(side * enlarge / 16)),
        }
        if situation.frames:  # every pixel matters: what is there moves with the picture, mirrored or not
            return {**sizes, "place_width": 32, "mirror": True, "views": False}
        mirror = False if situation.quality == "fast" else None
        return {**sizes, "mirror": mirror, "views": situation.quality != "fast"}

    @classmethod
    def smoothing(cls, feature: ImageFeature) -> float:
        return 0.1 if feature.channels == 1 else 0.2

    def forward(self, arrays: Batch) -> Tensor:
        pictures = self._pictures(arrays[self.name])
        return self.convolutions(pictures).flatten(1)  # type: ignore[no-any-return]

    def prepare(self, arrays: Batch) -> None:
        convolutions = self.convolutions
        seen = convolutions.down if isinstance(convolutions, PlaceConvolutions) else convolutions
        seen.whitening.prepare(self._pictures(arrays[self.name]))

    def _pictures(self, pixels: Tensor) -> Tensor:
        """Normalised, enlarged, channels-last; pictures that ``augment`` made are so already."""
        if pixels.dtype != torch.uint8:
            return pixels
        x = (pixels.float() - self.mean) / self.spread
        if self.enlarge > 1:
            x = F.interpolate(x, scale_factor=self.enlarge, mode="bilinear", align_corners=False)
        return x.contiguous(memory_format=torch.channels_last)

    def augment(self, arrays: Batch, generator: torch.Generator) -> Batch:
        spec = self.spec
        x = self._pictures(arrays[self.name])
        channels = x.shape[1]
        if spec.get("place_width"):
            x = torch.cat([x, self._places(x)], dim=1)
        if spec.get("shift"):
            x = shifted(x, spec["shift"], generator)
        if spec.get("mirror"):
            x = mirrored(x, generator)
        moved = {f"{self.name}.places": x[:, channels:].flatten(1).long()} if spec.get("place_width") else {}
        x = x[:, :channels].contiguous(memory_format=torch.channels_last)
        return {**arrays, **moved, self.name: x}

    def _places(self, x: Tensor) -> Tensor:
        """Which pixel each pixel is, as a channel that moves with the picture: where answers must follow."""
        height, width = x.shape[2:]
        numbers = torch.arange(height * width, dtype=x.dtype, device=x.device)
        return numbers.view(1, 1, height, width).expand(len(x), 1, height, width)

    def moved(self, arrays: Batch, answers: Tensor) -> Tensor:
        places = arrays.get(f"{self.name}.places")
        return answers if places is None else answers.gather(1, places)

    def mirrored(self, arrays: Batch) -> Batch:
        return {**arrays, self.name: arrays[self.name].flip(-1)}

    def views(self, arrays: Batch) -> list[Batch]:
        x = self._pictures(arrays[self.name])
        mirror = self.spec.get("mirror") and not self.spec.get("place_width")
        seen = [x, x.flip(3)] if mirror else [x]
        if self.spec.get("views"):
            height, width = x.shape[2:]
            for view in tuple(seen):
                padded = F.pad(view, (1,) * 4, mode="reflect")
                seen += [padded[:, :, :height, :width], padded[:, :, 2:, 2:]]
        return [{**arrays, self.name: each.contiguous(memory_format=torch.channels_last)} for each in seen]
