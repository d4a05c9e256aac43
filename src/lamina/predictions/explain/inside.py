"""Words of a text, pixels of a picture, moments and pitches of a recording: what each did to one answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec
import numpy as np
import polars as pl

from lamina.features import wordpiece
from lamina.features.ngrams import Words, pieces, words_of
from lamina.features.text import FIRST, TextFeature
from lamina.network.inputs.audio import AudioInput
from lamina.predictions.explain.asked import Asked, Asking
from lamina.predictions.explain.gradients import Way, way_of
from lamina.predictions.explain.reading import Reader
from lamina.predictions.explain.records import Inside, Word

MOST_CELLS = 64  # of a map, per side: finer ones are added up

Map = tuple[tuple[float, ...], ...]


def inside_rows(
    reader: Reader,
    asking: Asking,
    frame: pl.DataFrame,
    numbers: Sequence[int],
    watch: Callable[[int], None] = lambda rows: None,
) -> Iterator[Inside]:
    """One record per row, answer, and column that has an inside and is not missing."""
    for done, number in enumerate(numbers, 1):
        rows = reader.rows(frame[number])
        asked = asking.of(reader.answers(rows)[0])
        for block, feature in enumerate(reader.features):
            parts = PARTS.get(feature.kind)
            if parts is None or not _there(feature, rows.frame):
                continue
            for one in asked:
                way = way_of(reader, rows, block, one)
                if way is not None:
                    yield _record(reader, block, one, way, number, parts(reader, block, rows.frame, way))
        watch(done)


def _there(feature: Any, frame: pl.DataFrame) -> bool:
    """Whether the cell holds something that can be read."""
    if frame[feature.columns[0]].null_count():
        return False
    present = feature.transform(frame).get(f"{feature.name}.present")
    return present is None or bool(present[0])


def _record(reader: Reader, block: int, asked: Asked, way: Way, number: int, parts: dict[str, Any]) -> Inside:
    feature = reader.features[block]
    return msgspec.structs.replace(
        Inside(
            row=number, column=feature.columns[0], kind=feature.kind, target=asked.target, of=asked.of,
            answer=way.answer, baseline=way.baseline, instead=reader.layers[block].nothing, gap=way.gap,
        ),
        **parts,
    )  # fmt: skip


# --------------------------------------------------------------------------------------------- words


def _text_parts(reader: Reader, block: int, frame: pl.DataFrame, way: Way) -> dict[str, Any]:
    feature: Any = reader.features[block]
    read = words_of(frame[feature.columns[0]].cast(pl.String), markup=feature.markup)
    codes = feature.transform(frame)[feature.name][0]
    shares = dict.fromkeys(read.distinct, 0.0)
    weights = way.shares.get(f"{feature.name}.weights", np.zeros(len(codes)))
    rare = _rare_owners(feature, read)
    for code, share in zip(codes.tolist(), weights.tolist(), strict=True):
        owners = rare.get(code) or (_owners(feature, code, read.distinct) if code >= FIRST else [])
        for word in owners:
            shares[word] = shares.get(word, 0.0) + share / len(owners)
    for word, share in _token_shares(feature, frame, way):
        shares[word] = shares.get(word, 0.0) + share
    times = dict(zip(read.distinct, np.bincount(read.number).tolist(), strict=True)) if read.distinct else {}
    words = [
        Word(word=word, times=times.get(word, 1), contribution=share)
        for word, share in shares.items()
        if share
    ]
    return {"words": tuple(sorted(words, key=lambda each: -abs(each.contribution)))}


def _owners(feature: TextFeature, code: int, distinct: Sequence[str]) -> list[str]:
    """The words that share what an n-gram did: the word, both of a pair, all that hold a piece."""
    words, pairs = len(feature.words), len(feature.pairs)
    place = code - FIRST
    if place < words:
        return [feature.words[place]]
    if place < words + pairs:
        return [feature.words[each - FIRST] for each in feature.pairs[place - words]]
    piece = feature.parts[place - words - pairs]
    return [word for word in distinct if piece in pieces(word)]


def _rare_owners(feature: TextFeature, read: Words) -> dict[int, list[str]]:
    """For every bucket of rarer n-grams the words of this text that fall into it, alone or as a pair."""
    owners: dict[int, list[str]] = {}
    words = [read.distinct[number] for number in read.number]
    _, places, codes = feature.rare(read)
    for place, code in zip(places.tolist(), codes.tolist(), strict=True):
        first = place % len(words)
        owners.setdefault(code, []).extend(words[first : first + 1 + (place >= len(words))])
    return owners


def _token_shares(feature: TextFeature, frame: pl.DataFrame, way: Way) -> Iterator[tuple[str, float]]:
    """What the pretrained encoder's tokens did, by word."""
    from lamina.data.prose import without_markup

    vectors = way.shares.get(f"{feature.name}.vectors")
    if vectors is None:
        return
    texts = frame[feature.columns[0]].cast(pl.String)
    text = (without_markup(texts) if feature.markup else texts)[0]
    shares = vectors.sum(1)
    for place, word in wordpiece.pieces(text, feature.tokens):
        yield word, float(shares[place])


# --------------------------------------------------------------------------------------------- media


def _picture_parts(reader: Reader, block: int, frame: pl.DataFrame, way: Way) -> dict[str, Any]:
    feature: Any = reader.features[block]
    pixels = way.shares.get(feature.name, np.zeros((1, feature.height, feature.width))).sum(0)
    axes = np.arange(feature.height), np.arange(feature.width)
    return _map(_to_size(pixels, feature.height, feature.width), *axes)


def _clip_parts(reader: Reader, block: int, frame: pl.DataFrame, way: Way) -> dict[str, Any]:
    feature: Any = reader.features[block]
    empty = np.zeros((feature.frames, 1, feature.height, feature.width))
    frames = way.shares.get(feature.name, empty).sum(1)
    axes = np.arange(feature.height), np.arange(feature.width)
    moments = tuple(map(float, frames.sum((1, 2))))
    return {**_map(frames.sum(0), *axes), "moments": moments}


def _recording_parts(reader: Reader, block: int, frame: pl.DataFrame, way: Way) -> dict[str, Any]:
    feature: Any = reader.features[block]
    layer = reader.layers[block]
    assert isinstance(layer, AudioInput)
    hertz = layer.spectrogram.centres.cpu().numpy()[1:-1].astype(np.float64)
    heard = way.shares.get(feature.name, np.zeros((len(hertz), 1)))
    seconds = (np.arange(heard.shape[1]) + 0.5) * layer.spectrogram.hop / feature.rate
    length = int(feature.transform(frame)[f"{feature.name}.length"][0])
    frames = max(1, min(heard.shape[1], -(-length // layer.spectrogram.hop)))
    return _map(heard[:, :frames], hertz, seconds[:frames])


def _to_size(shares: np.ndarray, height: int, width: int) -> np.ndarray:
    """Shares of an enlarged picture added up to those of its own pixels."""
    tall, wide = shares.shape[0] // height, shares.shape[1] // width
    return shares.reshape(height, tall, width, wide).sum((1, 3))


def _map(shares: np.ndarray, down: np.ndarray, across: np.ndarray) -> dict[str, Any]:
    """Shares and axes with at most ``MOST_CELLS`` per side: neighbours are added up, axes averaged."""
    for axis, size in enumerate(shares.shape):
        edges = np.unique(np.linspace(0, size, min(size, MOST_CELLS) + 1).astype(int))
        shares = np.add.reduceat(shares, edges[:-1], axis=axis)
        means = [float(each.mean()) for each in np.split((down, across)[axis], edges[1:-1])]
        if axis == 0:
            rows = tuple(means)
    found: Map = tuple(tuple(map(float, row)) for row in shares)
    return {"map": found, "axes": (rows, tuple(means))}


PARTS: dict[str, Callable[[Reader, int, pl.DataFrame, Way], dict[str, Any]]] = {
    "text": _text_parts,
    "image": _picture_parts,
    "video": _clip_parts,
    "audio": _recording_parts,
}
