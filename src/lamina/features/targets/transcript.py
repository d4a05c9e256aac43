"""A target that is what was said: a text, spelt out of a recording."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl

from lamina.errors import TargetError
from lamina.features.targets.base import Target
from lamina.features.targets.told import Column, Numbers, Told
from lamina.scores.ctc import spelt
from lamina.scores.ranking import Scores
from lamina.scores.transcripts import transcript_scores

STRANGE = "\ufffd"  # a character that training never saw
MOST_SYMBOLS = 2_000
END = -1  # the code after a transcript's last character


@dataclass(frozen=True)
class TranscriptTarget(Target):
    """Transcripts ↔ codes of their characters, 1, 2, 3, …, in the order of ``symbols``; 0 is CTC's blank.

    Case and punctuation stay as they are written; blanks in a row count as one. Answers are int64
    ``(rows, longest)``, ``END`` after the last character. Decoded are float32 ``(rows, 1 + most)``: the
    natural log of the transcript's probability, then its codes, ``END`` after the last. ``longest`` is how
    many characters the longest training transcript has.
    """

    column: str
    symbols: tuple[str, ...]
    longest: int

    answer: ClassVar[str] = "transcript"
    simplest: ClassVar[str] = "most common"
    frames: ClassVar[bool] = True

    @classmethod
    def fit(cls, frame: pl.DataFrame, column: str, form: Mapping[str, Any] | None = None) -> Self:
        texts = [_plain(each) for each in frame[column].drop_nulls().cast(pl.String)]
        symbols = sorted(set("".join(texts)))
        if not symbols:
            raise TargetError(
                f"The target {column!r} holds no transcript in any row.",
                "Fill it with what is said in the recordings, or name another target.",
                column=column,
            )
        if len(symbols) > MOST_SYMBOLS:
            raise TargetError(
                f"The target {column!r} is written in {len(symbols):,} different characters; "
                f"{MOST_SYMBOLS:,} are the most that can be told apart.",
                "Check that the column holds transcripts.",
                column=column,
                symbols=len(symbols),
            )
        return cls(column, tuple(symbols), max(map(len, texts)))

    def read(self, series: pl.Series) -> np.ndarray:
        """int64 ``(rows, longest)``; a character never seen has the first code that no symbol has."""
        code = {symbol: k for k, symbol in enumerate(self.symbols, 1)}
        strange = len(self.symbols) + 1
        texts = ["" if each is None else _plain(each) for each in series.cast(pl.String)]
        answers = np.full((len(texts), max(map(len, texts), default=0)), END, np.int64)
        for row, text in enumerate(texts):
            answers[row, : len(text)] = [code.get(each, strange) for each in text]
        return answers

    def text(self, codes: np.ndarray) -> str:
        """The characters of one row's codes."""
        alphabet = ("", *self.symbols, STRANGE)
        return "".join(alphabet[int(code)] for code in codes[codes > 0])

    @property
    def scores(self) -> int:
        """Of every frame: the blank and each character."""
        return 1 + len(self.symbols)

    @property
    def width(self) -> int:
        """Of ``constant``; what the network decodes has room for as many characters as there are frames."""
        return 1 + self.longest

    def spec(self) -> dict[str, Any]:
        return {"symbols": list(self.symbols)}

    def constant(self, answers: np.ndarray) -> np.ndarray:
        """The most common transcript, and how common it is."""
        (codes, count), *_ = Counter(tuple(row[row > 0].tolist()) for row in answers).most_common(1)
        constant = np.full(self.width, END, np.float32)
        constant[0] = np.log(count / len(answers))
        constant[1 : 1 + len(codes)] = codes
        return constant

    def loss_of_constant(self, answers: np.ndarray) -> float:
        """Of characters that are guessed by how often they occur."""
        shares = np.bincount(answers[answers > 0]) / max(1, (answers > 0).sum())
        return float(-(shares * np.log(np.where(shares > 0, shares, 1))).sum())

    def judge(self, decoded: np.ndarray, answers: np.ndarray) -> Scores:
        """``wer``, ``cer`` and ``exact``."""
        told = [self.text(row) for row in decoded[:, 1:]]
        return transcript_scores(told, [self.text(row) for row in answers])

    def error(self, decoded: np.ndarray, answers: np.ndarray) -> float:
        return self.judge(decoded, answers)["cer"]

    def written(self, told: np.ndarray) -> np.ndarray:
        """Log probabilities ``(rows, frame, symbol)`` → the most probable transcripts."""
        return spelt(told)

    def told(
        self,
        decoded: np.ndarray,
        answered: np.ndarray,
        *,
        probabilities: bool | None = None,
        several: bool = False,
    ) -> list[Told]:
        """``predicted_<target>`` and the ``probability`` of that transcript."""
        texts = [
            self.text(row) if known else None for row, known in zip(decoded[:, 1:], answered, strict=True)
        ]
        name = f"probability_{self.column}" if several else "probability"
        return [
            Column(pl.Series(f"predicted_{self.column}", texts, dtype=pl.String)),
            Numbers(name, np.exp(decoded[:, 0]), answered),
        ]

    def describe(self) -> str:
        return f"{self.column!r}, what is said, in {len(self.symbols)} different characters"

    def to_json(self) -> dict[str, Any]:
        return {
            "answer": self.answer,
            "column": self.column,
            "symbols": list(self.symbols),
            "longest": self.longest,
        }

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> Self:
        symbols = tuple(state["symbols"])
        if not symbols or len(set(symbols)) != len(symbols) or any(len(each) != 1 for each in symbols):
            raise ValueError("symbols are single characters, each once")
        return cls(str(state["column"]), symbols, int(state["longest"]))


def _plain(text: str) -> str:
    """Blanks of any kind and number as one."""
    return " ".join(text.split())
