"""Texts that are nearly the same: forwarded mails, templates with another name in them.

Every text is a set of hashed pieces of five bytes; the smallest hashes under several mixings estimate how
much of two sets is shared (Broder, 1997), and texts that agree in one of eight bands of them are compared
in full. The time grows with the length of the texts, not with the number of pairs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import polars as pl

from lamina.data.doctor.case import Case
from lamina.data.doctor.twins import near_copies
from lamina.records import Finding

MOST_TEXTS: Final = 50_000
MOST_BYTES: Final = 1500  # of one text
PIECE: Final = 5  # bytes
BANDS, PER_BAND = 8, 3
ALIKE: Final = 0.8  # share of the pieces that two texts have in common
MOST_PAIRS: Final = 200_000
FIXED: Final = np.uint64(0x9E3779B97F4A7C15)


def near_texts(case: Case) -> Iterator[Finding]:
    """Near copies in every text column."""
    for field in case.schema.with_role("input"):
        if field.kind == "text" and field.name in case.frame.columns:
            series = case.frame[field.name]
            rows = np.flatnonzero(series.is_not_null().to_numpy())
            seen = rows[np.linspace(0, len(rows) - 1, min(len(rows), MOST_TEXTS)).astype(np.int64)]
            pairs = similar_texts(series.gather(pl.Series(seen)))
            yield from near_copies(case, field.name, "texts", seen[pairs], len(rows) > len(seen))


def similar_texts(texts: pl.Series) -> np.ndarray:
    """Pairs of places whose texts share at most of their pieces, int64 ``(pairs, 2)``, first < second."""
    pieces, starts = _pieces(texts)
    if not len(pieces):
        return np.empty((0, 2), np.int64)
    candidates = _candidates(_signatures(pieces, starts))
    sets = [
        np.unique(pieces[start:end]) for start, end in zip(starts, [*starts[1:], len(pieces)], strict=True)
    ]
    alike = [_shared(sets[first], sets[second]) >= ALIKE for first, second in candidates]
    return candidates[np.array(alike, bool)] if len(candidates) else candidates


def _pieces(texts: pl.Series) -> tuple[np.ndarray, np.ndarray]:
    """Hashed pieces of all texts one after the other, and where each text's begin."""
    plain = texts.str.to_lowercase().str.replace_all(r"[^\p{L}\p{N}]+", " ").str.strip_chars()
    cells = [b" " + each.encode()[:MOST_BYTES].ljust(PIECE) for each in plain.to_list()]
    lengths = np.array([len(each) for each in cells], np.int64)
    joined = np.frombuffer(b"".join(cells), np.uint8).astype(np.uint64)
    if len(joined) < PIECE:
        return np.empty(0, np.uint64), np.empty(0, np.int64)
    hashes = np.zeros(len(joined) - PIECE + 1, np.uint64)
    for place in range(PIECE):
        hashes = hashes * np.uint64(257) + joined[place : place + len(hashes)]
    ends = np.cumsum(lengths)
    inside = np.ones(len(joined), bool)
    for place in range(1, PIECE):  # pieces that would reach into the next text
        inside[ends - place] = False
    starts = np.r_[0, np.cumsum(lengths - PIECE + 1)[:-1]]
    return _mixed(hashes[inside[: len(hashes)]]), starts


def _mixed(values: np.ndarray) -> np.ndarray:
    """Well-spread hashes of hashes (the finaliser of SplitMix64)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def _signatures(pieces: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """The smallest hash of every text under each mixing, uint64 ``(text, mixing)``."""
    with np.errstate(over="ignore"):
        factors = _mixed(np.arange(1, BANDS * PER_BAND + 1, dtype=np.uint64) * FIXED) | np.uint64(1)
        return np.stack([np.minimum.reduceat((pieces * f) >> np.uint64(8), starts) for f in factors], axis=1)


def _candidates(signatures: np.ndarray) -> np.ndarray:
    """Pairs that agree in a whole band: each text with the one before it and the first of its band."""
    found = []
    for band in range(BANDS):
        part = signatures[:, band * PER_BAND : (band + 1) * PER_BAND]
        order = np.lexsort(part.T)
        same = (part[order][1:] == part[order][:-1]).all(1)
        head = np.maximum.accumulate(np.where(np.r_[True, ~same], np.arange(len(order)), 0))
        later = np.flatnonzero(same) + 1
        found += [
            np.stack([order[later - 1], order[later]], 1),
            np.stack([order[head[later]], order[later]], 1),
        ]
    pairs = np.unique(np.sort(np.concatenate(found), axis=1), axis=0)
    return pairs[:MOST_PAIRS]


def _shared(first: np.ndarray, second: np.ndarray) -> float:
    """Size of what two sets share over the size of both together (Jaccard)."""
    both = len(np.intersect1d(first, second, assume_unique=True))
    return both / (len(first) + len(second) - both)
