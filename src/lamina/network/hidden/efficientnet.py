"""EfficientNet-Lite0, trained on the photographs of ImageNet: what it sees in a picture, 1,280 numbers.

Inverted bottlenecks after Tan & Le 2019, "EfficientNet", in the Lite form for small machines: no
squeeze-and-excitation, ReLU6. The batch normalisations are folded into the convolutions before them: the same
sums in fewer steps. The weights come with the extra ``pretrained`` (``features/photographs.py``).
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lamina.features.photographs import weights_file

WIDTH = 1280
EPSILON = 1e-3  # of the batch normalisations that are folded
MEAN, SPREAD = 127.0, 128.0  # of the pixels it was trained on


class Blocks(NamedTuple):
    """A row of the paper's table: how often, kernel, stride of the first, widening, channels in and out."""

    times: int
    kernel: int
    stride: int
    widen: int
    inputs: int
    outputs: int


LITE0 = (
    Blocks(1, 3, 1, 1, 32, 16),
    Blocks(2, 3, 2, 6, 16, 24),
    Blocks(2, 5, 2, 6, 24, 40),
    Blocks(3, 3, 2, 6, 40, 80),
    Blocks(3, 5, 1, 6, 80, 112),
    Blocks(4, 5, 2, 6, 112, 192),
    Blocks(1, 3, 1, 6, 192, 320),
)


class Folded(nn.Module):
    """A convolution with a bias, its border padded as TensorFlow pads: right and below first.

    **Shape**: ``(batch, channels, height, width)`` → ``(batch, width, height / stride, width / stride)``.
    """

    def __init__(self, channels: int, width: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__()
        self.kernel, self.stride, self.groups = kernel, stride, groups
        self.weight = nn.Parameter(torch.zeros(width, channels // groups, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(width))

    def forward(self, x: Tensor) -> Tensor:
        if self.stride == 1:
            return F.conv2d(x, self.weight, self.bias, padding=self.kernel // 2, groups=self.groups)
        down, across = (
            max(0, (-(-side // self.stride) - 1) * self.stride + self.kernel - side) for side in x.shape[2:]
        )
        x = F.pad(x, (across // 2, across - across // 2, down // 2, down - down // 2))
        return F.conv2d(x, self.weight, self.bias, stride=self.stride, groups=self.groups)


class Bottleneck(nn.Module):
    """Widened, filtered channel by channel, narrowed; added to what came in where the shape is the same.

    **Shape**: ``(batch, inputs, height, width)`` → ``(batch, outputs, height / stride, width / stride)``.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, widen: int) -> None:
        super().__init__()
        wide = inputs * widen
        self.expand = Folded(inputs, wide, 1) if widen > 1 else None
        self.filter = Folded(wide, wide, kernel, stride, groups=wide)
        self.project = Folded(wide, outputs, 1)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        wide = x if self.expand is None else F.relu6(self.expand(x), inplace=True)
        narrow = self.project(F.relu6(self.filter(wide), inplace=True))
        return narrow + x if self.residual else narrow  # type: ignore[no-any-return]


class EfficientNet(nn.Module):
    """Photographs → the mean answer of each of 1,280 channels.

    **Shape**: pixels 0 to 255, ``(batch, 3, height, width)`` → ``(batch, 1280)``.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = Folded(3, 32, 3, 2)
        self.blocks = nn.ModuleList(
            Bottleneck(
                row.outputs if repeat else row.inputs,
                row.outputs,
                row.kernel,
                1 if repeat else row.stride,
                row.widen,
            )
            for row in LITE0
            for repeat in range(row.times)
        )
        self.head = Folded(320, WIDTH, 1)
        self.width = WIDTH

    def forward(self, pixels: Tensor) -> Tensor:
        x = ((pixels - MEAN) / SPREAD).contiguous(memory_format=torch.channels_last)
        x = F.relu6(self.stem(x), inplace=True)
        for block in self.blocks:
            x = block(x)
        return F.relu6(self.head(x)).mean((2, 3))

    @torch.no_grad()
    def load_pretrained(self) -> None:
        """Takes the weights of the extra. Raises as ``photographs.weights_file`` does."""
        weights = torch.load(io.BytesIO(weights_file()), weights_only=True, map_location="cpu")
        for name, each in folded(weights).items():
            self.get_parameter(name).copy_(each)


def folded(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights of the extra → those of ``EfficientNet``, each batch normalisation in its convolution."""
    pairs = {"stem": ("_conv_stem", "_bn0"), "head": ("_conv_head", "_bn1")}
    for number in range(sum(row.times for row in LITE0)):
        old, new = f"_blocks.{number}", f"blocks.{number}"
        pairs[f"{new}.expand"] = (f"{old}._expand_conv", f"{old}._bn0")
        pairs[f"{new}.filter"] = (f"{old}._depthwise_conv", f"{old}._bn1")
        pairs[f"{new}.project"] = (f"{old}._project_conv", f"{old}._bn2")
    del pairs["blocks.0.expand"]  # the first widens by one: there is nothing to expand
    found = {}
    for name, (convolution, norm) in pairs.items():
        scale = weights[f"{norm}.weight"] / (weights[f"{norm}.running_var"] + EPSILON).sqrt()
        found[f"{name}.weight"] = weights[f"{convolution}.weight"] * scale[:, None, None, None]
        found[f"{name}.bias"] = weights[f"{norm}.bias"] - weights[f"{norm}.running_mean"] * scale
    return found
