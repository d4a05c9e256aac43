"""What frames spell, against all alignments counted one by one; and how wrong a transcript is."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from lamina.scores import ctc
from lamina.scores.ctc import beam_search, greedy
from lamina.scores.transcripts import edits, error_rate, transcript_scores, word_error_rate


def frames(time: int, symbols: int, seed: int) -> np.ndarray:
    raw = 1.5 * np.random.default_rng(seed).normal(size=(time, symbols))
    return raw - np.log(np.exp(raw).sum(1, keepdims=True))


def every_transcript(logs: np.ndarray) -> dict[tuple[int, ...], float]:
    """Transcript → probability, by going through every path."""
    found: dict[tuple[int, ...], float] = {}
    for path in itertools.product(range(logs.shape[1]), repeat=len(logs)):
        kept = tuple(code for code, _ in itertools.groupby(path) if code)
        share = float(np.exp(sum(logs[time, code] for time, code in enumerate(path))))
        found[kept] = found.get(kept, 0.0) + share
    return found


@pytest.mark.parametrize("seed", range(8))
def test_a_wide_beam_finds_the_most_probable_transcript(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctc, "UNLIKELY", -np.inf)
    logs = frames(6, 3, seed)
    truth = every_transcript(logs)
    codes, log = beam_search(logs, width=1000)
    best = max(truth, key=lambda each: truth[each])
    assert tuple(codes) == best
    assert np.exp(log) == pytest.approx(truth[best])


def test_its_probability_is_what_the_loss_says() -> None:
    logs = frames(12, 4, 0)
    codes, log = beam_search(logs, width=500)
    loss = torch.nn.functional.ctc_loss(
        torch.from_numpy(logs)[:, None], torch.tensor([codes]), torch.tensor([12]),
        torch.tensor([len(codes)]), reduction="sum",
    )  # fmt: skip
    assert log == pytest.approx(-float(loss), abs=1e-3)


def test_the_beam_beats_the_best_path_where_many_paths_agree() -> None:
    # the blank is the best single symbol of both frames; together more paths spell "1"
    logs = np.log(np.array([[0.6, 0.4], [0.6, 0.4]]))
    assert greedy(logs) == []
    assert beam_search(logs) == ([1], pytest.approx(np.log(0.64)))


def test_repeats_need_a_blank_between() -> None:
    sure = np.full((5, 3), -20.0)
    sure[np.arange(5), [1, 1, 0, 1, 2]] = 0.0
    assert greedy(sure) == [1, 1, 2]
    assert beam_search(sure)[0] == [1, 1, 2]


@pytest.mark.parametrize(
    ("told", "came", "wanted"),
    [
        ("", "", 0),
        ("", "abc", 3),
        ("abc", "", 3),
        ("kitten", "sitting", 3),
        ("ab", "ba", 2),
        ("abc", "abc", 0),
    ],
)
def test_edits(told: str, came: str, wanted: int) -> None:
    assert edits(told, came) == wanted


def test_rates() -> None:
    assert word_error_rate(["one two", "six"], ["one three", "six"]) == pytest.approx(1 / 3)
    assert error_rate(["abcd"], ["ab"]) == 1.0
    assert error_rate([""], [""]) == 0.0
    scores = transcript_scores(["one", "two"], ["one", "too"])
    assert scores == {"wer": 0.5, "cer": pytest.approx(1 / 6), "exact": 0.5}
