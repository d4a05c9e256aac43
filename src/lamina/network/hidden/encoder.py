"""A transformer that reads a whole text at once: token ids → one vector per token.

The architecture is BERT's encoder (Devlin et al. 2019, "BERT: Pre-training of deep bidirectional
transformers"), in plain torch layers. Names of the weights follow the published files, so that they load
without a table of translations.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True)
class EncoderSizes:
    """``words`` in the vocabulary; ``width`` of a vector, ``inner`` between; ``longest`` text in tokens."""

    words: int = 30522
    width: int = 384
    heads: int = 12
    layers: int = 6
    inner: int = 1536
    longest: int = 512
    epsilon: float = 1e-12


class Encoder(nn.Module):
    """Token ids → vectors; id 0 is padding and is not looked at.

    **Shape**: int64 ``(batch, tokens)`` → ``(batch, tokens, width)``.
    """

    def __init__(self, sizes: EncoderSizes) -> None:
        super().__init__()
        self.sizes = sizes
        self.words = nn.Embedding(sizes.words, sizes.width)
        self.places = nn.Embedding(sizes.longest, sizes.width)
        self.segment = nn.Parameter(torch.zeros(sizes.width))
        self.norm = nn.LayerNorm(sizes.width, eps=sizes.epsilon)
        self.layers = nn.ModuleList(EncoderLayer(sizes) for _ in range(sizes.layers))

    def forward(self, tokens: Tensor) -> Tensor:
        return self.read(self.words(tokens), tokens > 0)

    def read(self, vectors: Tensor, there: Tensor) -> Tensor:
        """From the vectors of the words ``(batch, tokens, width)``; ``there``: which are no padding."""
        x = self.norm(vectors + self.places.weight[: vectors.shape[1]] + self.segment)
        for layer in self.layers:
            x = layer(x, there)
        return x  # type: ignore[no-any-return]


class EncoderLayer(nn.Module):
    """Attention among the tokens, then two layers of neurons per token; both are added to what came in.

    **Shape**: ``(batch, tokens, width)`` → the same; ``there``, bool ``(batch, tokens)``: no padding.
    """

    def __init__(self, sizes: EncoderSizes) -> None:
        super().__init__()
        self.heads = sizes.heads
        self.query = nn.Linear(sizes.width, sizes.width)
        self.key = nn.Linear(sizes.width, sizes.width)
        self.value = nn.Linear(sizes.width, sizes.width)
        self.joined = nn.Linear(sizes.width, sizes.width)
        self.first_norm = nn.LayerNorm(sizes.width, eps=sizes.epsilon)
        self.up = nn.Linear(sizes.width, sizes.inner)
        self.down = nn.Linear(sizes.inner, sizes.width)
        self.last_norm = nn.LayerNorm(sizes.width, eps=sizes.epsilon)

    def forward(self, x: Tensor, there: Tensor) -> Tensor:
        x = self.first_norm(x + self._attention(x, there))
        return self.last_norm(x + self.down(F.gelu(self.up(x))))  # type: ignore[no-any-return]

    def _attention(self, x: Tensor, there: Tensor) -> Tensor:
        """``softmax(Q Kᵀ / √width) V`` in each head (Vaswani et al. 2017)."""
        batch, tokens, width = x.shape
        q, k, v = (
            part(x).view(batch, tokens, self.heads, width // self.heads).transpose(1, 2)
            for part in (self.query, self.key, self.value)
        )
        seen = F.scaled_dot_product_attention(q, k, v, attn_mask=there[:, None, None, :])
        return self.joined(seen.transpose(1, 2).reshape(batch, tokens, width))  # type: ignore[no-any-return]


def pooled(vectors: Tensor, tokens: Tensor) -> Tensor:
    """The mean vector of a text's tokens: ``(batch, tokens, width)`` → ``(batch, width)``."""
    there = (tokens > 0).unsqueeze(2).to(vectors.dtype)
    return (vectors * there).sum(1) / there.sum(1).clamp_min(1)
