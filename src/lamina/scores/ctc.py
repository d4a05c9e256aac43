"""Symbols out of frames: what a network that scores every frame has said (CTC, Graves et al. 2006).

Every frame gives one symbol or the blank; neighbours that are the same count once and blanks are left out, so
"–ss–eev––en" reads "seven". Code 0 is the blank, the symbols are 1, 2, 3, …
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

BLANK = 0
END = -1.0  # stands after a transcript's last code
BEAM = 16  # prefixes that are followed at a time
UNLIKELY = -7.0  # log probability below which a symbol is not tried in a frame


def greedy(frames: np.ndarray) -> list[int]:
    """The most probable symbol of every frame, ``(time, symbol)`` → codes.

    >>> greedy(np.log(np.array([[0.1, 0.9], [0.2, 0.8], [0.9, 0.1], [0.3, 0.7]])))
    [1, 1]
    """
    best = frames.argmax(1)
    new = np.concatenate([[True], best[1:] != best[:-1]])
    return [int(code) for code in best[new & (best != BLANK)]]


def beam_search(frames: np.ndarray, width: int = BEAM) -> tuple[list[int], float]:
    """The most probable transcript and its log probability, over all the ways in which frames can spell it.

    Prefix beam search (Hannun et al. 2014): ``frames`` are log probabilities ``(time, symbol)``; for every
    prefix the probability is kept apart by whether its last frame was blank, because only then may the same
    symbol follow as a second one.
    """
    beams: dict[tuple[int, ...], tuple[float, float]] = {(): (0.0, -np.inf)}
    for frame in frames.astype(np.float64):
        tried = [int(code) for code in np.flatnonzero(frame > UNLIKELY) if code != BLANK]
        beams = _best(_step(beams, frame, tried), width)
    prefix = max(beams, key=lambda each: np.logaddexp(*beams[each]))
    return list(prefix), float(np.logaddexp(*beams[prefix]))


def spelt(frames: np.ndarray) -> np.ndarray:
    """Decoded transcripts by beam search: ``(rows, time, symbol)`` → float32 ``(rows, 1 + time)``, the log
    probability, then the codes, ``END`` after the last.

    >>> spelt(np.log(np.array([[[0.1, 0.9], [0.2, 0.8], [0.9, 0.1], [0.3, 0.7]]])))[0, 1:]
    array([ 1.,  1., -1., -1.], dtype=float32)
    """
    return codes_of([beam_search(each) for each in frames], frames.shape[1])


def codes_of(found: Sequence[tuple[list[int], float]], most: int) -> np.ndarray:
    """Transcripts and their log probabilities as rows of ``1 + most`` numbers, as ``spelt`` gives them."""
    decoded = np.full((len(found), 1 + most), END, np.float32)
    for row, (codes, log) in enumerate(found):
        decoded[row, 0] = log
        decoded[row, 1 : 1 + len(codes)] = codes
    return decoded


def _step(
    beams: dict[tuple[int, ...], tuple[float, float]], frame: np.ndarray, tried: list[int]
) -> dict[tuple[int, ...], tuple[float, float]]:
    """Every prefix after one more frame: (log probability that it ended in a blank, in its last symbol)."""
    grown: dict[tuple[int, ...], tuple[float, float]] = {}

    def add(prefix: tuple[int, ...], blank: float, symbol: float) -> None:
        old = grown.get(prefix, (-np.inf, -np.inf))
        grown[prefix] = (_plus(old[0], blank), _plus(old[1], symbol))

    for prefix, (blank, symbol) in beams.items():
        both = _plus(blank, symbol)
        again = symbol + frame[prefix[-1]] if prefix else -np.inf
        add(prefix, both + frame[BLANK], again)
        for code in tried:
            before = blank if prefix and prefix[-1] == code else both
            add((*prefix, code), -np.inf, before + frame[code])
    return grown


def _best(
    beams: dict[tuple[int, ...], tuple[float, float]], width: int
) -> dict[tuple[int, ...], tuple[float, float]]:
    if len(beams) <= width:
        return beams
    ranked = sorted(beams.items(), key=lambda each: -_plus(*each[1]))
    return dict(ranked[:width])


def _plus(one: float, two: float) -> float:
    """``log(exp(one) + exp(two))``, in plain floats: numpy's would cost most of the search."""
    high, low = (one, two) if one > two else (two, one)
    return high if low == -np.inf else high + math.log1p(math.exp(low - high))
