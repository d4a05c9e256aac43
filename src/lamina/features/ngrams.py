"""Texts → words, pairs of neighbouring words, and pieces of words, all as numbers.

Words of any script: letters and digits together, every other sign alone; scripts that are written without
blanks are read sign by sign, so that their pairs are what words are elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from zlib import crc32

import numpy as np
import polars as pl

from lamina.data.prose import without_markup

MOST_CHARACTERS: Final = 20_000  # of one cell; what comes after is not read
LONGEST_WORD: Final = 32  # characters of a word that are looked at for pieces
PIECES: Final = (3, 4, 5)  # characters
_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
_WORD = rf"[{_UNSPACED}]\p{{M}}*|[\w--[{_UNSPACED}]]+|[^\w\s]"


@dataclass(frozen=True)
class Words:
    """All words of some texts in reading order: the ``row`` of each and its number among the ``distinct``."""

    rows: int
    row: np.ndarray
    number: np.ndarray
    distinct: list[str]


def words_of(texts: pl.Series, *, markup: bool) -> Words:
    """Reads the words: lower case, compatible forms of a character made one (NFKC)."""
    cut = texts.fill_null("").str.slice(0, MOST_CHARACTERS)
    plain = without_markup(cut) if markup else cut
    lists = plain.str.normalize("NFKC").str.to_lowercase().str.extract_all(_WORD)
    row = np.repeat(np.arange(len(texts)), lists.list.len().to_numpy())
    words = lists.explode(empty_as_null=False) if len(row) else pl.Series([], dtype=pl.String)
    distinct = words.unique(maintain_order=True)
    numbers = pl.Series(np.arange(len(distinct)), dtype=pl.Int64)
    number = words.replace_strict(distinct, numbers, return_dtype=pl.Int64) if len(row) else numbers
    return Words(len(texts), row, number.to_numpy(), distinct.to_list())


def pairs_of(words: Words, codes: np.ndarray, base: int) -> tuple[np.ndarray, np.ndarray]:
    """Neighbours in one text that both have a code: (row, key), ``key = first · base + second``.

    ``codes`` holds one code per distinct word, 0 for none.
    """
    code = codes[words.number]
    left, right = code[:-1], code[1:]
    both = (words.row[:-1] == words.row[1:]) & (left > 0) & (right > 0)
    return words.row[:-1][both], left[both] * base + right[both]


def pieces_of(words: Words, codes: Mapping[str, int]) -> tuple[np.ndarray, np.ndarray]:
    """The pieces of every word that have a code: (row, code).

    A word is framed by blanks, so that its beginning and end are pieces of their own kind.
    """
    found = [[c for piece in pieces(word) if (c := codes.get(piece))] for word in words.distinct]
    lengths = np.array([len(each) for each in found], np.int64)
    flat = np.array([c for each in found for c in each], np.int64)
    starts = np.cumsum(lengths) - lengths
    counts = lengths[words.number]
    ends = np.cumsum(counts)
    within = np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - counts, counts)
    return np.repeat(words.row, counts), flat[np.repeat(starts[words.number], counts) + within]


def pieces(word: str) -> list[str]:
    """The 3, 4 and 5 characters in a row of a word framed by blanks; none of a single sign.

    >>> pieces("tea")
    [' te', 'tea', 'ea ', ' tea', 'tea ', ' tea ']
    """
    if len(word) < 2:
        return []
    framed = f" {word[:LONGEST_WORD]} "
    return [framed[i : i + n] for n in PIECES for i in range(len(framed) - n + 1)]


def hashed(words: Words) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Every word and every pair of neighbours: (row, place, key), int64; the same on every machine.

    ``place`` is that of the word among all words; for a pair that of its first word, and as many more as
    there are words. Keys are below 2³².
    """
    of_word = np.array([crc32(each.encode("utf-8", "surrogatepass")) for each in words.distinct], np.uint64)
    key = of_word[words.number] if len(words.number) else np.zeros(0, np.uint64)
    first = np.flatnonzero(words.row[:-1] == words.row[1:])
    # multiplying by large odd numbers mixes the bits (Knuth 1973, volume 3, section 6.4)
    pair = key[first] * np.uint64(0x9E3779B97F4A7C15) + key[first + 1] * np.uint64(0xC2B2AE3D27D4EB4F)
    keys = np.concatenate([key, pair >> np.uint64(32)]).astype(np.int64)
    places = np.concatenate([np.arange(len(key)), len(key) + first])
    return np.concatenate([words.row, words.row[first]]), places, keys


def counted(rows: np.ndarray, codes: np.ndarray, base: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(row, code, how often) of everything that occurs, by row and code; codes are below ``base``."""
    keys, times = np.unique(rows * base + codes, return_counts=True)
    return keys // base, keys % base, times
