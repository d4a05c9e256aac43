"""The input layer of texts: a learnt vector per n-gram, and what a pretrained encoder makes of the text."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lamina.features import wordpiece
from lamina.features.text import FIRST, TextFeature
from lamina.network.hidden.encoder import Encoder, EncoderSizes, pooled
from lamina.network.in_parts import in_parts
from lamina.network.inputs.base import Batch, Input, Situation
from lamina.network.pretrained import minilm
from lamina.records import Choice

SCALE = 0.1  # standard deviation with which the vectors start
PACE = 1 / 30  # of the learning rate: what was learnt from a billion sentences is not to be forgotten
TOGETHER = 8  # texts of like length that the encoder reads at once
HIDDEN = "no known word, and every token hidden from the encoder"
MANY = 100_000  # n-grams from which their vectors are shorter


class TextInput(Input):
    """``relu(Σ wᵢ eᵢ + b)`` over the n-grams i of a text, beside the scores ``Σ wᵢ uᵢ`` of a linear model.

    A bag of n-grams with learnt vectors (Joulin et al. 2017, "Bag of tricks for efficient text
    classification"), tf-idf as the weights. Training leaves n-grams out (share ``drop``) and neurons of the
    result (share ``blur``): without that a few thousand texts are learnt by heart. ``spec["size"]`` is the
    length of a vector.

    The linear model sees the rarer n-grams as well, has ``spec["linear"]`` scores (0: there is none), and is
    fitted before the rest learns ("wide and deep", Cheng et al. 2016). While the rest learns, ``name.told``
    float32 ``(batch, linear)`` stands for what it says of the training rows.

    **Shape**: int32 ``(batch, n-grams)`` → ``(batch, size + linear)``.
    """

    deep: ClassVar[bool] = True
    recipe: ClassVar[str] = "texts"
    gain: ClassVar[float] = 1.0
    nothing: ClassVar[str] = "no known word"
    linear: Tensor

    def __init__(self, feature: TextFeature, spec: dict[str, Any]) -> None:
        super().__init__(feature, spec)
        self.size, self.drop, self.blur = int(spec["size"]), float(spec["drop"]), float(spec["blur"])
        self.told = int(spec.get("linear", 0))
        self.width = self.size + self.told
        table = torch.randn(feature.size, self.size) * SCALE
        table[:FIRST] = 0.0  # what training never meets says nothing
        self.table = nn.Parameter(table)
        self.bias = nn.Parameter(torch.zeros(self.size))
        codes = feature.size + feature.buckets if self.told else 0
        self.register_buffer("linear", torch.zeros(codes, self.told, dtype=torch.float16), bool(self.told))

    @classmethod
    def variant(cls, feature: TextFeature) -> type[Input]:
        if feature.tuned:
            return TunedTextInput
        return EncodedTextInput if feature.tokens else cls

    @classmethod
    def choose(cls, feature: TextFeature, situation: Situation) -> dict[str, Any]:
        """Many n-grams, as of long texts, need no long vectors, and time is what they lack."""
        linear = situation.linear if feature.buckets else 0
        size = 64 if feature.size > MANY or situation.quality == "fast" else 128
        return {"size": size, "drop": 0.6, "blur": 0.5, **({"linear": linear} if linear else {})}

    @classmethod
    def smoothing(cls, feature: Any) -> float:
        return 0.1

    def forward(self, arrays: Batch) -> Tensor:
        return self._joined(arrays)

    def _joined(self, arrays: Batch, *seen: Tensor) -> Tensor:
        """Neurons of the n-grams, what else was ``seen``, and the scores of the linear model."""
        read = F.relu(self._bag(arrays, self.table) + self.bias)
        read = torch.cat([read, *(each.to(read.dtype) for each in seen)], dim=1)
        kept = arrays.get(f"{self.name}.kept")
        read = read if kept is None else read * kept
        return torch.cat([read, self._told(arrays).to(read.dtype)], dim=1) if self.told else read

    def _told(self, arrays: Batch) -> Tensor:
        """``(batch, linear)``."""
        told = arrays.get(f"{self.name}.told")
        return self._bag(arrays, self.linear) if told is None else told

    def _bag(self, arrays: Batch, table: Tensor) -> Tensor:
        """The weighted sum of the n-grams' rows of a table; the zeros that fill up are not looked at."""
        codes, weights = arrays[self.name], arrays[f"{self.name}.weights"]
        there = (codes > 0) & (codes < len(table))
        if torch.compiler.is_compiling():  # sizes in a graph cannot follow from what the rows hold
            rows = F.embedding(torch.where(there, codes, 0).long(), table).float()
            return torch.bmm((weights.float() * there)[:, None], rows)[:, 0]
        ends = there.sum(1).cumsum(0)
        starts = torch.cat([ends.new_zeros(1), ends[:-1]]) if len(ends) else ends
        kept = codes[there].long()
        if table.dtype == torch.float16:  # summed in full: rounded, sums would depend on who computes them
            kept, table = torch.arange(len(kept), device=kept.device), table[kept].float()
        return F.embedding_bag(
            kept, table, starts, mode="sum", per_sample_weights=weights[there].to(table.dtype)
        )

    def filled_up(self) -> list[tuple[str, ...]]:
        return [(self.name, f"{self.name}.weights")]

    def from_nothing(self, arrays: Batch) -> list[tuple[Batch, Batch]]:
        """The n-grams from weight 0."""
        name = f"{self.name}.weights"
        weights = arrays[name].float()
        return [({**arrays, name: torch.zeros_like(weights)}, {**arrays, name: weights})]

    def augment(self, arrays: Batch, generator: torch.Generator) -> Batch:
        """Leaves n-grams out, and neurons."""
        weights = arrays[f"{self.name}.weights"]
        kept = _mask(weights.shape, self.drop, generator).to(weights)
        neurons = _mask((len(weights), self.width - self.told), self.blur, generator).to(weights.device)
        return {**arrays, f"{self.name}.weights": weights * kept, f"{self.name}.kept": neurons}


class EncodedTextInput(TextInput):
    """The n-grams, and beside them the mean vector that MiniLM has for the text, which does not learn.

    Its weights are no part of the network, nor of the model file: they come with the extra ``pretrained``,
    and ``spec["pretrained"]`` names them by their SHA-256. While the layers after it learn, ``name.seen``
    stands for the tokens, float32 ``(batch, 384)``.

    **Shape**: int32 ``(batch, n-grams)``, int16 ``(batch, tokens)`` → ``(batch, size + 384)``.
    """

    frozen: ClassVar[bool] = True
    nothing: ClassVar[str] = HIDDEN

    def __init__(self, feature: TextFeature, spec: dict[str, Any]) -> None:
        super().__init__(feature, spec)
        wordpiece.check_same(str(spec["pretrained"]))
        self.width += EncoderSizes().width

    @classmethod
    def choose(cls, feature: TextFeature, situation: Situation) -> dict[str, Any]:
        return {**super().choose(feature, situation), "pretrained": wordpiece.WEIGHTS.sha256}

    @classmethod
    def choices(cls, feature: TextFeature, spec: dict[str, Any]) -> tuple[Choice, ...]:
        why = f"short English texts: what MiniLM makes of the first {feature.tokens} tokens is read beside"
        return (Choice(what=f"pretrained encoder for {feature.columns[0]!r}", value=True, why=why),)

    def forward(self, arrays: Batch) -> Tensor:
        seen = arrays.get(f"{self.name}.seen")
        if f"{self.name}.vectors" in arrays:
            seen = encoded_vectors(self._minilm(arrays), self.name, arrays)
        seen = self._encoded(arrays[f"{self.name}.tokens"]) if seen is None else seen
        return self._joined(arrays, seen)

    def held_elsewhere(self) -> nn.Module:
        return minilm()

    def filled_up(self) -> list[tuple[str, ...]]:
        return [*super().filled_up(), (f"{self.name}.tokens",)]

    def see(self, arrays: Batch) -> Batch:
        """``name.seen`` in place of the tokens; the n-grams as they are."""
        tokens = f"{self.name}.tokens"
        rest = {name: each for name, each in arrays.items() if name != tokens}
        return {**rest, f"{self.name}.seen": self._encoded(arrays[tokens])}

    def from_nothing(self, arrays: Batch) -> list[tuple[Batch, Batch]]:
        """The n-grams from weight 0, the vectors of the tokens from that of a hidden one."""
        return with_vectors(self._minilm(arrays), self.name, super().from_nothing(arrays))

    @torch.no_grad()
    def _encoded(self, tokens: Tensor) -> Tensor:
        return encoded(minilm(str(tokens.device)), tokens)

    def _minilm(self, arrays: Batch) -> Encoder:
        return minilm(str(arrays[self.name].device))


class TunedTextInput(TextInput):
    """The same, with an encoder that learns: it starts from MiniLM's weights and moves slowly.

    The weights are part of the network and of the model file, which needs no extra any more. The vectors of
    words and places stay: few texts show few words.

    **Shape**: int32 ``(batch, n-grams)``, int16 ``(batch, tokens)`` → ``(batch, size + 384)``.
    """

    recipe: ClassVar[str] = "encoders"
    enough: ClassVar[int | None] = 1
    nothing: ClassVar[str] = HIDDEN

    def __init__(self, feature: TextFeature, spec: dict[str, Any]) -> None:
        super().__init__(feature, spec)
        self.encoder = Encoder(EncoderSizes())
        for fixed in (self.encoder.words, self.encoder.places, self.encoder.norm):
            fixed.requires_grad_(False)
        self.encoder.segment.requires_grad_(False)
        for weight in self.encoder.layers.parameters():
            weight.pace = PACE  # type: ignore[attr-defined]
        self.width += self.encoder.sizes.width

    @classmethod
    def choices(cls, feature: TextFeature, spec: dict[str, Any]) -> tuple[Choice, ...]:
        why = f"{feature.texts:,} short English texts: MiniLM reads them and goes on learning"
        return (Choice(what=f"pretrained encoder for {feature.columns[0]!r}", value="learns", why=why),)

    def filled_up(self) -> list[tuple[str, ...]]:
        return [*super().filled_up(), (f"{self.name}.tokens",)]

    def prepare(self, arrays: Batch) -> None:
        """Puts MiniLM's weights in."""
        self.encoder.load_state_dict(minilm().state_dict())

    def forward(self, arrays: Batch) -> Tensor:
        if f"{self.name}.vectors" in arrays:
            seen = encoded_vectors(self.encoder, self.name, arrays)
        else:
            seen = encoded(self.encoder, arrays[f"{self.name}.tokens"])
        return self._joined(arrays, seen)

    def from_nothing(self, arrays: Batch) -> list[tuple[Batch, Batch]]:
        """The n-grams from weight 0, the vectors of the tokens from that of a hidden one."""
        return with_vectors(self.encoder, self.name, super().from_nothing(arrays))


def encoded(encoder: Encoder, tokens: Tensor) -> Tensor:
    """``(rows, width)``, mean square 1: texts of like length together, so that little is filled up."""
    if torch.compiler.is_compiling():  # in a graph all together
        mean = pooled(encoder(tokens.long()).float(), tokens)
        return F.normalize(mean, dim=1) * encoder.sizes.width**0.5
    lengths, width = (tokens > 0).sum(1), encoder.sizes.width
    groups = [rows for rows in lengths.argsort(stable=True).split(TOGETHER) if len(rows)]
    parts = [tokens[rows, : max(1, int(lengths[rows].max()))].long() for rows in groups]
    if not parts:
        return torch.zeros(0, width, device=tokens.device)
    means = in_parts(lambda part: pooled(encoder(part).float(), part), parts, encoder)
    vectors = F.normalize(torch.cat(means), dim=1) * width**0.5
    return vectors[torch.cat(groups).argsort()]


def with_vectors(encoder: Encoder, name: str, ends: list[tuple[Batch, Batch]]) -> list[tuple[Batch, Batch]]:
    """Both ends with the vectors that stand for their tokens, ``name.vectors`` ``(batch, tokens, width)``:
    hidden ones in the first, except the marks for the start and the end of a text."""
    tokens = ends[0][1][f"{name}.tokens"].long()
    kept = (tokens == 0) | (tokens == wordpiece.START) | (tokens == wordpiece.END)
    hidden = torch.where(kept, tokens, wordpiece.HIDDEN)
    key = f"{name}.vectors"
    return [({**a, key: encoder.words(hidden)}, {**b, key: encoder.words(tokens)}) for a, b in ends]


def encoded_vectors(encoder: Encoder, name: str, arrays: Batch) -> Tensor:
    """As ``encoded``, from the tokens' vectors."""
    tokens, vectors = arrays[f"{name}.tokens"].long(), arrays[f"{name}.vectors"]
    mean = pooled(encoder.read(vectors, tokens > 0).float(), tokens)
    return F.normalize(mean, dim=1) * encoder.sizes.width**0.5


def _mask(shape: tuple[int, ...] | torch.Size, share: float, generator: torch.Generator) -> Tensor:
    """1 / (1 - share) where something is kept, 0 where not (Srivastava et al. 2014, "Dropout")."""
    return (torch.rand(shape, generator=generator) >= share).float() / (1 - share)
