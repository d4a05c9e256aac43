"""The output layer of transcripts: in every frame a score per character, and one for the blank."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from lamina.network.outputs.base import LinearOutput
from lamina.scores.ctc import BLANK, codes_of, greedy, spelt
from lamina.scores.transcripts import error_rate

NEVER = -30.0  # score of a character after the recording's end


def cer(decoded: Tensor, answers: Tensor) -> Tensor:
    """Wrong characters per character that was said."""
    return torch.tensor(error_rate(_codes(decoded[:, 1:]), _codes(answers)))


def accuracy(decoded: Tensor, answers: Tensor) -> Tensor:
    """Share of transcripts that are right throughout."""
    pairs = zip(_codes(decoded[:, 1:]), _codes(answers), strict=True)
    return torch.tensor(float(np.mean([told == came for told, came in pairs])))


class Transcript(LinearOutput):
    """Connectionist temporal classification (Graves et al. 2006): the sum over all alignments.

    The hidden activations are those of ``spec["frames"]`` frames, one after the other, and so are the scores.
    A frame whose activations are all zero lies after the recording's end: it is blank for certain.

    **Shape**: ``(member, batch, frames × width)`` → ``(member, batch, frames × scores)``; decoded
    ``(batch, 1 + frames)``: the log probability, then the codes, ``END`` after the last.
    """

    metrics = {"cer": cer, "accuracy": accuracy}  # noqa: RUF012
    skill = "accuracy"
    meaning = "a character or none per frame, mean of the members; repeats and blanks taken out"
    linear = False

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
        frames = int((spec or {})["frames"])
        if width % frames:
            raise ValueError("a transcript is read from whole frames")
        super().__init__(width // frames, scores, members, gain=gain)
        self.frames, self.symbols = frames, scores

    def forward(self, hidden: Tensor) -> Tensor:
        members, batch, _ = hidden.shape
        frames = hidden.reshape(members, batch * self.frames, -1)
        scores = super().forward(frames)
        ended = torch.full_like(scores[:1, :1], NEVER)
        ended[..., BLANK] = 0.0
        return torch.where(frames.any(-1, keepdim=True), scores, ended).reshape(members, batch, -1)

    def losses(self, scores: Tensor, answers: Tensor) -> Tensor:
        """Per character, so that long utterances weigh no more than short ones."""
        members, batch, _ = scores.shape
        lengths = (answers > 0).sum(1).repeat(members)
        losses = F.ctc_loss(
            self._frames(scores).log_softmax(-1).flatten(0, 1).transpose(0, 1),
            answers.clamp_min(0).repeat(members, 1),
            torch.full_like(lengths, self.frames),
            lengths,
            blank=BLANK,
            reduction="none",
            zero_infinity=True,
        )
        return (losses / lengths.clamp_min(1)).view(members, batch)

    def decode(self, scores: Tensor) -> Tensor:
        """The most probable symbol of every frame: quick, for training."""
        logs = self._logs(scores)
        best = logs.max(-1).values.sum(-1)
        found = [(greedy(each), float(log)) for each, log in zip(logs.numpy(), best, strict=True)]
        return torch.from_numpy(codes_of(found, self.frames))

    def answer(self, scores: Tensor) -> Tensor:
        """The most probable transcript over all alignments, by beam search."""
        return torch.from_numpy(spelt(self._logs(scores).numpy()))

    def told(self, scores: Tensor) -> Tensor:
        """Log probabilities ``(batch, frame, symbol)``."""
        return self._logs(scores)

    def _frames(self, scores: Tensor) -> Tensor:
        return scores.unflatten(-1, (self.frames, self.symbols))

    def _logs(self, scores: Tensor) -> Tensor:
        """Log probabilities ``(batch, frame, symbol)``: the mean of the members' softmax."""
        return self._frames(scores.detach().float()).softmax(-1).mean(0).clamp_min(1e-30).log().cpu()


def _codes(rows: Tensor) -> list[tuple[int, ...]]:
    return [tuple(row[row > 0].long().tolist()) for row in rows.cpu()]
