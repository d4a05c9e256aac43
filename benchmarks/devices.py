"""``python -m benchmarks.devices --data FOLDER``: the same fits on the GPU and on the processor of a machine.

Every fit is a process of its own; its whole seconds are counted, imports, reading, saving and an evaluation
included. Then a file written on the GPU answers test rows there and on the processor, and the largest
difference is stated.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars.selectors as cs

from benchmarks.sets import SETS
from lamina.data.read import read

MILLION, HELD_OUT, COMPARED = 1_000_000, 100_000, 5_000
Row = dict[str, Any]


def main() -> None:
    options = _options()
    if options.job:
        print(json.dumps(fit(json.loads(options.job))))
        return
    facts = about()
    print(facts)
    with tempfile.TemporaryDirectory() as folder:
        rows = [row for name in options.sets for row in beside(name, options, Path(folder))]
    if options.out:
        Path(options.out).write_text(json.dumps({"machine": facts, "rows": rows}, indent=1) + "\n")


def beside(name: str, options: argparse.Namespace, folder: Path) -> list[Row]:
    """One set on every device."""
    rows: list[Row] = []
    for device in options.devices:
        job = {"set": name, "device": device, "data": options.data, "quality": options.quality,
               "folder": str(folder), "seed": options.seed}  # fmt: skip
        began = time.perf_counter()
        command = [sys.executable, "-W", "ignore", "-m", "benchmarks.devices", "--job", json.dumps(job)]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=options.timeout, check=True
            )
        except subprocess.SubprocessError as error:
            print(name, device, "failed:", error, str(error.stderr).strip().splitlines()[-1:], flush=True)
            continue
        row = json.loads(done.stdout.splitlines()[-1])
        rows.append({**row, "whole_s": round(time.perf_counter() - began, 1)})
        print(json.dumps(rows[-1]), flush=True)
    return rows


def fit(job: Row) -> Row:
    """One fit, its score on the test rows, and how far the file's answers differ from the processor's."""
    import lamina

    train, test, target, score, settings = source(job)
    began = time.perf_counter()
    on = lamina.Machine(device=job["device"], progress=False)
    model = lamina.fit(train, target, quality=job["quality"], seed=job["seed"], on=on, **settings)
    fitted = time.perf_counter() - began
    path = Path(job["folder"]) / f"{job['set']}-{job['device']}.lamina"
    model.save(path)
    there = lamina.load(path, device=job["device"])
    began = time.perf_counter()
    scores = there.evaluate(test).scores
    evaluated = time.perf_counter() - began
    steps = {"passes": len(model.fitted.epochs), "fit_s": round(fitted, 1), "evaluate_s": round(evaluated, 1)}
    row = {"set": job["set"], "device": job["device"], score: round(scores[score], 5), **steps}
    if job["device"] != "cpu":
        row["difference"] = f"{difference(there, lamina.load(path), test):.1e}"
    return row


def difference(one: Any, other: Any, test: Any) -> float:
    """The largest difference between the numbers that two models answer the first test rows with, but for
    the novelty: a rank among rows, it is told in steps."""
    head = read(test, part="test").frame.head(COMPARED)
    tables = [
        each.predict(head, probabilities=True).select(cs.float() - cs.by_name("novelty")).to_numpy()
        for each in (one, other)
    ]
    return float(np.abs(tables[0] - tables[1]).max())


def source(job: Row) -> tuple[Any, Any, str | None, str, dict[str, Any]]:
    """Training source, test source, target, score and settings of a set."""
    if job["set"] == "million":
        from benchmarks.scale import purchases

        return purchases(MILLION, 0), purchases(HELD_OUT, 1), "bought", "auroc", {}
    known = SETS[job["set"]]
    train, test = known.load(Path(job["data"]))
    return train, test, known.target, known.score, dict(known.settings)


def about() -> str:
    import torch

    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
    return f"{gpu}, {torch.get_num_threads()} threads, torch {torch.__version__}"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.devices", description=__doc__)
    several: dict[str, Callable[[str], list[str]]] = {"type": lambda text: text.split(",")}
    parser.add_argument("--data", help="the folder with the data sets")
    parser.add_argument("--sets", default=["mnist", "adult", "million"], **several)  # type: ignore[arg-type]
    parser.add_argument("--devices", default=["cuda", "cpu"], **several)  # type: ignore[arg-type]
    parser.add_argument("--quality", default="good", choices=["fast", "good", "best"])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--timeout", type=float, default=1800)
    parser.add_argument("--out", help="a JSON file for the figures")
    parser.add_argument("--job", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
