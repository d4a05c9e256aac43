"""Spoken digits from a speaker who was never heard: each of the six left out once, beside an MFCC and SVC.

``python -m benchmarks.speakers --data FOLDER`` prints the accuracy on every speaker's recordings, of a
network fitted on the other five and of a support vector machine on the means and deviations of 20 MFCCs.
"""

from __future__ import annotations

import argparse
import io
import time
import zipfile
from pathlib import Path

import numpy as np
import polars as pl

RATE, WINDOW, HOP, SIZE, BANDS, KEPT = 8000, 200, 80, 256, 40, 20


def fsdd(data: Path) -> pl.DataFrame:
    """All recordings: ``sound`` (bytes), ``digit``, ``speaker``, ``index``."""
    with zipfile.ZipFile(data / "audio" / "fsdd_recordings.zip") as file:
        names = sorted(name for name in file.namelist() if name.endswith(".wav"))
        parts = [name.rsplit("/", 1)[-1].removesuffix(".wav").split("_") for name in names]
        return pl.DataFrame(
            {
                "sound": [file.read(name) for name in names],
                "digit": [int(digit) for digit, _, _ in parts],
                "speaker": [speaker for _, speaker, _ in parts],
                "index": [int(index) for _, _, index in parts],
            }
        )


def official(data: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The split its makers name: index 0 to 4 is the test."""
    frame = fsdd(data)
    test = pl.col("index") < 5
    return frame.filter(~test).select("sound", "digit"), frame.filter(test).select("sound", "digit")


def mfcc(sound: bytes) -> np.ndarray:
    """Mean and deviation of each coefficient, ``(2 × KEPT,)``."""
    import soundfile

    wave, _ = soundfile.read(io.BytesIO(sound), dtype="float64")
    wave = np.pad(wave, (0, max(0, WINDOW - len(wave))))
    frames = np.lib.stride_tricks.sliding_window_view(wave, WINDOW)[::HOP] * np.hamming(WINDOW)
    power = np.abs(np.fft.rfft(frames, SIZE)) ** 2
    logs = np.log(power @ _filters() + 1e-10)
    n = np.arange(BANDS)
    cosines = np.cos(np.pi * np.outer(n + 0.5, np.arange(KEPT)) / BANDS)
    coefficients = logs @ cosines
    return np.concatenate([coefficients.mean(0), coefficients.std(0)])


def _filters() -> np.ndarray:
    mel = np.linspace(0, 2595 * np.log10(1 + RATE / 2 / 700), BANDS + 2)
    edges = 700 * (10 ** (mel / 2595) - 1)
    bins = np.arange(SIZE // 2 + 1)[:, None] * RATE / SIZE
    up = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    down = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    return np.maximum(0, np.minimum(up, down))


def main() -> None:
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    import lamina

    options = _options()
    frame = fsdd(Path(options.data))
    coefficients = np.stack([mfcc(sound) for sound in frame["sound"]])
    digits, speakers = frame["digit"].to_numpy(), frame["speaker"].to_numpy()
    on = lamina.Machine(threads=options.threads)
    print(f"{'left out':<12}{'network':>10}{'SVC':>10}{'fit s':>9}")
    scores = []
    for speaker in sorted(set(speakers)):
        out = speakers == speaker
        svc = make_pipeline(StandardScaler(), SVC(C=10)).fit(coefficients[~out], digits[~out])
        begin = time.perf_counter()
        task = lamina.Predict(target="digit", answer="classes")
        learnt = frame.filter(pl.Series(~out)).select("sound", "digit")
        model = lamina.fit(learnt, task, quality=options.quality, seed=options.seed, on=on)
        seconds = time.perf_counter() - begin
        answers = model.predict(frame.filter(pl.Series(out)).select("sound"))["predicted_digit"].to_numpy()
        scores.append((np.mean(answers == digits[out]), svc.score(coefficients[out], digits[out])))
        print(f"{speaker:<12}{scores[-1][0]:>10.4f}{scores[-1][1]:>10.4f}{seconds:>9.1f}", flush=True)
    print(f"{'mean':<12}{np.mean(scores, 0)[0]:>10.4f}{np.mean(scores, 0)[1]:>10.4f}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speakers", description=__doc__)
    parser.add_argument("--data", required=True, help="the folder with the data sets")
    parser.add_argument("--quality", default="good", choices=["fast", "good", "best"])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


if __name__ == "__main__":
    main()
