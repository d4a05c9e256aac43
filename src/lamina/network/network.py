"""The network: inputs, hidden layers, output."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import numpy as np
import torch
from torch import Tensor, nn

from lamina.features.features import Features
from lamina.network.architecture import Architecture
from lamina.network.engine import Answered, EngineName, Judge
from lamina.network.hidden.additive import Additive
from lamina.network.hidden.perceptron import Perceptron
from lamina.network.hidden.product import weighted_sums
from lamina.network.hidden.teams import Teams
from lamina.network.inputs.base import Batch, Input, layer_class
from lamina.network.outputs.base import Output
from lamina.network.outputs.several import make_output


class Network(nn.Module):
    """Arrays → scores.

    **Shape**: a dict of arrays, each ``(batch, …)`` → ``(member, batch, score)``.
    """

    def __init__(self, architecture: Architecture, features: Features) -> None:
        super().__init__()
        self.architecture = architecture
        self.inputs = nn.ModuleDict(
            {
                feature.name.replace(".", "·"): layer_class(feature)(
                    feature, architecture.inputs[feature.name]
                )
                for feature in features
            }
        )
        width = sum(layer.width for layer in self.input_layers())
        a = architecture
        self.hidden: Perceptron | Teams = (
            Teams(width, a.hidden, a.activation, members=a.members, dropouts=a.teams)
            if a.teams
            else Perceptron(width, a.hidden, a.activation, members=a.members, dropout=a.dropout)
        )
        beside = sum(layer.width for layer in self.input_layers() if layer.deep) if a.beside else 0
        frames = max(layer.frames for layer in self.input_layers())
        self.output = make_output(
            a.output, self.hidden.width + beside, a.scores, a.members,
            gain=a.gain, smoothing=a.smoothing, spec={**a.answer, "frames": frames},
        )  # fmt: skip
        self.additive = Additive(width, a.scores) if a.additive else None
        if self.additive is not None:  # a few rows would teach the input layers what is so by chance
            self.inputs.requires_grad_(False)

    def forward(self, arrays: Batch) -> Tensor:
        return self.scores_of(self.read(arrays))

    def read(self, arrays: Batch) -> list[Tensor]:
        """What each input layer makes of the rows, ``(batch, width)`` or ``(member, batch, width)``."""
        return [layer(arrays) for layer in self.input_layers()]

    def scores_of(self, read: list[Tensor]) -> Tensor:
        """Scores from what the input layers read."""
        return self._answered(self.features_of(read), read)

    def _answered(self, features: Tensor, read: list[Tensor]) -> Tensor:
        """The output layer's scores, with the additive model's where there is one."""
        scores: Tensor = self.output(features)
        if self.additive is None:
            return scores
        return self.additive(self.joined(read), scores)  # type: ignore[no-any-return]

    def features_of(self, read: list[Tensor]) -> Tensor:
        """What the output layer is given, ``(member, batch, width)``."""
        read = [each.to(self.hidden_dtype) for each in read]
        hidden = self.hidden(self.joined(read))
        return self._beside(hidden, read)

    def _beside(self, hidden: Tensor, read: list[Tensor]) -> Tensor:
        """What deep input layers tell goes to the output directly too: the hidden layers add to it."""
        if not self.architecture.beside:
            return hidden
        deep = [each for each, layer in zip(read, self.input_layers(), strict=True) if layer.deep]
        told = torch.cat(deep, dim=1)
        return torch.cat([hidden, told.expand(len(hidden), *told.shape)], dim=-1)

    def joined(self, read: list[Tensor]) -> Tensor:
        """What the input layers read, side by side, ``(member, batch, width)`` where one has members, or for
        every team."""
        several = next((len(each) for each in read if each.ndim == 3), 0)
        if several:
            read = [each if each.ndim == 3 else each.expand(several, *each.shape) for each in read]
        return torch.cat(read, dim=-1)

    @property
    def hidden_dtype(self) -> torch.dtype:
        """What the blocks are joined in: bf16 inside autocast, else as the weights are."""
        if torch.is_autocast_enabled("cpu") or torch.is_autocast_enabled("cuda"):
            return torch.bfloat16
        return next(self.output.parameters()).dtype

    def input_layers(self) -> Iterator[Input]:
        yield from self.inputs.values()  # type: ignore[misc]

    def loss(self, arrays: Batch, answers: Tensor, weights: Tensor | None = None) -> Tensor:
        """The scalar that training makes small."""
        output: Output = self.output
        for layer in self.input_layers():
            answers = layer.moved(arrays, answers)
        return output.loss(self(arrays), answers, weights)

    def augment(self, arrays: Batch, generator: torch.Generator) -> Batch:
        """The batch as training should see it this time."""
        for layer in self.input_layers():
            arrays = layer.augment(arrays, generator)
        return arrays

    @torch.no_grad()
    def scores(self, arrays: Batch) -> Tensor:
        """Scores for predicting: every view of every input, stacked along the member axis."""
        return self.told(arrays)[0]

    @torch.no_grad()
    def told(self, arrays: Batch) -> tuple[Tensor, list[Tensor]]:
        """The same, and layer by layer a vector of what was seen in each row, ``(batch, values)``: what the
        inputs read, and what the output layer is given where hidden layers lie between."""
        views = [arrays]
        for layer in self.input_layers():
            views = [seen for view in views for seen in layer.views(view)]
        read = self.read(views[0])
        features = self.features_of(read)
        scores = [self._answered(features, read), *(self(view) for view in views[1:])]
        layers = [self.joined(read), features] if self.architecture.hidden else [features]
        return torch.cat(scores) if len(scores) > 1 else scores[0], [self._vector(each) for each in layers]

    @property
    def kind(self) -> EngineName:
        """As an engine that answers: torch."""
        return "torch"

    def answered(self, arrays: Mapping[str, np.ndarray], judge: Judge | None = None) -> Answered:
        """The answers for encoded rows, in full precision, some at a time."""
        from lamina.network.answered import answered

        return answered(self, arrays, judge)

    def in_torch(self) -> Network:
        return self

    def _vector(self, seen: Tensor) -> Tensor:
        """Members side by side, moments of a recording and pixels averaged, ``(batch, values)``."""
        if seen.ndim == 2 or seen.stride(0) == 0:  # the same for all members
            seen = seen.view(1, *seen.shape[-2:]) if seen.ndim == 2 else seen[:1]
        frames = max(layer.frames for layer in self.input_layers())
        if frames > 1:
            seen = seen.unflatten(-1, (frames, -1)).mean(-2)
        return seen.transpose(0, 1).flatten(1)

    def product(self, rows: np.ndarray, matrix: np.ndarray) -> np.ndarray:
        """``rows @ matrix``, float32, as fast as the layers multiply: threads of numpy and of torch would
        wait for each other."""
        with torch.inference_mode():
            return weighted_sums(torch.from_numpy(rows), torch.from_numpy(matrix).T, None).numpy()

    @property
    def vectors(self) -> tuple[int, ...]:
        """How long those vectors are, layer by layer."""
        a = self.architecture
        read = sum(layer.width for layer in self.input_layers())
        read *= max(int(spec.get("teams", 1)) for spec in a.inputs.values())
        read //= max(layer.frames for layer in self.input_layers())
        if not a.hidden:
            return (read * max(int(spec.get("members", 1)) for spec in a.inputs.values()),)
        deep = sum(layer.width for layer in self.input_layers() if layer.deep) if a.beside else 0
        return read, a.members * (self.hidden.width + deep)

    @property
    def widest(self) -> int:
        """Activations of a row in the widest hidden layer, all members counted."""
        return self.architecture.members * max(self.architecture.hidden, default=self.hidden.width)

    def prepare(self, arrays: Batch) -> None:
        """Before training: what starts from the data."""
        for layer in self.input_layers():
            layer.prepare(arrays)

    def settle(self) -> None:
        """After training: codes that were never met get sensible values."""
        for layer in self.input_layers():
            layer.settle()

    def extend(
        self, features: Features, added: dict[str, dict[str, Any]], scores: int, answer: dict[str, Any]
    ) -> Network:
        """A copy with room for what these features know, further blocks (their specs under ``added``), and
        more scores. It answers old values and classes as before, to the last bit."""
        grown = copy.deepcopy(self)
        old = self.hidden.width
        for feature in features:
            key = feature.name.replace(".", "·")
            if feature.name in added:
                grown.inputs[key] = layer_class(feature)(feature, added[feature.name])
            else:
                grown.inputs[key] = grown.inputs[key].extend(feature)  # type: ignore[operator, union-attr]
        if added:
            grown.hidden = self.hidden.extend(sum(layer.width for layer in grown.input_layers()))
            wider = grown.hidden.width - old
            grown.output = grown.output.widen(wider) if wider else grown.output
        grown.output = grown.output.extend(scores, answer)
        grown.architecture = msgspec.structs.replace(
            self.architecture, inputs={**self.architecture.inputs, **added}, scores=scores, answer=answer
        )
        return grown.eval()

    def wake(self) -> None:
        """Before what has grown is learnt."""
        self.hidden.wake()
        self.output.wake()

    @property
    def weights(self) -> int:
        """How many numbers training adjusts."""
        solved = 0 if self.additive is None else self.additive.solved
        return solved + sum(each.numel() for each in self.parameters() if each.requires_grad)


def build(architecture: Architecture, features: Features, seed: int) -> Network:
    """A network with fresh weights from this seed; other random state is left alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Network(architecture, features)
