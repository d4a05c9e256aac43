"""The output layers of several targets side by side, each owning a slice of the scores."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from lamina.catalog import ANSWERS, part
from lamina.network.outputs.base import Head, Output

JOINT = "joint"
LEAST = 1e-9


class Several(Output):
    """One output layer per entry of ``spec["heads"]``, all reading the same hidden activations.

    The loss is the weighted mean of theirs; where an answer is missing (NaN), its layer learns nothing from
    that row. The joint metric is the mean of every target's first metric, each as a share of what a constant
    answer reaches.
    """

    meaning = "each target by itself"
    skill = JOINT

    def __init__(
        self,
        width: int,
        scores: int,
        members: int,
        *,
        gain: float = 1.0,
        smoothing: float = 0.0,
        spec: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.specs: list[Mapping[str, Any]] = list((spec or {})["heads"])
        if sum(head["scores"] for head in self.specs) != scores:
            raise ValueError("the scores of several targets add up to all scores")
        self.parts = nn.ModuleList(
            make_output(
                head["output"],
                width,
                head["scores"],
                members,
                gain=gain,
                smoothing=smoothing,
                spec=head["spec"],
            )
            for head in self.specs
        )

    def forward(self, hidden: Tensor) -> Tensor:
        return torch.cat([output(hidden) for output in self.parts], -1)

    def losses(self, scores: Tensor, answers: Tensor) -> Tensor:
        total = torch.zeros(scores.shape[:2], dtype=scores.dtype, device=scores.device)
        for head, spec in zip(self.heads(answers), self.specs, strict=True):
            losses = head.output.losses(scores[:, head.known, head.scores], head.answers)
            total[:, head.known] += spec["weight"] * losses
        return total / len(self.specs)

    def decode(self, scores: Tensor) -> Tensor:
        """The decoded answers of every target, as columns ``(batch, all widths)``."""
        slices = scores.split([spec["scores"] for spec in self.specs], -1)
        outputs: Iterable[Any] = self.parts
        read = [each.decode(own) for each, own in zip(outputs, slices, strict=True)]
        return torch.cat([each[:, None] if each.ndim == 1 else each.flatten(1) for each in read], -1)

    def spread(self, scores: Tensor) -> Tensor:
        slices = scores.split([spec["scores"] for spec in self.specs], -1)
        outputs: Iterable[Any] = self.parts
        return torch.cat([each.spread(own) for each, own in zip(outputs, slices, strict=True)], -1)

    def score(self, metric: str, decoded: Tensor, answers: Tensor) -> Tensor:
        """``joint``, or ``<target>.<metric>``, on the rows where the answers are known."""
        name, _, own_metric = metric.rpartition(".")
        shares = []
        for (head, own), spec in zip(self._decoded(decoded, answers), self.specs, strict=True):
            if name == head.name:
                return head.output.score(own_metric, own, head.answers)
            if not name and len(own):
                first = ANSWERS[spec["output"]].metrics[0]
                blind = own.new_tensor(spec["constant"]).expand(len(own), -1).reshape(own.shape)
                worst = head.output.score(first, blind, head.answers).clamp_min(LEAST)
                shares.append(head.output.score(first, own, head.answers) / worst)
        return torch.stack(shares).mean()

    def skill_of(self, decoded: Tensor, answers: Tensor) -> Tensor:
        found = [h.output.skill_of(own, h.answers) for h, own in self._decoded(decoded, answers) if len(own)]
        return torch.stack(found).mean()

    def extend(self, scores: int, spec: Mapping[str, Any] | None = None) -> Several:
        """Each target's layer with its new scores."""
        grown = copy.deepcopy(self)
        grown.specs = list((spec or {})["heads"])
        beside: Iterable[Any] = zip(self.parts, grown.specs, strict=True)
        grown.parts = nn.ModuleList(each.extend(head["scores"], head["spec"]) for each, head in beside)
        return grown

    def widen(self, more: int) -> Several:
        grown = copy.deepcopy(self)
        outputs: Iterable[Any] = self.parts
        grown.parts = nn.ModuleList(each.widen(more) for each in outputs)
        return grown

    def wake(self) -> None:
        outputs: Iterable[Any] = self.parts
        for each in outputs:
            each.wake()

    def heads(self, answers: Tensor) -> Iterator[Head]:
        columns = answers.split([max(spec["answers"], 1) for spec in self.specs], 1)
        start = 0
        for spec, output, own in zip(self.specs, self.parts, columns, strict=True):
            known = ~own.isnan().any(1)
            came = own[known] if spec["answers"] else own[known, 0]
            scores = slice(start, start + spec["scores"])
            start = scores.stop
            yield Head(spec["name"], output, scores, known, came.long() if output.codes else came)  # type: ignore[arg-type]

    def _decoded(self, decoded: Tensor, answers: Tensor) -> Iterator[tuple[Head, Tensor]]:
        """Each head with what it decoded in the rows where its answer is known."""
        columns = decoded.split([len(spec["constant"]) for spec in self.specs], 1)
        for head, spec, own in zip(self.heads(answers), self.specs, columns, strict=True):
            yield head, own[head.known, 0] if spec["flat"] else own[head.known]


def make_output(answer: str, width: int, scores: int, members: int, **further: Any) -> Output:
    """The output layer of a kind of answer."""
    output: Output = part(ANSWERS[answer].output)(width, scores, members, **further)
    return output
