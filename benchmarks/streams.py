"""``python -m benchmarks.streams --data FOLDER``: streams in file order, each row answered, then learnt.

A network fitted on the first rows goes on learning, beside the same answer as the last one, never learning,
and river's ALMA and adaptive random forest where river is installed, which see the same columns and learn
the first rows, too. All are judged on the same rows, those after the first; rows a second are of processor
time, one thread. ``untuned``: the accuracy after the first fifth, by which elec2's settings were chosen.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
import torch

import lamina
from lamina.learning.lags import lags_for, past_of, with_lags


class Case(NamedTuple):
    """A stream: its file, target, the rows that are fitted on, and what is looked back at."""

    file: str
    target: str
    first: int
    lags: dict[str, int]


CASES = {
    "elec2": Case("elec2", "class", 1500, {}),
    "elec2, last answers": Case("elec2", "class", 1500, {"class": 4}),
    "elec2, last answers and prices": Case("elec2", "class", 1500, {"class": 4, "nswprice": 2}),
    "sea_stream": Case("sea_stream", "class", 1000, {}),
    "outdoor_objects": Case("outdoor_objects", "object", 1000, {}),
    "outdoor_objects, last answer": Case("outdoor_objects", "object", 1000, {"object": 1}),
}


def of_lamina(frame: pl.DataFrame, case: Case, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    on = lamina.Machine(threads=1, device="cpu", progress=False)
    began = time.process_time()
    stream = lamina.Stream.start(
        frame[: case.first],
        lamina.Predict(case.target, answer="classes"),
        lags=case.lags,
        fit_with={"quality": options.quality, "seed": options.seed, "on": on},
        seed=options.seed,
    )
    fitted, began = time.process_time() - began, time.process_time()
    found = stream.run(frame[case.first :])
    seconds = time.process_time() - began
    own = {"rows a second": round(found.answers.height / seconds), "fit": round(fitted, 1)}
    for who, score in found.scores.items():
        extra = own | {"alarms": found.alarms} if who == "stream" else {}
        late = 1 - float(found.errors[who][max(0, frame.height // 5 - case.first) :].mean())  # type: ignore[arg-type]
        who = "Lamina" if who == "stream" else who
        yield {"who": who, "accuracy": round(score, 4), "untuned": round(late, 4), **extra}


def of_river(frame: pl.DataFrame, case: Case, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Classes that are looked back at are words, so that they are one-hot for ALMA."""
    from river import compose, forest, linear_model, multiclass, preprocessing

    lags = lags_for(case.lags, 0)
    wide = with_lags(frame, lags, past_of(frame.clear(), lags))
    words = [lag.name for lag in lags if lag.column == case.target]
    numbers = [name for name in wide.columns if name not in {*words, case.target}]
    wide = wide.with_columns(pl.col(numbers).cast(pl.Float64).fill_null(0.0), pl.col(words).fill_null(""))
    answers, rows = frame[case.target].to_list(), wide.drop(case.target).to_dicts()
    alma: Any = compose.Select(*numbers) | preprocessing.StandardScaler()
    if words:
        alma += compose.Select(*words) | preprocessing.OneHotEncoder()
    linear: Any = linear_model.ALMAClassifier()
    alma |= linear if len(set(answers)) == 2 else multiclass.OneVsRestClassifier(linear)
    binary = len(set(answers)) == 2
    for who, model in (("ALMA", alma), ("ARF", forest.ARFClassifier(seed=options.seed))):
        right = list[bool]()
        for number, (row, came) in enumerate(zip(rows, answers, strict=True)):
            if number == case.first:
                right, began = [], time.process_time()
            came = bool(came) if binary else came
            right.append(model.predict_one(row) == came)
            model.learn_one(row, came)
        judged = len(rows) - case.first
        seconds = time.process_time() - began
        late = right[max(0, len(rows) // 5 - case.first) :]
        score, untuned = sum(right) / judged, sum(late) / len(late)
        yield {
            "who": who,
            "accuracy": round(score, 4),
            "untuned": round(untuned, 4),
            "rows a second": round(judged / seconds),
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder that holds streams/")
    parser.add_argument("--what", nargs="*", default=list(CASES), choices=CASES)
    parser.add_argument("--quality", default="fast")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    warnings.simplefilter("ignore", lamina.LaminaWarning)
    torch.set_num_threads(1)
    peers = [of_lamina, *([of_river] if find_spec("river") else [])]
    for name in options.what:
        case = CASES[name]
        frame = pl.read_csv(options.data / "streams" / f"{case.file}.csv.gz")
        for found in (each for peer in peers for each in peer(frame, case, options)):
            print(json.dumps({"stream": name, "seed": options.seed, **found}), flush=True)


if __name__ == "__main__":
    main()
