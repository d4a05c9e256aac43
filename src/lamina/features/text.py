"""Text: any language and length, as weighted n-grams, and as tokens for a pretrained encoder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl

from lamina.data.prose import has_markup, without_markup
from lamina.features import wordpiece
from lamina.features.base import Arrays, Feature
from lamina.features.ngrams import Words, counted, hashed, pairs_of, pieces, pieces_of, words_of
from lamina.records import Quality

MISSING, UNSEEN, FIRST = 1, 2, 3  # codes; 0 fills up, known n-grams count on from FIRST
RARE_BELOW = 2  # n-grams of fewer training texts are not learnt, nor kept in the model file
MOST_WORDS, MOST_PAIRS, MOST_PIECES = 65_536, 65_536, 32_768
SHORT = 64  # words: where the median text is longer, pieces of words add nothing but time
MOST_PER_TEXT = 1024  # n-grams of one text, the weightiest
MOST_LINEAR = 512  # words that the linear baseline sees
CHUNK = 20_000  # texts read at once
MOST_RARE = 2**18  # buckets of rarer n-grams
FEW_TEXTS = 15_000  # training texts up to which rarer n-grams are read too
LONGEST = 64  # tokens of one text that the pretrained encoder reads
FEWEST_ROWS = 200  # below this the pretrained encoder is used only when asked for
MOST_TOKENS = 3_000_000  # of all training texts, encoded by default: about two minutes of one thread
FEWEST_TUNED = 2000  # training texts below which the encoder learns only at the quality "best"
MOST_TUNED = {"good": 350_000, "best": 2_000_000}  # tokens of all training texts up to which it may learn
ENGLISH = 1.6  # tokens per word up to which a text is in the language of the pretrained encoder
SAMPLE = 500  # texts looked at to choose


@dataclass(frozen=True)
class TextFeature(Feature):
    """One text column → int32 codes ``(rows, longest)`` and float16 ``name.weights`` of the same shape.

    Codes stand for words, pairs of neighbouring words and, in short texts, pieces of 3 to 5 characters,
    all that occur in at least two training texts. Weights are tf-idf (Salton & Buckley 1988): ``(1 + log
    tf) · (1 + log (1 + n) / (1 + df))``; those of words and pairs, and those of pieces, have length 1
    together. A missing text and one without a known n-gram have codes of their own.

    Of up to 20,000 texts the rarer words and pairs are read, too, which are not kept: each falls into one of
    ``buckets`` by its hash (Weinberger et al. 2009, "Feature hashing"), whose codes are ``size`` and more;
    their weights are ``1 + log tf``, of length 1 together.

    With ``tokens`` the WordPiece ids for the pretrained encoder come as ``name.tokens``, int16
    ``(rows, tokens)``.

    ``words``, ``pairs`` (two codes each) and ``parts`` (the pieces) stand most frequent first, with the
    number of texts they occur in under ``frequencies``; ``texts`` is how many texts there were.
    ``tuned``: the encoder learns with the rest.
    """

    kind: ClassVar[str] = "text"
    enough: ClassVar[int | None] = 100_000
    name: str
    columns: tuple[str, ...]
    words: tuple[str, ...]
    pairs: tuple[tuple[int, int], ...]
    parts: tuple[str, ...]
    frequencies: tuple[int, ...]
    texts: int
    longest: int
    markup: bool
    tokens: int
    tuned: bool = False
    buckets: int = 0

    @classmethod
    def fit(
        cls,
        name: str,
        frame: pl.DataFrame,
        columns: Sequence[str],
        pretrained: bool | None = None,
        tuned: Quality = "fast",
        rare: bool = False,
    ) -> Self:
        """``pretrained``: whether the encoder reads along; ``None``: where it is likely to help. ``tuned``:
        how much time there is for it to learn too ("fast": none). ``rare``: n-grams that are not kept are
        read, too, where texts are few and no finished encoder reads them."""
        texts = frame[columns[0]].cast(pl.String).drop_nulls()
        markup = has_markup(texts.gather_every(max(1, len(texts) // SAMPLE)))
        read = words_of(texts, markup=markup)
        words, seen = _frequent_words(read)
        code_of = {word: FIRST + i for i, word in enumerate(words)}
        codes = np.array([code_of.get(each, 0) for each in read.distinct], np.int64)
        pairs, met = _frequent_pairs(read, codes, FIRST + len(words))
        short = np.median(np.bincount(read.row, minlength=max(1, read.rows))) <= SHORT
        parts, times = _frequent_pieces(read) if short else ((), ())
        tokens, mean = _tokens(texts, pretrained, markup=markup)
        learns = tokens > 0 and _may_learn(len(texts), mean, tuned)
        # Beside an encoder that is finished, a linear model of all n-grams makes answers worse
        rare = rare and (learns or not tokens)
        made = cls(
            name, tuple(columns), words, pairs, parts, (*seen, *met, *times), len(texts), 1, markup,
            tokens, learns, _buckets(read, words, pairs) if rare else 0,
        )  # fmt: skip
        return made._with_length(texts)

    def _with_length(self, texts: pl.Series) -> Self:
        """The same with room for all but the longest hundredth of the texts."""
        rows, _, _ = self._weighted(texts.gather_every(max(1, len(texts) // 5000)))
        counts = np.bincount(rows) if len(rows) else np.ones(1)
        state = {**self.to_json(), "longest": min(MOST_PER_TEXT, max(8, int(np.percentile(counts, 99))))}
        return type(self).from_json(state)

    def transform(self, frame: pl.DataFrame) -> Arrays:
        series = frame[self.columns[0]].cast(pl.String)
        codes = np.zeros((len(series), self.longest), np.int32)
        weights = np.zeros((len(series), self.longest), np.float16)
        for start in range(0, len(series), CHUNK):
            part = slice(start, start + CHUNK)
            self._fill(series[part], codes[part], weights[part])
        arrays: Arrays = {self.name: codes, f"{self.name}.weights": weights}
        if self.tokens:
            texts = without_markup(series) if self.markup else series
            arrays[f"{self.name}.tokens"] = wordpiece.token_ids(texts.fill_null("").to_list(), self.tokens)
        return arrays

    def _fill(self, texts: pl.Series, codes: np.ndarray, weights: np.ndarray) -> None:
        """Writes the weightiest n-grams of each text, the heaviest first, rarer ones after those known."""
        row, code, weight = self._weighted(texts)
        order = np.lexsort((code, -weight, code >= self.size, row))
        row, code, weight = row[order], code[order], weight[order]
        counts = np.bincount(row, minlength=len(texts))
        place = np.arange(len(row)) - (np.cumsum(counts) - counts)[row]
        kept = place < self.longest
        codes[row[kept], place[kept]] = code[kept]
        weights[row[kept], place[kept]] = weight[kept]
        missing = texts.is_null().to_numpy()
        codes[missing, 0], weights[missing, 0] = MISSING, 1

    def _weighted(self, texts: pl.Series) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(row, code, weight) of every n-gram, of texts without one that is known, and of rarer ones."""
        read = words_of(texts, markup=self.markup)
        row, code, weight = self._known(read)
        without = np.setdiff1d(np.arange(read.rows), row)
        rare_row, rare_code, rare_weight = self._rare(read)
        return (
            np.concatenate([row, without, rare_row]),
            np.concatenate([code, np.full(len(without), UNSEEN), rare_code]),
            np.concatenate([weight, np.ones(len(without)), rare_weight]),
        )

    def _rare(self, read: Words) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The same of the words and pairs that are not kept."""
        row, _, code = self.rare(read)
        row, code, times = counted(row, code, self.size + max(1, self.buckets))
        weight = 1 + np.log(times)
        lengths = np.sqrt(np.bincount(row, weight * weight, minlength=read.rows))
        return row, code, weight / lengths[row]

    def rare(self, read: Words) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(row, place, code) of each word and pair that is not kept, places as ``hashed`` gives them."""
        if not self.buckets or not len(read.number):
            return (np.zeros(0, np.int64),) * 3
        row, place, key = hashed(read)
        known = np.array([each in self._code_of_word for each in read.distinct])[read.number]
        kept = np.concatenate([known, self._kept_pairs(read)[place[len(known) :] - len(known)]])
        return row[~kept], place[~kept], self.size + key[~kept] % self.buckets

    def _kept_pairs(self, read: Words) -> np.ndarray:
        """Whether each word and its right neighbour are a pair that is kept, bool ``(words,)``."""
        known = np.array([self._code_of_word.get(each, 0) for each in read.distinct], np.int64)[read.number]
        base, keys = FIRST + len(self.words), self._code_of_pair[0]
        return np.isin(np.append(known[:-1] * base + known[1:], 0), keys)

    def _known(self, read: Words) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        known = np.array([self._code_of_word.get(each, 0) for each in read.distinct], np.int64)
        base = FIRST + len(self.words)
        rows, keys = pairs_of(read, known, base)
        sorted_keys, sorted_codes = self._code_of_pair
        at = np.minimum(np.searchsorted(sorted_keys, keys), max(len(sorted_keys) - 1, 0))
        found = sorted_keys[at] == keys if len(sorted_keys) else np.zeros(len(keys), bool)
        code = known[read.number] if len(read.number) else np.zeros(0, np.int64)
        one = self._scaled(
            np.concatenate([read.row[code > 0], rows[found]]),
            np.concatenate([code[code > 0], sorted_codes[at[found]] if len(sorted_codes) else rows[:0]]),
            read.rows,
        )
        if not self.parts:
            return one
        two = self._scaled(*pieces_of(read, self._code_of_piece), read.rows)
        both = [np.concatenate(each) for each in zip(one, two, strict=True)]
        return both[0], both[1], both[2] * 0.5**0.5

    def _scaled(
        self, rows: np.ndarray, codes: np.ndarray, texts: int
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """tf-idf, of length 1 in each row."""
        row, code, times = counted(rows, codes, self.size)
        weight = (1 + np.log(times)) * self._idf[code]
        lengths = np.sqrt(np.bincount(row, weight * weight, minlength=texts))
        return row, code, weight / lengths[row]

    @property
    def size(self) -> int:
        """How many codes there are, the special ones included, those of rarer n-grams not."""
        return FIRST + len(self.frequencies)

    @cached_property
    def _idf(self) -> np.ndarray:
        idf = 1 + np.log((1 + self.texts) / (1 + np.array(self.frequencies, np.float64)))
        return np.concatenate([np.zeros(FIRST), idf])

    @cached_property
    def _code_of_word(self) -> dict[str, int]:
        return {word: FIRST + i for i, word in enumerate(self.words)}

    @cached_property
    def _code_of_pair(self) -> tuple[np.ndarray, np.ndarray]:
        """Keys of the pairs in order, and the code of each."""
        pairs = np.array(self.pairs, np.int64).reshape(-1, 2)
        keys = pairs[:, 0] * (FIRST + len(self.words)) + pairs[:, 1]
        order = np.argsort(keys)
        return keys[order], FIRST + len(self.words) + order

    @cached_property
    def _code_of_piece(self) -> dict[str, int]:
        start = FIRST + len(self.words) + len(self.pairs)
        return {piece: start + i for i, piece in enumerate(self.parts)}

    def extend(self, frame: pl.DataFrame) -> Self:
        """Unchanged: new words are read by their pieces, so that old texts keep their codes."""
        return self

    @property
    def linear_width(self) -> int:
        return min(MOST_LINEAR, len(self.words)) + FIRST

    def linear(self, arrays: Arrays) -> np.ndarray:
        """The weights of the most frequent words."""
        codes, weights = arrays[self.name], arrays[f"{self.name}.weights"]
        matrix = np.zeros((len(codes), self.linear_width), np.float32)
        row, place = np.nonzero((codes > 0) & (codes < self.linear_width))
        matrix[row, codes[row, place]] = weights[row, place]
        return matrix

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "columns": list(self.columns),
            "words": list(self.words),
            "pairs": [list(each) for each in self.pairs],
            "parts": list(self.parts),
            "frequencies": list(self.frequencies),
            "texts": self.texts,
            "longest": self.longest,
            "markup": self.markup,
            "tokens": self.tokens,
            "tuned": self.tuned,
            "buckets": self.buckets,
        }

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> Self:
        made = cls(
            str(state["name"]),
            tuple(state["columns"]),
            tuple(map(str, state["words"])),
            tuple((int(first), int(second)) for first, second in state["pairs"]),
            tuple(map(str, state["parts"])),
            tuple(map(int, state["frequencies"])),
            int(state["texts"]),
            int(state["longest"]),
            bool(state["markup"]),
            int(state["tokens"]),
            bool(state.get("tuned", False)),
            int(state.get("buckets", 0)),
        )
        n_grams = len(made.words) + len(made.pairs) + len(made.parts)
        if n_grams != len(made.frequencies) or min(made.frequencies, default=1) < 1:
            raise ValueError(f"{n_grams} n-grams with {len(made.frequencies)} frequencies")
        if made.tuned and not made.tokens:
            raise ValueError("an encoder that learns reads tokens")
        if not 0 <= made.buckets <= MOST_RARE:
            raise ValueError(f"{made.buckets} buckets of rarer n-grams")
        if not 1 <= made.longest <= MOST_PER_TEXT or not 0 <= made.tokens <= LONGEST:
            raise ValueError(f"texts of {made.longest} n-grams and {made.tokens} tokens")
        return made

    def describe(self) -> str:
        read = f"{len(self.words):,} words, {len(self.pairs):,} pairs, {len(self.parts):,} pieces of words"
        return f"text: {self.columns[0]}, {read}" + (", read by MiniLM too" if self.tokens else "")


def _buckets(read: Words, words: Sequence[str], pairs: Sequence[tuple[int, int]]) -> int:
    """A power of two, about as many as there are words and pairs that are not kept; 0: they are not read."""
    if read.rows > FEW_TEXTS or not len(read.number):
        return 0
    rare = len(np.unique(hashed(read)[2])) - len(words) - len(pairs)
    return int(min(MOST_RARE, 2 ** int(np.ceil(np.log2(max(rare, 64))))))


def _frequent_words(read: Words) -> tuple[tuple[str, ...], tuple[int, ...]]:
    _, number, _ = counted(read.row, read.number, max(1, len(read.distinct)))
    return _most([*zip(read.distinct, np.bincount(number).tolist(), strict=True)], MOST_WORDS)


def _frequent_pairs(
    read: Words, codes: np.ndarray, base: int
) -> tuple[tuple[tuple[int, int], ...], tuple[int, ...]]:
    rows, keys = pairs_of(read, codes, base)
    if not len(keys):
        return (), ()
    distinct, number = np.unique(keys, return_inverse=True)
    _, number, _ = counted(rows, number, len(distinct))
    times = np.bincount(number)
    often = np.flatnonzero(times >= RARE_BELOW)
    often = often[np.lexsort((distinct[often], -times[often]))][:MOST_PAIRS]
    pairs = tuple((int(key // base), int(key % base)) for key in distinct[often])
    return pairs, tuple(times[often].tolist())


def _frequent_pieces(read: Words) -> tuple[tuple[str, ...], tuple[int, ...]]:
    numbers: dict[str, int] = {}
    for word in read.distinct:
        for piece in pieces(word):
            numbers.setdefault(piece, len(numbers) + 1)
    _, number, _ = counted(*pieces_of(read, numbers), len(numbers) + 1)
    times = np.bincount(number, minlength=len(numbers) + 1)[1:]
    return _most([*zip(numbers, times.tolist(), strict=True)], MOST_PIECES)


def _most(found: Sequence[tuple[str, int]], most: int) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """The most frequent ones that are not rare, ties in the order of their characters."""
    often = sorted((each for each in found if each[1] >= RARE_BELOW), key=lambda each: (-each[1], each[0]))
    kept = often[:most]
    return tuple(name for name, _ in kept), tuple(times for _, times in kept)


def _may_learn(texts: int, tokens: float, tuned: Quality) -> bool:
    """Whether an encoder of so many texts of ``tokens`` tokens on the mean has the time to learn."""
    enough = texts >= (FEWEST_TUNED if tuned == "good" else 1)
    return enough and texts * tokens <= MOST_TUNED.get(tuned, 0)


def _tokens(texts: pl.Series, pretrained: bool | None, *, markup: bool) -> tuple[int, float]:
    """How many tokens of a text the pretrained encoder reads, 0: it does not read along; their mean.

    By itself it reads short English texts, where it was measured to help.
    """
    if pretrained is False or (
        pretrained is None and (len(texts) < FEWEST_ROWS or not wordpiece.installed())
    ):
        return 0, 0.0
    sample = texts.gather_every(max(1, len(texts) // SAMPLE))
    lengths = wordpiece.lengths((without_markup(sample) if markup else sample).to_list())
    if pretrained is None:
        words = max(1, len(words_of(sample, markup=markup).row))
        english = lengths.sum() - 2 * len(lengths) <= ENGLISH * words
        fits = np.median(lengths) <= LONGEST and lengths.mean() * len(texts) <= MOST_TOKENS
        if not (english and fits):
            return 0, 0.0
    longest = int(np.clip(np.percentile(lengths, 99), 8, LONGEST)) if len(lengths) else 8
    return longest, float(np.minimum(lengths, longest).mean()) if len(lengths) else 0.0
