"""The input layer of pictures: normalised pixels through a convolution network."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lamina.features.image import ImageFeature
from lamina.network.hidden.convolution import Convolutions
from lamina.network.inputs.augment import bent, cropped, enlarged, mirrored, relit, shifted
from lamina.network.inputs.base import Batch, Input, Situation
from lamina.network.inputs.photograph import MEAN_COLOUR, PhotographInput
from lamina.network.inputs.places import PlaceInput

TINY, TINY_TO = 20, 24  # pixels: smaller pictures are enlarged, about to this size
LARGE = 48  # pixels: larger pictures are halved by the first layer
FEW_PHOTOGRAPHS = 20_000  # rows: large colour pictures up to so many are cut and relit anew in every pass
TURN = 0.2  # radians to either side that such pictures are turned
BEND = (0.2, 0.1, 0.15)  # radians turned, share stretched, share slanted, at most
CLOSER = 1.2  # how much nearer their second view is


class ImageInput(Input):
    """Pixels → what the convolutions see in them.

    ``spec``: ``widths`` and ``depths`` of the stages, ``activation``, ``enlarge`` (a factor for tiny
    pictures), ``stride`` (2 halves large ones), and how training varies them: ``shift`` (pixels),
    ``mirror``, ``crop`` (least share of the area that is shown) and ``light``. With ``views`` the answers for
    pictures shifted by a pixel, or nearer, are averaged when predicting.

    With ``members`` above 1 so many networks see the same pictures, each its own way; with ``bend`` every
    second one learns from pictures that are turned and stretched, too: networks that err differently.

    **Shape**: uint8 ``(batch, channels, height, width)`` → ``(batch, widths[-1])``, or
    ``(members, batch, widths[-1])``.
    """

    deep: ClassVar[bool] = True
    recipe: ClassVar[str] = "pictures"
    enough: ClassVar[int | None] = 2000
    nothing: ClassVar[str] = MEAN_COLOUR
    mean: Tensor
    spread: Tensor

    def __init__(self, feature: ImageFeature, spec: dict[str, Any]) -> None:
        super().__init__(feature, spec)
        self.spec = spec
        self.enlarge = int(spec.get("enlarge", 1))
        shape = (1, feature.channels, 1, 1)
        self.register_buffer("mean", torch.tensor(feature.mean).view(shape), persistent=False)
        self.register_buffer("spread", torch.tensor(feature.spread).view(shape), persistent=False)
        self.convolutions = self._convolutions(feature)
        self.width = self.convolutions.width
        # Further networks beside the first, each with weights of its own
        self.others = nn.ModuleList(self._convolutions(feature) for _ in range(spec.get("members", 1) - 1))

    def _convolutions(self, feature: ImageFeature) -> Convolutions:
        spec, side = self.spec, min(feature.height, feature.width) * self.enlarge
        sizes = (spec["widths"], spec["depths"], spec["activation"], side, spec["stride"])
        return Convolutions(feature.channels, *sizes)

    @classmethod
    def variant(cls, feature: ImageFeature) -> type[Input]:
        if feature.whole:
            return PlaceInput
        return PhotographInput if feature.pretrained else cls

    @classmethod
    def choose(cls, feature: ImageFeature, situation: Situation) -> dict[str, Any]:
        """Grey pictures (writing, shapes) need fewer channels than colour ones (things, scenes)."""
        side = max(feature.height, feature.width)
        enlarge = -(-TINY_TO // side) if side < TINY else 1
        grey = feature.channels == 1
        widths = {
            "fast": [32, 64, 128] if grey else [32, 128, 128],
            "good": [32, 64, 128] if grey else [64, 256, 256],
            "best": [32, 64, 128] if grey else [64, 256, 256],
        }[situation.quality]
        if not grey and side * enlarge > LARGE and situation.rows <= FEW_PHOTOGRAPHS:
            return cls._for_photographs(feature, situation)
        return {
            "widths": widths,
            "depths": [2, 2, 2],
            "activation": situation.activation,
            "enlarge": enlarge,
            "stride": 2 if side * enlarge > LARGE else 1,
            "members": situation.members,
            "shift": max(1, round(side * enlarge / 16)),
            "bend": grey and situation.members > 1,
            "mirror": False if situation.quality == "fast" else None,
            "views": situation.quality != "fast",
        }

    @classmethod
    def _for_photographs(cls, feature: ImageFeature, situation: Situation) -> dict[str, Any]:
        """Few large pictures are learnt by heart unless every pass shows other pieces in another light."""
        first = {"fast": 24, "good": 32, "best": 48}[situation.quality]
        return {
            "widths": [first, 2 * first, 4 * first, 8 * first],
            "depths": [2, 2, 2, 2],
            "activation": situation.activation,
            "enlarge": 1,
            "stride": 2,
            "members": situation.members,
            "crop": 0.35,
            "light": 0.3,
            "mirror": False if situation.quality == "fast" else None,
            "views": situation.quality != "fast",
        }

    @classmethod
    def smoothing(cls, feature: ImageFeature) -> float:
        return 0.1 if feature.channels == 1 else 0.2

    def forward(self, arrays: Batch) -> Tensor:
        pictures = self._pictures(arrays[self.name])
        turned = arrays.get(f"{self.name}.bent", pictures)
        networks = (self.convolutions, *self.others)
        seen = [network(turned if number % 2 else pictures) for number, network in enumerate(networks)]
        return torch.stack(seen) if self.others else seen[0]

    def prepare(self, arrays: Batch) -> None:
        pictures = self._pictures(arrays[self.name])
        for convolutions in (self.convolutions, *self.others):
            convolutions.whitening.prepare(pictures)  # type: ignore[operator, union-attr]

    def _pictures(self, pixels: Tensor) -> Tensor:
        """Normalised, enlarged, channels-last; pictures that ``augment`` made are so already."""
        if pixels.dtype != torch.uint8:
            return pixels
        x = (pixels.float() - self.mean) / self.spread
        if self.enlarge > 1:
            x = F.interpolate(x, scale_factor=self.enlarge, mode="bilinear", align_corners=False)
        return x.contiguous(memory_format=torch.channels_last)

    def from_nothing(self, arrays: Batch) -> list[tuple[Batch, Batch]]:
        x = self._pictures(arrays[self.name])
        return [({**arrays, self.name: torch.zeros_like(x)}, {**arrays, self.name: x})]

    def augment(self, arrays: Batch, generator: torch.Generator) -> Batch:
        spec = self.spec
        x = self._pictures(arrays[self.name])
        if spec.get("bend"):
            turned = bent(x, *BEND, spec["shift"], generator)
            turned = mirrored(turned, generator) if spec.get("mirror") else turned
            arrays = {**arrays, f"{self.name}.bent": turned.contiguous(memory_format=torch.channels_last)}
        if spec.get("shift"):
            x = shifted(x, spec["shift"], generator)
        if spec.get("mirror"):
            x = mirrored(x, generator)
        if spec.get("crop"):
            x = relit(cropped(x, spec["crop"], TURN, generator), spec["light"], generator)
        return {**arrays, self.name: x.contiguous(memory_format=torch.channels_last)}

    def mirrored(self, arrays: Batch) -> Batch:
        return {**arrays, self.name: arrays[self.name].flip(-1)}

    def views(self, arrays: Batch) -> list[Batch]:
        x = self._pictures(arrays[self.name])
        seen = [x, x.flip(3)] if self.spec.get("mirror") else [x]
        if self.spec.get("views") and self.spec.get("crop"):
            seen += [enlarged(each, CLOSER) for each in seen]
        elif self.spec.get("views"):
            height, width = x.shape[2:]
            for view in tuple(seen):
                padded = F.pad(view, (1,) * 4, mode="reflect")
                seen += [padded[:, :, :height, :width], padded[:, :, 2:, 2:]]
        return [{**arrays, self.name: each.contiguous(memory_format=torch.channels_last)} for each in seen]
