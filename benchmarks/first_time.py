"""Seconds until the accuracy that a plain PyTorch script for MNIST ends with: whole commands.

``python -m benchmarks.first_time --data FOLDER`` runs ``benchmarks.mnist_script`` until it reaches the
accuracy, then ``lamina fit FOLDER/images/mnist --quality fast``, both with the reading of the data, and says
how many times sooner Lamina is there.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks import machine, measure
from benchmarks.results import Results
from benchmarks.run import ROOT, surroundings

ACCURACY = 0.991
PASSES = 14  # the script's own number
Row = dict[str, Any]

EVALUATE = "import sys, lamina; print(lamina.load(sys.argv[1]).evaluate(sys.argv[2]).scores['accuracy'])"


def main() -> None:
    options = _options()
    folder, results = Path(options.data) / "images" / "mnist", Results(Path(options.output))
    facts = machine.describe(options.threads)
    results.add_machine(machine.name_of(facts), facts)
    common = {"suite": "script", "set": "mnist", "seed": options.seed, "threads": options.threads,
              "machine": machine.name_of(facts), "date": time.strftime("%Y-%m-%d")}  # fmt: skip
    rows = []
    for name in options.commands.split(","):
        measured = script(folder, options) if name == "script" else ours(folder, name, options)
        rows.append({**common, "peer": NAMES[name], **measured})
        print(json.dumps(rows[-1]), flush=True)
    told = verdicts(rows)
    for row in rows:
        results.add(row | ({"verdicts": told} if row is rows[0] else {}))
    print("\n".join(told))


NAMES = {"script": "torch-script", **{each: f"lamina-{each}" for each in ("fast", "good", "best")}}


def script(folder: Path, options: argparse.Namespace) -> Row:
    """A point per pass, until the accuracy is reached."""
    with measure.clock() as taken:
        lines = _ran(
            [sys.executable, "-m", "benchmarks.mnist_script", str(folder), "--until", str(ACCURACY),
             "--passes", str(PASSES), "--seed", str(options.seed)],
            options.threads,
        ).splitlines()  # fmt: skip
    return {"points": [json.loads(line) for line in lines], "others": taken["others"]}


def ours(folder: Path, quality: str, options: argparse.Namespace) -> Row:
    """One point: the whole command ``lamina fit``; then what its file says of the test rows."""
    with tempfile.TemporaryDirectory() as scratch:
        file = str(Path(scratch) / "mnist.lamina")
        with measure.clock() as taken:
            _ran(
                [sys.executable, "-m", "lamina.cli.main", "fit", str(folder), "--quality", quality,
                 "--output", file, "--seed", str(options.seed)],
                options.threads,
            )  # fmt: skip
        right = float(_ran([sys.executable, "-c", EVALUATE, file, str(folder)], options.threads).split()[-1])
    point = {"seconds": taken["s"], "processor_seconds": taken["cpu_s"], "accuracy": right}
    return {"points": [point], "others": taken["others"], "commit": machine.commit()}


def verdicts(rows: list[Row]) -> list[str]:
    """How many times sooner Lamina is at the accuracy, by the clock and by the processor."""
    reached = {row["peer"]: [each for each in row["points"] if each["accuracy"] >= ACCURACY] for row in rows}
    script = reached.get("torch-script")
    out = []
    for name, points in reached.items():
        if name.startswith("lamina"):
            if not points or not script:
                out.append(f"{name} or the script did not reach {ACCURACY:.1%}: nothing to compare")
                continue
            clock, processor = (
                script[0][each] / points[0][each] for each in ("seconds", "processor_seconds")
            )
            out.append(
                f"{name} has {points[0]['accuracy']:.2%} after {points[0]['seconds']:.1f} s, the script "
                f"{ACCURACY:.1%} after {script[0]['seconds']:.1f} s: {clock:.1f} times sooner "
                f"({processor:.1f} times by processor seconds)"
            )
    return out


def _ran(command: list[str], threads: int) -> str:
    done = subprocess.run(
        command, cwd=ROOT, env=surroundings(threads), stdout=subprocess.PIPE, text=True, check=True
    )
    return done.stdout


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.first_time", description=__doc__)
    parser.add_argument("--data", required=True, help="the folder with the data sets")
    parser.add_argument("--commands", default="script,fast", help="script, fast, good, best")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", default=str(Path(__file__).parent / "results.json"))
    return parser.parse_args()


if __name__ == "__main__":
    main()
