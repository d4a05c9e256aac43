"""One set, one peer, one seed, in a process of its own: ``python -m benchmarks.job FILE``.

The file is JSON and says what to do; the results are written beside it, as ``FILE.result``.
"""

from __future__ import annotations

import importlib
import json
import sys
import tempfile
import time
import traceback
import warnings
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks import measure
from benchmarks.peers import PEERS
from benchmarks.peers.record import Conditions, Learnt, Peer, Question
from benchmarks.sets import SETS, Set

Row = dict[str, Any]


def main() -> None:
    warnings.simplefilter("ignore")
    path = Path(sys.argv[1])
    row = run(json.loads(path.read_text(encoding="utf-8")))
    Path(f"{path}.result").write_text(json.dumps(row), encoding="utf-8")


def run(job: Row) -> Row:
    """What was measured, or ``absent`` or ``failed`` with the reason."""
    try:
        return measured(job)
    except Exception as error:  # whatever a peer raises is shown in its place
        traceback.print_exc()
        return {"failed": " ".join(f"{type(error).__name__}: {error}".split())[:300]}


def measured(job: Row) -> Row:
    peer, chosen = PEERS[job["peer"]], SETS[job["set"]]
    missing = load(peer)
    if missing:
        return {"absent": missing}
    train, test = chosen.load(Path(job["data"]))
    told: Row = {"version": found_version(peer.package)}
    with tempfile.TemporaryDirectory() as scratch:
        conditions = Conditions(
            job["seed"], job["threads"], Path(scratch), job.get("time_limit"), job.get("device", "cpu")
        )
        if "draws" in job:
            from benchmarks.small import run_draws

            return told | run_draws(peer, chosen, train, test, conditions, job)
        return told | run_one(peer, chosen, train, test, conditions)


def load(peer: Peer) -> str:
    """Imports what the peer needs, so that the clock does not count it; says what is missing."""
    for name in peer.modules:
        try:
            importlib.import_module(name)
        except ImportError as error:
            return f"{name} cannot be imported: {error}"
    return ""


def found_version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "?"


def run_one(peer: Peer, chosen: Set, train: Any, test: Any, conditions: Conditions) -> Row:
    """Fits on the source, asks for every test row, then for one at a time."""
    source = train if chosen.raw else as_frame(train)
    rows = as_frame(test)
    question = asked(chosen, as_frame(train) if not chosen.raw else rows)
    with measure.clock() as fit:
        learnt = peer.fit(source, question, conditions)
    unanswered = rows.drop(question.target)
    with measure.clock() as first:
        found = learnt.predict(unanswered)
    again = measure.seconds_again(lambda: learnt.predict(unanswered), first=first["s"])
    answers = question.answers(rows)
    return {
        "score": chosen.score,
        "scores": measure.score(
            found, answers, classes=len(question.classes or ()), probabilities=learnt.probabilities
        ),
        "fit_s": fit["s"], "fit_cpu_s": fit["cpu_s"], "others": fit["others"],
        "predict_s": again, "rows_per_s": rows.height / again, "peak_mb": measure.peak_mb(),
        "rows": rows.height, "time_limit": conditions.time_limit, **learnt.told,
        **after_saving(learnt, unanswered),
    }  # fmt: skip


def after_saving(learnt: Learnt, rows: pl.DataFrame) -> Row:
    """Megabytes on disk, and milliseconds for one row."""
    some = rows[:205]
    with tempfile.TemporaryDirectory() as folder:
        learnt.save(Path(folder))
        size = measure.megabytes(Path(folder))
        begin = time.perf_counter()
        if learnt.loaded is None:
            singles = [some[place] for place in range(some.height)]
            return {"model_mb": size, "one_row_ms": measure.one_by_one(learnt.predict, singles)}
        one = learnt.loaded(Path(folder))
        loading = time.perf_counter() - begin
        return {"model_mb": size, "load_s": loading, "one_row_ms": measure.one_by_one(one, some.to_dicts())}


def as_frame(source: Any) -> pl.DataFrame:
    """A file of rows as words, as it stands there; a frame as it is."""
    if isinstance(source, pl.DataFrame):
        return source
    return pl.read_csv(source, infer_schema=False)


def asked(chosen: Set, train: pl.DataFrame) -> Question:
    """The classes are those of the training rows, in the order of the words."""
    target = chosen.target or "label"
    classes = None
    if chosen.score != "rmse":
        classes = tuple(train[target].cast(pl.String).unique().sort().to_list())
    return Question(target, chosen.score, classes, chosen.spared, chosen.settings)


if __name__ == "__main__":
    main()
