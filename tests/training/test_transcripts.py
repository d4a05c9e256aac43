"""What is said in a recording, written down by a network trained on others."""

from __future__ import annotations

import io
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

import lamina
from lamina.errors import TargetError, UsageError
from lamina.features.targets.transcript import STRANGE, TranscriptTarget
from lamina.model import Model
from lamina.network.answered import seen_by
from lamina.network.outputs.transcript import Transcript
from lamina.scores.ctc import greedy

needs_audio = pytest.mark.skipif(
    not (find_spec("soundfile") and find_spec("soxr")), reason='recordings need pip install "lamina[audio]"'
)
ON = lamina.Machine(threads=1)
WORDS = {"do": 300.0, "re": 1200.0}


def said(text: str, rng: np.random.Generator) -> bytes:
    """A tone for each word, pauses between them."""
    import soundfile

    parts = []
    for word in text.split():
        hertz = WORDS[word] * (0.95 + 0.1 * rng.random())
        parts += [0.3 * np.sin(2 * np.pi * hertz * np.arange(900) / 8000), np.zeros(rng.integers(400, 700))]
    wave = np.concatenate(parts)
    file = io.BytesIO()
    soundfile.write(file, wave + 0.01 * rng.normal(size=len(wave)), 8000, format="WAV")
    return file.getvalue()


def songs(count: int, seed: int) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    texts = [" ".join(rng.choice([*WORDS], rng.integers(1, 4))) for _ in range(count)]
    return pl.DataFrame({"song": [said(text, rng) for text in texts], "text": texts})


@pytest.fixture(scope="module")
def model() -> Model:
    return lamina.fit(songs(96, 0), lamina.Transcribe("text"), quality="fast", epochs=35, batch=16, on=ON)


@needs_audio
def test_what_is_said_is_written_down(model: Model) -> None:
    new = songs(30, 1)
    evaluation = model.evaluate(new)
    assert evaluation.scores["wer"] <= 0.1
    assert set(evaluation.scores) == {"wer", "cer", "exact"}
    assert evaluation.baseline.keys() == {"most common"}
    assert evaluation.baseline["most common"]["wer"] > 0.5
    answers = model.predict(new.select("song"))
    assert answers.columns == ["predicted_text", "probability"]
    assert (answers["predicted_text"] == new["text"]).mean() == pytest.approx(evaluation.scores["exact"])
    assert answers["probability"].is_between(0, 1.0001).all()


@needs_audio
def test_saved_and_loaded_the_transcripts_are_the_same(model: Model, tmp_path: Path) -> None:
    new = songs(6, 2).select("song")
    again = lamina.load(model.save(tmp_path / "songs.lamina"))
    assert again.predict(new).equals(model.predict(new))
    assert again.fitted.task == lamina.Transcribe("text")
    assert "most common" in str(again)


@needs_audio
def test_what_is_seen_is_the_mean_of_the_moments(model: Model) -> None:
    network = model.fitted.network
    _, (seen,) = seen_by(network, model.fitted.features.transform(songs(4, seed=9)))
    assert (seen.shape,) == tuple((4, width) for width in network.vectors)
    assert np.isfinite(seen).all()


@needs_audio
def test_a_recording_that_cannot_be_read_has_no_transcript(model: Model) -> None:
    with pytest.warns(lamina.LaminaWarning, match="cannot be read"):
        answers = model.predict({"song": [b"noise", songs(1, 3)["song"][0]]})
    assert answers["predicted_text"][0] is None
    assert answers["predicted_text"][1]


@needs_audio
def test_other_inputs_are_refused_with_what_to_do() -> None:
    frame = songs(40, 0).with_columns(length=pl.Series(range(40)) % 7)
    with pytest.raises(UsageError, match="'length': 'ignored'"):
        lamina.fit(frame, lamina.Transcribe("text"), on=ON)
    with pytest.raises(UsageError, match="here are 0"):
        lamina.fit(frame.select("length", "text"), lamina.Transcribe("text"), on=ON)
    with pytest.raises(UsageError, match="hidden"):
        lamina.fit(songs(40, 0), lamina.Transcribe("text"), hidden=(8,), on=ON)
    with pytest.raises(UsageError, match="one column"):
        lamina.fit(frame, lamina.Transcribe(("text", "length")), on=ON)


def test_codes_are_characters_and_strangers_have_one_of_their_own() -> None:
    target = TranscriptTarget.fit(pl.DataFrame({"t": ["ab  a", "b", None]}), "t")
    assert target.symbols == (" ", "a", "b")
    assert target.longest == 4
    codes = target.read(pl.Series(["b a", "", "aXb"]))
    assert codes.tolist() == [[3, 1, 2], [-1, -1, -1], [2, 4, 3]]
    assert [target.text(each) for each in codes] == ["b a", "", f"a{STRANGE}b"]
    assert TranscriptTarget.from_json(target.to_json()) == target


def test_transcripts_without_characters_cannot_be_learnt() -> None:
    with pytest.raises(TargetError, match="no transcript"):
        TranscriptTarget.fit(pl.DataFrame({"t": ["", " "]}), "t")
    with pytest.raises(ValueError, match="single characters"):
        TranscriptTarget.from_json({"column": "t", "symbols": ["ab"], "longest": 3})


def test_the_most_common_transcript_is_the_baseline() -> None:
    target = TranscriptTarget.fit(pl.DataFrame({"t": ["a", "ba", "ba"]}), "t")
    constant = target.constant(target.read(pl.Series(["a", "ba", "ba"])))
    assert target.text(constant[1:]) == "ba"
    assert np.exp(constant[0]) == pytest.approx(2 / 3)
    assert constant.shape == (target.width,)


def layer(frames: int = 7, members: int = 2) -> Transcript:
    torch.manual_seed(0)
    return Transcript(frames * 5, 4, members, spec={"symbols": ["a", "b", "c"], "frames": frames})


def test_the_loss_is_that_of_every_member_and_falls_with_the_right_answer() -> None:
    built, hidden = layer(), torch.randn(2, 3, 35)
    answers = torch.tensor([[1, 2, -1], [3, -1, -1], [-1, -1, -1]])
    losses = built.losses(built(hidden), answers)
    assert losses.shape == (2, 3)
    alone = torch.nn.functional.ctc_loss(
        built(hidden)[1, 0].view(7, 1, 4).log_softmax(-1),
        answers[:1, :2],
        torch.tensor([7]),
        torch.tensor([2]),
    )
    assert losses[1, 0].item() == pytest.approx(alone.item(), rel=1e-4)
    losses.mean().backward()
    assert built.weight.grad is not None
    assert built.weight.grad.any()


def test_frames_after_the_end_are_blank() -> None:
    built, hidden = layer(), torch.randn(2, 1, 35)
    hidden[:, :, 15:] = 0
    scores = built(hidden).view(2, 7, 4)
    assert (scores[:, 3:].argmax(-1) == 0).all()
    assert scores[:, 3:].softmax(-1)[..., 0].min() > 0.999


def test_quick_and_thorough_answers_are_written_alike() -> None:
    built, hidden = layer(members=1), 5 * torch.randn(1, 4, 35)
    scores = built(hidden)
    quick, thorough = built.decode(scores), built.answer(scores)
    assert quick.shape == thorough.shape == (4, 8)
    first = scores[0, 0].view(7, 4).detach().numpy()
    codes = quick[0, 1:]
    assert codes[codes > 0].int().tolist() == greedy(first)
    assert (thorough[:, 0] <= 1e-4).all()
