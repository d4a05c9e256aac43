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

    ``settings`` are those of Lamina's fit that are not left to the data. ``spared`` are columns that a peer
    is spared (numbers of rows, leaks), as an engineer would; Lamina gets them and has to find out. ``raw``:
    the training source is a folder that a peer reads itself.
    """

    name: str
    suite: str
    target: str | None
    score: str
    load: Callable[[Path], tuple[Any, Any]]
    settings: dict[str, Any] = field(default_factory=dict)
    spared: tuple[str, ...] = ()
    raw: bool = False


def _table(file: str, drop: tuple[str, ...] = ()) -> Callable[[Path], tuple[pl.DataFrame, pl.DataFrame]]:
    def load(data: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
        frame = pl.read_csv(data / "tabular" / file, infer_schema=False).drop(drop)
        order = np.random.default_rng(0).permutation(frame.height)
        cut = int(0.75 * frame.height)
        return frame[order[:cut]], frame[order[cut:]]

    return load


def _texts(folder: str, ending: str, drop: tuple[str, ...] = ()) -> Callable[[Path], tuple[Any, Any]]:
    """The official training and test rows of a folder."""

    def load(data: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
        read = pl.read_parquet if ending == "parquet" else pl.read_csv
        train, test = (read(data / "text" / folder / f"{part}.{ending}") for part in ("train", "test"))
        return train.drop(drop), test.drop(drop)

    return load


def _in_scope(data: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """clinc150: trained with the rows out of scope, judged on those in scope."""
    train, test = _texts("clinc150", "csv.gz")(data)
    return train, test.filter(pl.col("intent") != "oos")


def _messages(data: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """sms_spam: every message once; the spam is what to find."""
    frame = pl.read_csv(data / "text" / "sms_spam.csv.gz").unique("message", maintain_order=True)
    order = np.random.default_rng(0).permutation(frame.height)
    cut = int(0.75 * frame.height)
    return frame[order[:cut]], frame[order[cut:]]


def _mixed(file: str) -> Callable[[Path], tuple[pl.DataFrame, pl.DataFrame]]:
    def load(data: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
        frame = pl.read_csv(data / "mixed" / file, infer_schema=False)
        order = np.random.default_rng(0).permutation(frame.height)
        cut = int(0.75 * frame.height)
        return frame[order[:cut]], frame[order[cut:]]

    return load


def _pictures(*parts: str) -> Callable[[Path], tuple[Path, pl.DataFrame]]:
    """A source that is itself divided into a training and a test part; the test part is read."""

    def load(data: Path) -> tuple[Path, pl.DataFrame]:
        from lamina.data.read import read

        source = data.joinpath(*parts)
        return source, read(source, part="test").frame

    return load


SETS = {
    each.name: each
    for each in (
        Set("adult", "tables", "income", "auroc", lambda data: (
            data / "tabular/adult/train.csv.gz", data / "tabular/adult/test.csv.gz")),
        Set("telco_churn", "tables", "Churn", "auroc", _table("telco_churn.csv.gz"), spared=("customerID",)),
        Set("bank_marketing", "tables", "deposit", "auroc", _table("bank_marketing.csv.gz")),
        Set("vehicle_insurance_fraud", "tables", "FraudFound_P", "auroc", _table(
            "vehicle_insurance_fraud.csv.gz"), spared=("PolicyNumber",)),
        Set("covertype_15k", "tables", "Cover_Type", "accuracy", _table("covertype_15k_balanced.csv.gz"),
            spared=("Id",)),
        Set("california_housing", "tables", "median_house_value", "rmse", _table(
            "california_housing.csv.gz")),
        Set("diamonds", "tables", "price", "rmse", _table("diamonds.csv.gz")),
        Set("bike_sharing_hour", "tables", "cnt", "rmse", _table(
            "bike_sharing_hour.csv.gz", ("casual", "registered"))),
        Set("mnist", "images", None, "accuracy", _pictures("images", "mnist"), raw=True),
        Set("fashion-mnist", "images", None, "accuracy", _pictures("images", "fashion-mnist"), raw=True),
        Set("cifar10", "images", None, "accuracy", _pictures("images", "cifar10.tar.xz"), raw=True),
        Set("cats_dogs_small", "images", None, "accuracy", _pictures("images", "cats_dogs_small.zip"),
            raw=True),
        Set("banking77", "text", "category", "accuracy", _texts("banking77", "csv.gz")),
        Set("clinc150", "text", "intent", "accuracy", _in_scope),
        Set("sst2", "text", "label", "accuracy", _texts("sst2", "csv.gz")),
        Set("20newsgroups", "text", "newsgroup", "accuracy", _texts("20newsgroups", "parquet", ("doc_id",))),
        Set("sms_spam", "text", "label", "f1", _messages),
        # its columns that tell the answer stay in: the doctor has to find them
        Set("airline_tweets", "mixed", "airline_sentiment", "accuracy", _mixed("airline_tweets.csv.gz"),
            spared=("negativereason", "negativereason_confidence", "airline_sentiment_confidence",
                    "airline_sentiment_gold", "negativereason_gold")),
        Set("wine_reviews", "mixed", "points", "rmse", _mixed("wine_reviews.csv.gz")),
        Set("fsdd", "audio", "digit", "accuracy", official),
        Set("cats_dogs_scratch", "images", None, "accuracy", _pictures("images", "cats_dogs_small.zip"),
            {"pretrained": False}, raw=True),
        Set("moving_digits", "video", "direction", "accuracy", partial(moving_digits, "direction")),
        Set("moving_digits_both", "video", "both", "accuracy", partial(moving_digits, "both")),
    )
}  # fmt: skip
