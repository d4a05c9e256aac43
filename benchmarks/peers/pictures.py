"""Digits: the plain PyTorch script's network, and scikit-learn's on pixels. Both read the idx files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.peers.record import Conditions, Learnt, Question, pickled

PASSES = 5


def torch_cnn(source: Path, question: Question, conditions: Conditions) -> Learnt:
    import torch

    from benchmarks.mnist_script import normalised, pixels, scores, train

    torch.set_num_threads(conditions.threads)
    x, y = pixels(source, "train")
    net = train(x, y, PASSES, conditions.seed, lambda number, net: False)

    def predict(rows: pl.DataFrame) -> np.ndarray:
        return scores(net, normalised(_pictures(rows).reshape(-1, 1, 28, 28))).exp().numpy()

    def save(folder: Path) -> None:
        torch.save(net.state_dict(), folder / "model.pt")

    return Learnt(predict, save, told={"passes": PASSES})


def sklearn_mlp(source: Path, question: Question, conditions: Conditions) -> Learnt:
    from sklearn.neural_network import MLPClassifier

    from benchmarks.mnist_script import pixels

    x, y = pixels(source, "train")
    model = MLPClassifier(max_iter=30, random_state=conditions.seed).fit(x.flatten(1).numpy(), y.numpy())

    def predict(rows: pl.DataFrame) -> np.ndarray:
        return model.predict_proba((_pictures(rows) / 255 - 0.1307) / 0.3081)

    return Learnt(predict, pickled(model))


def _pictures(rows: pl.DataFrame) -> np.ndarray:
    return rows["image"].to_numpy().reshape(rows.height, -1)
