"""The input layer of texts: a learnt vector per n-gram, and what a pretrained encoder makes of the text."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lamina.features import wordpiece
from lamina.features.text import FIRST, TextFeature
from lamina.network.hidden.encoder import EncoderSizes, pooled
from lamina.network.inputs.base import Batch, Input, Situation
from lamina.network.pretrained import minilm

SCALE = 0.1  # standard deviation with which the vectors start
TOGETHER = 64  # texts of like length that the encoder reads at once


class TextInput(Input):
    """``relu(Σ wᵢ eᵢ + b)`` over the n-grams i of a text; beside it the encoder's mean vector, not trained.

    A bag of n-grams with learnt vectors (Joulin et al. 2017, "Bag of tricks for efficient text
    classification"), tf-idf as the weights. Training leaves n-grams out (share ``drop``) and neurons of the
    result (share ``blur``): without that a few thousand texts are learnt by heart. ``spec["size"]`` is the
    length of a vector.

    The encoder's vectors may be given as ``name.encoded`` (``frozen`` makes them once before training), else
    they are computed from ``name.tokens``; its weights are no part of the network.

    **Shape**: int32 ``(batch, n-grams)`` → ``(batch, size)``, with the encoder ``(batch, size + 384)``.
    """

    deep: ClassVar[bool] = True
    recipe: ClassVar[str] = "texts"
    gain: ClassVar[float] = 1.0

    def __init__(self, feature: TextFeature, spec: dict[str, Any]) -> None:
        super().__init__(feature, spec)
        self.size, self.drop, self.blur = int(spec["size"]), float(spec["drop"]), float(spec["blur"])
        self.tokens = feature.tokens
        if self.tokens and not wordpiece.installed():
            wordpiece.published(wordpiece.WEIGHTS)  # says how to install it
        self.width = self.size + (EncoderSizes().width if self.tokens else 0)
        self.table = nn.Parameter(torch.randn(feature.size, self.size) * SCALE)
        self.bias = nn.Parameter(torch.zeros(self.size))
        with torch.no_grad():
            self.table[:FIRST].zero_()  # what training never meets says nothing

    @classmethod
    def choose(cls, feature: TextFeature, situation: Situation) -> dict[str, Any]:
        """Long texts have n-grams enough for a shorter vector, and time is what they lack."""
        size = 64 if feature.size > 100_000 or situation.quality == "fast" else 128
        return {"size": size, "drop": 0.6, "blur": 0.5}

    @classmethod
    def smoothing(cls, feature: Any) -> float:
        return 0.1

    def forward(self, arrays: Batch) -> Tensor:
        read = F.relu(self._bag(arrays) + self.bias)
        if self.tokens:
            encoded = arrays.get(f"{self.name}.encoded")
            encoded = self._encoded(arrays[f"{self.name}.tokens"]) if encoded is None else encoded
            read = torch.cat([read, encoded.to(read.dtype)], dim=1)
        kept = arrays.get(f"{self.name}.kept")
        return read if kept is None else read * kept

    def _bag(self, arrays: Batch) -> Tensor:
        """The weighted sum of the n-grams' vectors; the zeros that fill up are not looked at."""
        codes, weights = arrays[self.name], arrays[f"{self.name}.weights"]
        there = codes > 0
        ends = there.sum(1).cumsum(0)
        starts = torch.cat([ends.new_zeros(1), ends[:-1]]) if len(ends) else ends
        return F.embedding_bag(
            codes[there].long(), self.table, starts, mode="sum", per_sample_weights=weights[there].float()
        )

    def augment(self, arrays: Batch, generator: torch.Generator) -> Batch:
        """Leaves n-grams out, and neurons."""
        weights = arrays[f"{self.name}.weights"]
        kept = _mask(weights.shape, self.drop, generator).to(weights)
        neurons = _mask((len(weights), self.width), self.blur, generator).to(weights.device)
        return {**arrays, f"{self.name}.weights": weights * kept, f"{self.name}.kept": neurons}

    def frozen(self, arrays: Batch) -> Batch:
        """The encoder's vectors instead of the tokens: ``name.encoded``, float16 ``(rows, 384)``."""
        if not self.tokens:
            return arrays
        tokens = f"{self.name}.tokens"
        rest = {name: each for name, each in arrays.items() if name != tokens}
        return {**rest, f"{self.name}.encoded": self._encoded(arrays[tokens]).half()}

    @torch.no_grad()
    def _encoded(self, tokens: Tensor) -> Tensor:
        """``(rows, 384)``, mean square 1: texts of like length together, so that little is filled up."""
        encoder = minilm(str(tokens.device))
        lengths = (tokens > 0).sum(1)
        vectors = torch.zeros(len(tokens), encoder.sizes.width, device=tokens.device)
        for rows in lengths.argsort(stable=True).split(TOGETHER):
            if len(rows):
                part = tokens[rows, : max(1, int(lengths[rows].max()))].long()
                mean = pooled(encoder(part).float(), part)
                vectors[rows] = F.normalize(mean, dim=1) * encoder.sizes.width**0.5
        return vectors


def _mask(shape: tuple[int, ...] | torch.Size, share: float, generator: torch.Generator) -> Tensor:
    """1 / (1 - share) where something is kept, 0 where not (Srivastava et al. 2014, "Dropout")."""
    return (torch.rand(shape, generator=generator) >= share).float() / (1 - share)
