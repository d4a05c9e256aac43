"""Weights that others trained: found in an installed package, checked by SHA-256, read as plain tensors.

Of the package only its data files are touched; none of its code runs.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from safetensors.torch import load_file
from torch import Tensor

from lamina.features.wordpiece import WEIGHTS, published
from lamina.network.hidden.encoder import Encoder, EncoderSizes

_NAMES = {
    "attention.self.query": "query",
    "attention.self.key": "key",
    "attention.self.value": "value",
    "attention.output.dense": "joined",
    "attention.output.LayerNorm": "first_norm",
    "intermediate.dense": "up",
    "output.dense": "down",
    "output.LayerNorm": "last_norm",
}  # of a layer: theirs → ours


@lru_cache(maxsize=2)
def minilm(device: str = "cpu") -> Encoder:
    """all-MiniLM-L6-v2 (Wang et al. 2020, "MiniLM"; Reimers & Gurevych 2019, "Sentence-BERT"), frozen.

    Apache-2.0. Raises MissingExtraError where the package is absent, ModelFileError where its weights are
    not those that were published.
    """
    tensors = load_file(published(WEIGHTS))
    with torch.device("meta"):
        encoder = Encoder(EncoderSizes())
    encoder.load_state_dict(translated(tensors), assign=True)
    return encoder.requires_grad_(False).eval().to(device)


def translated(theirs: dict[str, Tensor]) -> dict[str, Tensor]:
    """The weights of a published BERT under the names of ``Encoder``."""
    ours = {
        "words.weight": theirs["embeddings.word_embeddings.weight"],
        "places.weight": theirs["embeddings.position_embeddings.weight"],
        "segment": theirs["embeddings.token_type_embeddings.weight"][0],
        "norm.weight": theirs["embeddings.LayerNorm.weight"],
        "norm.bias": theirs["embeddings.LayerNorm.bias"],
    }
    for name, each in theirs.items():
        if name.startswith("encoder.layer."):
            number, rest = name.removeprefix("encoder.layer.").split(".", 1)
            part, what = rest.rsplit(".", 1)
            ours[f"layers.{number}.{_NAMES[part]}.{what}"] = each
    return ours
