"""Spoken numbers of three to six digits, joined from recordings of single digits, and their transcripts.

``python -m benchmarks.utterances --data FOLDER`` fits ``Transcribe`` on utterances joined from the training
recordings (index 5 and up) and prints the word and character error rates on utterances joined from the
others (index 0 to 4). An utterance is one speaker's; between its digits lie up to 0.15 seconds of silence.
"""

from __future__ import annotations

import argparse
import io
import time
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.speakers import RATE, fsdd

WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
PAUSE = 0.15  # seconds at most


def utterances(digits: pl.DataFrame, count: int, seed: int) -> pl.DataFrame:
    """``sound`` (a WAV file's bytes) and ``text`` ("seven two one"), ``count`` of them."""
    rng = np.random.default_rng(seed)
    voices = [
        [(_wave(sound), digit) for sound, digit in zip(voice["sound"], voice["digit"], strict=True)]
        for voice in digits.partition_by("speaker", maintain_order=True)
    ]
    rows = [_utterance(voices[rng.integers(len(voices))], rng) for _ in range(count)]
    return pl.DataFrame(rows, schema={"sound": pl.Binary, "text": pl.String}, orient="row")


def _utterance(voice: list[tuple[np.ndarray, int]], rng: np.random.Generator) -> tuple[bytes, str]:
    import soundfile

    said = [voice[k] for k in rng.integers(len(voice), size=rng.integers(3, 7))]
    parts = [
        np.concatenate([wave, np.zeros(rng.integers(int(PAUSE * RATE)), wave.dtype)]) for wave, _ in said
    ]
    file = io.BytesIO()
    soundfile.write(file, np.concatenate(parts), RATE, format="WAV")
    return file.getvalue(), " ".join(WORDS[digit] for _, digit in said)


def _wave(sound: bytes) -> np.ndarray:
    import soundfile

    return soundfile.read(io.BytesIO(sound), dtype="int16")[0]


def main() -> None:
    import lamina

    options = _options()
    frame = fsdd(Path(options.data))
    train = utterances(frame.filter(pl.col("index") >= 5), options.utterances, seed=0)
    test = utterances(frame.filter(pl.col("index") < 5), 300, seed=1)
    begin = time.perf_counter()
    on = lamina.Machine(threads=options.threads)
    model = lamina.fit(train, lamina.Transcribe("text"), quality=options.quality, seed=options.seed, on=on)
    fitted = time.perf_counter()
    evaluation = model.evaluate(test)
    print(f"{'wer':>8}{'cer':>8}{'exact':>8}{'fit s':>8}{'evaluate s':>12}")
    scores = [evaluation.scores[name] for name in ("wer", "cer", "exact")]
    seconds = fitted - begin, time.perf_counter() - fitted
    print("".join(f"{score:>8.4f}" for score in scores) + f"{seconds[0]:>8.1f}{seconds[1]:>12.1f}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.utterances", description=__doc__)
    parser.add_argument("--data", required=True, help="the folder with the data sets")
    parser.add_argument("--quality", default="good", choices=["fast", "good", "best"])
    parser.add_argument("--utterances", type=int, default=1500, help="to train on")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


if __name__ == "__main__":
    main()
