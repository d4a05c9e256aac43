"""The input layer of photographs: what a network trained on millions of others sees in them."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from lamina.features.image import ImageFeature
from lamina.features.photographs import SHA256
from lamina.network.hidden.efficientnet import WIDTH, EfficientNet
from lamina.network.inputs.base import Batch, Input, Situation
from lamina.records import Choice

SIDE = 224  # pixels of the shorter side that the network sees: smaller pictures are enlarged
FEW, LESS = 5000, 160  # with more rows than this, so many pixels: half of the time


MEAN_COLOUR = "the mean colour of the training pictures everywhere"
LONGEST = 2  # the longer side is at most so many times the shorter one
MOST_SIDE = 1024  # pixels that a model file may ask for


class PhotographInput(Input):
    """Pixels → the 1,280 answers of EfficientNet-Lite0, standardised; the network itself does not learn.

    ``spec``: ``pretrained`` (the SHA-256 of the weights it started from), ``size`` (height and width it
    sees) and ``mirror`` (whether the mirrored picture is looked at, too). While the layers after it learn,
    ``name.seen`` ``(batch, views, 1280)`` stands for the pixels: what the network saw in each, computed once.

    **Shape**: uint8 ``(batch, 3, height, width)`` → ``(batch, 1280)``.
    """

    enough: ClassVar[int | None] = 5000
    frozen: ClassVar[bool] = True
    nothing: ClassVar[str] = MEAN_COLOUR
    mean: Tensor
    centre: Tensor
    spread: Tensor

    def __init__(self, feature: ImageFeature, spec: dict[str, Any]) -> None:
        super().__init__(feature, spec)
        self.spec = spec
        self.size: tuple[int, int] = (int(spec["size"][0]), int(spec["size"][1]))
        if not 0 < min(self.size) <= max(self.size) <= MOST_SIDE:
            raise ValueError(f"pictures of {self.size} pixels are beyond what the pretrained network reads")
        mean = torch.tensor(feature.mean).view(1, -1, 1, 1)
        self.register_buffer("mean", mean, persistent=False)
        self.network = EfficientNet().requires_grad_(False)
        self.register_buffer("centre", torch.zeros(WIDTH))
        self.register_buffer("spread", torch.ones(WIDTH))
        self.width = WIDTH

    @classmethod
    def choose(cls, feature: ImageFeature, situation: Situation) -> dict[str, Any]:
        """The size it was trained on; many pictures are looked at in a smaller one."""
        short = SIDE if situation.rows <= FEW else LESS
        scale = short / min(feature.height, feature.width)
        sides = (min(round(scale * side), LONGEST * short) for side in (feature.height, feature.width))
        return {
            "pretrained": SHA256,
            "size": list(sides),
            "mirror": situation.quality != "fast",
        }

    @classmethod
    def choices(cls, feature: ImageFeature, spec: dict[str, Any]) -> tuple[Choice, ...]:
        why = f"few photographs: what EfficientNet-Lite0, trained on ImageNet, sees in {spec['size']} pixels"
        return (Choice(what=f"pretrained network for {feature.columns[0]!r}", value=True, why=why),)

    def forward(self, arrays: Batch) -> Tensor:
        seen = arrays.get(f"{self.name}.seen")
        answers = self.network(self._enlarged(arrays[self.name])) if seen is None else seen[:, 0]
        return (answers.float() - self.centre) / self.spread

    def load_weights(self) -> None:
        self.network.load_pretrained()

    def see(self, arrays: Batch) -> Batch:
        """``name.seen`` in place of the pixels: the network's answers ``(batch, views, 1280)``."""
        with torch.no_grad():
            seen = [self.network(self._enlarged(each[self.name])).float() for each in self.views(arrays)]
        return {f"{self.name}.seen": torch.stack(seen, dim=1)}

    def prepare(self, arrays: Batch) -> None:
        self.load_weights()
        name = f"{self.name}.seen"
        seen = (arrays if name in arrays else self.see(arrays))[name].flatten(0, 1)
        self.centre.copy_(seen.mean(0))
        self.spread.copy_(seen.std(0, correction=0).clamp_min(0.01))

    def from_nothing(self, arrays: Batch) -> list[tuple[Batch, Batch]]:
        pixels = arrays[self.name].float()
        return [({**arrays, self.name: self.mean.expand_as(pixels)}, {**arrays, self.name: pixels})]

    def _enlarged(self, pixels: Tensor) -> Tensor:
        x = pixels.float()
        if x.shape[1] == 1:
            x = x.expand(-1, 3, -1, -1)
        if x.shape[2:] == self.size:
            return x
        return F.interpolate(x, self.size, mode="bilinear", align_corners=False, antialias=True)

    def augment(self, arrays: Batch, generator: torch.Generator) -> Batch:
        """One of the views of each row, by chance."""
        name = f"{self.name}.seen"
        seen = arrays[name] if name in arrays else self.see(arrays)[name]
        chosen = torch.randint(0, seen.shape[1], (len(seen),), generator=generator).to(seen.device)
        return {**arrays, name: seen[torch.arange(len(seen), device=seen.device), chosen][:, None]}

    def views(self, arrays: Batch) -> list[Batch]:
        name = f"{self.name}.seen"
        if name in arrays:
            return [{**arrays, name: each[:, None]} for each in arrays[name].unbind(1)]
        return [arrays, {**arrays, self.name: arrays[self.name].flip(3)}] if self.spec["mirror"] else [arrays]
