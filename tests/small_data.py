"""Small raw data with something to learn in it, and the files that hold it."""

from __future__ import annotations

import struct
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl

PLANS = ("basic", "plus", "pro")
CITIES = ("Bern", "Graz", "Köln", "Lille", "Porto")


def churn_table(rows: int = 600, seed: int = 0) -> pl.DataFrame:
    """Customers who leave when they are new, pay much, and have the basic plan."""
    rng = np.random.default_rng(seed)
    months, charge = rng.integers(1, 73, rows), rng.normal(60, 20, rows).clip(10, 120).round(2)
    plan = rng.choice(PLANS, rows, p=(0.5, 0.3, 0.2))
    days = rng.integers(0, 2000, rows)
    leaning = 1.5 - 0.08 * months + 0.03 * (charge - 60) + np.where(plan == "basic", 1.2, -0.6)
    leaves = rng.random(rows) < 1 / (1 + np.exp(-2 * leaning))
    return pl.DataFrame(
        {
            "customer": [f"C{seed}{n:06d}" for n in range(rows)],
            "months": months,
            "plan": plan,
            "charge": charge,
            "joined": [date(2018, 1, 1) + timedelta(days=int(each)) for each in days],
            "city": rng.choice(CITIES, rows),
            "churned": np.where(leaves, "yes", "no"),
        }
    )


def month(number: int, rows: int = 1500) -> pl.DataFrame:
    """Customers of a month; from month to month those of one more city all leave: there is something to learn
    that any processor's sums show."""
    leaving = pl.col("city").is_in(CITIES[1 : number + 1])
    churned = pl.when(leaving).then(pl.lit("yes")).otherwise("churned")
    return churn_table(rows, seed=number).with_columns(churned=churned)


def write_churn(folder: Path) -> Path:
    """``churn.csv`` to learn from, ``test.csv`` to judge by, ``new.csv`` without the answer."""
    churn_table(600, seed=0).write_csv(folder / "churn.csv")
    churn_table(200, seed=1).write_csv(folder / "test.csv")
    churn_table(50, seed=2).drop("churned").write_csv(folder / "new.csv")
    return folder


def digit_pictures(count: int = 300) -> tuple[np.ndarray, np.ndarray]:
    """Handwritten digits, uint8 ``(count, 8, 8)``, and which they are."""
    from sklearn.datasets import load_digits

    pictures, digits = load_digits(return_X_y=True)
    return (pictures[:count].reshape(-1, 8, 8) * (255 / 16)).astype(np.uint8), digits[:count]


def write_digits(folder: Path, count: int = 300, start: int = 0) -> Path:
    """Digits as ``<digit>/<number>.png``."""
    from PIL import Image

    pictures, digits = digit_pictures(start + count)
    for number in range(start, start + count):
        place = folder / str(digits[number])
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pictures[number]).save(place / f"{number:04d}.png")
    return folder


def write_idx(folder: Path, train: int = 200, test: int = 50) -> Path:
    """Digits as the four files in the format of MNIST."""
    folder.mkdir(parents=True, exist_ok=True)
    pictures, digits = digit_pictures(train + test)
    for name, rows in (("train", slice(0, train)), ("t10k", slice(train, train + test))):
        for what, values in (("images-idx3", pictures[rows]), ("labels-idx1", digits[rows])):
            head = struct.pack(f">BBBB{values.ndim}I", 0, 0, 8, values.ndim, *values.shape)
            (folder / f"{name}-{what}-ubyte").write_bytes(head + values.astype(np.uint8).tobytes())
    return folder


# Fits that are quick, far from good, and judged on many rows: what comes later is soon proved better
BEGINNER = {
    "quality": "fast", "hidden": (8,), "members": 1, "epochs": 1, "refit": False, "validation": 0.5,
}  # fmt: skip

# What a gate lets through that shall not be the subject of a test
EASY = {"level": 0.4, "margin": 0.9}
STRICT = {"level": 1e-100, "relation": "hold"}  # and what it never does
