"""What every output layer is: hidden activations in, scores out; it owns its loss and its decoding."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from lamina.network.hidden.product import weighted_sums_of_members

# The decoded answers and those that came → how good they are
Metric = Callable[[Tensor, Tensor], Tensor]

QUIET = -1e4  # the bias of a score that is not learnt yet: as a logit it has no probability at all


class Output(nn.Module, ABC):
    """Base of the output layers.

    ``metrics`` are those of ``catalog.ANSWERS`` in the units of the answers, the first of them the default;
    ``skill`` names one of them that is 0 for a constant answer or at worst, and 1 at best;
    ``meaning`` says how scores become answers.

    **Shape**: ``(member, batch, width)`` → ``(member, batch, score)``.
    """

    metrics: ClassVar[Mapping[str, Metric]] = {}
    skill: ClassVar[str] = "r2"
    meaning: ClassVar[str] = "mean of the members"
    codes: ClassVar[bool] = False  # whether answers are int64 codes
    linear: ClassVar[bool] = True  # whether a linear model of the inputs can give such scores

    @abstractmethod
    def losses(self, scores: Tensor, answers: Tensor) -> Tensor:
        """Each member's loss of each row, ``(member, batch)``."""

    def loss(self, scores: Tensor, answers: Tensor, weights: Tensor | None) -> Tensor:
        """The mean of the members' own losses, a scalar. ``weights`` ``(batch,)``, mean about 1."""
        return weighted_mean(self.losses(scores, answers), weights)

    @abstractmethod
    def decode(self, scores: Tensor) -> Tensor:
        """Scores → the joint answer of the members, ``(batch, …)``."""

    def answer(self, scores: Tensor) -> Tensor:
        """As ``decode``, where it may take its time: what users are given."""
        return self.decode(scores)

    def told(self, scores: Tensor) -> Tensor:
        """The part of ``answer`` that is arithmetic on tensors: all a graph can hold of it. What is left to
        do for users, where something is, the target does (``Target.written``)."""
        return self.decode(scores)

    def spread(self, scores: Tensor) -> Tensor:
        """How far the members are apart, one column per target ``(batch, target)``; zeros where that tells
        nothing that the answer does not."""
        return scores.new_zeros((scores.shape[1], 1))

    def score(self, metric: str, decoded: Tensor, answers: Tensor) -> Tensor:
        """One of the metrics of decoded answers."""
        return self.metrics[metric](decoded, answers)

    def skill_of(self, decoded: Tensor, answers: Tensor) -> Tensor:
        """How much better than nothing the answers are, 1 at best."""
        return self.metrics[self.skill](decoded, answers)

    def wake(self) -> None:
        """Before new scores are learnt: they start where learning is quick."""

    @abstractmethod
    def heads(self, answers: Tensor) -> Iterator[Head]:
        """Every layer with weights, and what the answers hold for it."""

    def extend(self, scores: int, spec: Mapping[str, Any] | None = None) -> Output:
        """Room for more scores; the old ones do not move. ``spec``: what the target says by then."""
        raise NotImplementedError

    def widen(self, more: int) -> Output:
        """Room for so many more hidden activations behind the others; no score moves."""
        raise NotImplementedError


class LinearOutput(Output):
    """Each member has weights of its own, ``sᵐ = γ hᵐ Wᵐ + bᵐ``.

    The fixed ``gain`` γ sets how large scores start, and so how fast this layer learns beside the others.
    ``smoothing`` matters to classes only; ``spec`` is what the target says besides (``Target.spec``).
    """

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
        self.gain = gain
        self.smoothing = smoothing
        # Sizes of the parts in which scores came, while they are still to be computed apart
        self.blocks: list[int] | None = None
        # How many activations there were, while those that came later are still to be added up apart
        self.old: int | None = None
        start = torch.randn(members, width, scores) if gain != 1 else None
        if start is None:
            start = (torch.rand(members, width, scores) * 2 - 1) * width**-0.5
        self.weight = nn.Parameter(start)
        self.bias = nn.Parameter(torch.zeros(members, 1, scores))

    def forward(self, hidden: Tensor) -> Tensor:
        weight = self.weight.to(hidden.dtype)
        if self.old is None:
            sums = self._sums(hidden, weight)
        else:
            sums = self._sums(hidden[..., : self.old].contiguous(), weight[:, : self.old])
            sums = sums + self._sums(hidden[..., self.old :], weight[:, self.old :])
        return torch.add(self.bias, sums.to(self.bias.dtype), alpha=self.gain)

    def _sums(self, hidden: Tensor, weight: Tensor) -> Tensor:
        if self.blocks is None:
            return weighted_sums_of_members(hidden, weight)
        # apart, because a product with more columns is rounded in another order
        blocks = [w.contiguous() for w in weight.split(self.blocks, -1)]
        return torch.cat([weighted_sums_of_members(hidden, w) for w in blocks], -1)

    @torch.no_grad()
    def widen(self, more: int) -> LinearOutput:
        grown = copy.deepcopy(self)
        members, width, scores = self.weight.shape
        weight = torch.cat([self.weight, self.weight.new_zeros(members, more, scores)], 1)
        grown.weight = nn.Parameter(weight)
        grown.old = self.old or width
        return grown

    def extend(self, scores: int, spec: Mapping[str, Any] | None = None) -> LinearOutput:
        """A copy with more scores, which are out of the question until they are learnt; the old ones are
        exactly the same."""
        grown = copy.deepcopy(self)
        members, width, old = self.weight.shape
        more = scores - old
        if more:
            weight = torch.cat([self.weight, self.weight.new_zeros(members, width, more)], -1)
            bias = torch.cat([self.bias, self.bias.new_full((members, 1, more), QUIET)], -1)
            grown.weight, grown.bias = nn.Parameter(weight.detach()), nn.Parameter(bias.detach())
            grown.blocks = [*(self.blocks or [old]), more]
        return grown

    @torch.no_grad()
    def wake(self) -> None:
        """Before new scores are learnt: they start in the middle of the old ones."""
        quiet = self.bias <= QUIET / 2
        counts = (~quiet).sum(-1, keepdim=True).clamp_min(1)
        middle = torch.where(quiet, 0.0, self.bias).sum(-1, keepdim=True) / counts
        self.bias.copy_(torch.where(quiet, middle, self.bias))
        self.blocks, self.old = None, None

    def heads(self, answers: Tensor) -> Iterator[Head]:
        known = torch.ones(len(answers), dtype=torch.bool, device=answers.device)
        yield Head("", self, slice(None), known, answers)


@dataclass(frozen=True)
class Head:
    """One target's output layer: its name ("" where it is the only one), which of the scores are its own, in
    which rows its answer is known, bool ``(batch,)``, and the answers of those rows."""

    name: str
    output: LinearOutput
    scores: slice
    known: Tensor
    answers: Tensor


def members_apart(scores: Tensor) -> Tensor:
    """The members' standard deviation, ``(member, batch, score)`` → ``(batch, score)``."""
    return scores.std(0, correction=0) if scores.shape[1] else scores[0]


def weighted_mean(losses: Tensor, weights: Tensor | None) -> Tensor:
    """Mean over members and rows, ``losses`` ``(member, batch)``."""
    return losses.mean() if weights is None else (losses * weights).mean()


def rmse(values: Tensor, answers: Tensor) -> Tensor:
    """Root of the mean squared error."""
    return (values - answers).square().mean().sqrt()


def mae(values: Tensor, answers: Tensor) -> Tensor:
    """Mean absolute error."""
    return (values - answers).abs().mean()


def r2(values: Tensor, answers: Tensor) -> Tensor:
    """Share of the variance explained."""
    return 1 - (values - answers).square().mean() / answers.var(correction=0)
