"""The data of the demo: what scikit-learn bundles, written as the files a company would have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

SHADES = " ░▒▓█"


def write_digits(folder: Path, held_out: int) -> None:
    """1,797 pictures of 8 × 8 pixels as ``train|test/<digit>/<number>.png``."""
    from PIL import Image
    from sklearn.datasets import load_digits

    pictures, digits = load_digits(return_X_y=True)
    for number, (picture, digit) in enumerate(zip(pictures, digits, strict=True)):
        part = "test" if number % held_out == 0 else "train"
        place = folder / part / str(digit)
        place.mkdir(parents=True, exist_ok=True)
        pixels = (picture.reshape(8, 8) * (255 / 16)).astype(np.uint8)
        Image.fromarray(pixels).save(place / f"{number:04d}.png")


def write_table(folder: Path, held_out: int) -> tuple[Path, Path]:
    """569 patients, 30 measurements, the diagnosis in words; train and test as CSV files."""
    from sklearn.datasets import load_breast_cancer

    data = load_breast_cancer(as_frame=True)
    words = np.array([str(name) for name in data.target_names])[data.target.to_numpy()]
    columns = {name: data.data[name].to_numpy() for name in data.data.columns}
    frame = pl.DataFrame({**columns, "diagnosis": words})
    test = pl.Series(np.arange(frame.height) % held_out == 0)
    paths = folder / "patients.csv", folder / "patients-test.csv"
    for path, rows in zip(paths, (frame.filter(~test), frame.filter(test)), strict=True):
        rows.write_csv(path)
    return paths


def show(folder: Path, model: Any, count: int = 6) -> None:
    """Prints a few pictures of the folder side by side, with the answers under them."""
    from PIL import Image

    paths = sorted(folder.glob("*/*.png"))[:: max(1, len(list(folder.glob("*/*.png"))) // count)]
    paths = paths[:count]
    answers = model.predict({"image": [str(path.resolve()) for path in paths]})
    pictures = [np.asarray(Image.open(path)) for path in paths]
    for line in range(pictures[0].shape[0]):
        print("   ".join("".join(_shade(value) for value in each[line]) for each in pictures))
    predicted = next(iter(answers.values()))
    words = (f"{digit} ({share:.0%})" for digit, share in zip(predicted, answers["probability"], strict=True))
    print("   ".join(f"{each:<16}" for each in words) + "\n")


def _shade(value: int) -> str:
    return SHADES[min(int(value) * len(SHADES) // 256, len(SHADES) - 1)] * 2
