"""The data sets: where each lies in the folder, what is asked, and which rows are the test.

A new set is one entry. Tables without an official split: rows shuffled with numpy's default_rng(0), the first
75 % to train on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.clips import moving_digits
from benchmarks.speakers import official


@dataclass(frozen=True)
class Set:
    """``load`` gives the training source and the test source; ``score`` is the one to look at.

    ``settings`` are those of the fit that are not left to the data.
    """

    name: str
    suite: str
    target: str | None
    score: str
    load: Callable[[Path], tuple[Any, Any]]
    settings: dict[str, Any] = field(default_factory=dict)


def _table(file: str, drop: tuple[str, ...] = ()) -> Callable[[Path], tuple[pl.DataFrame, pl.DataFrame]]:
    def load(data: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
        frame = pl.read_csv(data / "tabular" / file, infer_schema=False).drop(drop)
        order = np.random.default_rng(0).permutation(frame.height)
        cut = int(0.75 * frame.height)
        return frame[order[:cut]], frame[order[cut:]]

    return load


def _same(*parts: str) -> Callable[[Path], tuple[Path, Path]]:
    """A source that is itself divided into a training and a test part."""

    def load(data: Path) -> tuple[Path, Path]:
        return data.joinpath(*parts), data.joinpath(*parts)

    return load


SETS = {
    each.name: each
    for each in (
        Set("adult", "tables", "income", "auroc", lambda data: (
            data / "tabular/adult/train.csv.gz", data / "tabular/adult/test.csv.gz")),
        Set("telco_churn", "tables", "Churn", "auroc", _table("telco_churn.csv.gz")),
        Set("bank_marketing", "tables", "deposit", "auroc", _table("bank_marketing.csv.gz")),
        Set("vehicle_insurance_fraud", "tables", "FraudFound_P", "auroc", _table(
            "vehicle_insurance_fraud.csv.gz")),
        Set("covertype_15k", "tables", "Cover_Type", "accuracy", _table("covertype_15k_balanced.csv.gz")),
        Set("california_housing", "tables", "median_house_value", "rmse", _table(
            "california_housing.csv.gz")),
        Set("diamonds", "tables", "price", "rmse", _table("diamonds.csv.gz")),
        Set("bike_sharing_hour", "tables", "cnt", "rmse", _table(
            "bike_sharing_hour.csv.gz", ("casual", "registered"))),
        Set("mnist", "images", None, "accuracy", _same("images", "mnist")),
        Set("fashion-mnist", "images", None, "accuracy", _same("images", "fashion-mnist")),
        Set("cifar10", "images", None, "accuracy", _same("images", "cifar10.tar.xz")),
        Set("cats_dogs_small", "images", None, "accuracy", _same("images", "cats_dogs_small.zip")),
        Set("fsdd", "audio", "digit", "accuracy", official),
        Set("cats_dogs_scratch", "images", None, "accuracy", _same("images", "cats_dogs_small.zip"),
            {"pretrained": False}),
        Set("moving_digits", "video", "direction", "accuracy", partial(moving_digits, "direction")),
        Set("moving_digits_both", "video", "both", "accuracy", partial(moving_digits, "both")),
    )
}  # fmt: skip
