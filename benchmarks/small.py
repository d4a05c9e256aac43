"""Small tables: random draws of a set's training rows, all test rows; many fits in one process."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks import measure
from benchmarks.peers.record import Conditions, Peer

SIZES = (200, 500, 1000, 2000)
MOST = 5000  # test rows that are asked for

Row = dict[str, Any]


def run_draws(peer: Peer, chosen: Any, train: Any, test: Any, conditions: Conditions, job: Row) -> Row:
    """``values`` per size: a score per draw, None with the reason in ``reasons`` where the peer failed."""
    from benchmarks.job import as_frame, asked

    train, test = as_frame(train), as_frame(test)
    test = test[np.sort(np.random.default_rng(0).permutation(test.height)[:MOST])]
    question = asked(chosen, train)
    values: dict[str, list[float | None]] = {str(size): [] for size in job["sizes"]}
    seconds: dict[str, list[float]] = {str(size): [] for size in job["sizes"]}
    reasons: list[str] = []
    for size in job["sizes"]:
        for draw in range(job["draws"]):
            rows = drawn(train, size, draw)
            try:
                with measure.clock() as fit:
                    value = _value(peer, rows, test, question, conditions, draw)
            except Exception as error:  # the peer's, whatever it is: it is shown
                value = None
                reasons.append(f"{size} rows, draw {draw}: {type(error).__name__}: {error}"[:300])
            values[str(size)].append(value)
            seconds[str(size)].append(fit["cpu_s"])
    return {"score": chosen.score, "values": values, "cpu_s": seconds, "reasons": reasons}


def drawn(train: pl.DataFrame, size: int, draw: int) -> pl.DataFrame:
    """The same rows for every peer."""
    return train[np.sort(np.random.default_rng([1, size, draw]).permutation(train.height)[:size])]


def _value(
    peer: Peer, rows: pl.DataFrame, test: pl.DataFrame, question: Any, conditions: Conditions, draw: int
) -> float:
    known = question
    if question.classes is not None:
        there = set(rows[question.target].cast(pl.String))
        known = replace(question, classes=tuple(name for name in question.classes if name in there))
    scratch = conditions.scratch / f"{rows.height}-{draw}"
    scratch.mkdir()
    learnt = peer.fit(rows, known, replace(conditions, seed=draw, scratch=Path(scratch)))
    found = learnt.predict(test.drop(question.target))
    if question.classes is not None and len(known.classes) < len(question.classes):
        whole = np.zeros((len(found), len(question.classes)))
        whole[:, [question.classes.index(name) for name in known.classes]] = found
        found = whole
    scores = measure.score(
        found, question.answers(test), classes=len(question.classes or ()), probabilities=learnt.probabilities
    )
    return scores[question.score]
