"""``python -m benchmarks.kinds --data FOLDER``: a mixed table beside its kinds of columns one by one.

One network reads all columns; others read only the text, or everything but the text. The same rows, settings
and seed.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

import polars as pl

import lamina
from benchmarks.sets import SETS


def main() -> None:
    options = _options()
    chosen = SETS[options.set]
    train, test = chosen.load(Path(options.data))
    target = str(chosen.target)
    schema = lamina.schema(train, target=target)
    texts = [each.name for each in schema.of_kind("text")]
    others = [each.name for each in schema.with_role("input") if each.name not in texts]
    on = lamina.Machine(threads=options.threads)
    for name, dropped in (("all columns", []), ("text alone", others), ("without text", texts)):
        rows: pl.DataFrame = train.drop(dropped)
        began = time.process_time()
        model = lamina.fit(rows, target, seed=options.seed, pretrained=options.pretrained, on=on)
        seconds = time.process_time() - began
        score = model.evaluate(test).scores[chosen.score]
        print(f"{name}: {chosen.score} {score:.4f}, {seconds:.0f} s of processor time", flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kinds", description=__doc__)
    parser.add_argument("--data", required=True, help="the folder with the data sets")
    parser.add_argument("--set", default="airline_tweets", help="a mixed table with texts")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--pretrained", action=argparse.BooleanOptionalAction)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    return parser.parse_args()


if __name__ == "__main__":
    main()
