"""How well rows of another kind are told from test rows: what ``novelty`` in the answers is worth.

MNIST's network is shown clothes (Fashion-MNIST), banking77's the messages to clinc150's assistant that are
out of its scope. Neither was looked at when the score was built: that was done on classes left out of
clinc150, Fashion-MNIST, covertype and spoken digits."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from sklearn.metrics import roc_auc_score

import lamina
from lamina.data.conform import conform
from lamina.data.read import read
from lamina.predictions.predict import answer_rows


def _clothes(data: Path) -> Any:
    return data / "images" / "fashion-mnist"


def _out_of_scope(data: Path) -> pl.DataFrame:
    frame = pl.read_csv(data / "text" / "clinc150" / "test.csv.gz")
    return frame.filter(pl.col("intent") == "oos").select("text")


STRANGERS: dict[str, Callable[[Path], Any]] = {"mnist": _clothes, "banking77": _out_of_scope}


def told_apart(
    model: lamina.Model, frame: pl.DataFrame, strangers: Callable[[Path], Any] | None, data: Path
) -> dict[str, float]:
    """``false_alarms``, the share of test rows called unlike the training rows; of ``strangers`` the share
    found, and the AUROC of novelty, beside that of the largest probability."""
    novelty = model.fitted.novelty
    if novelty is None:
        return {}
    own, _, _ = answer_rows(model.fitted, frame)
    assert own.novelty is not None
    found = {"false_alarms": float(novelty.unlike(own.novelty).mean())}
    if strangers is None:
        return found
    others, _ = conform(read(strangers(data), part="test"), model.schema, need_target=False)
    shown, _, _ = answer_rows(model.fitted, others)
    assert shown.novelty is not None
    found["strangers"] = others.height
    found["strangers_found"] = float(novelty.unlike(shown.novelty).mean())
    found["auroc"] = _auroc(own.novelty, shown.novelty)
    found["auroc_softmax"] = _auroc(-own.decoded.max(1), -shown.decoded.max(1))
    return found


def _auroc(own: np.ndarray, strangers: np.ndarray) -> float:
    truth = np.repeat([0, 1], [len(own), len(strangers)])
    return float(roc_auc_score(truth, np.concatenate([own, strangers])))
