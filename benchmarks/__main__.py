"""``python -m benchmarks --data FOLDER``: each set fitted and evaluated in a process of its own."""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.sets import SETS


def main() -> None:
    options = _options()
    if options.one:
        print(json.dumps(run_one(options.one, options)))
        return
    names = (
        options.sets.split(",") if options.sets else [n for n, s in SETS.items() if s.suite in options.suite]
    )
    print(_machine(options.threads))
    print(f"{'set':<26}{'seed':>5}{'score':>10}{'value':>12}{'fit s':>9}{'predict s':>11}{'peak MB':>9}")
    for name in names:
        for seed in range(options.seeds):
            print_row(in_process(name, seed, options), options.output)


def run_one(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """Reads, fits and evaluates one set here; the seconds begin before the data is read."""
    import torch

    import lamina

    torch.set_num_threads(options.threads)
    chosen = SETS[name]
    train, test = chosen.load(Path(options.data))
    begin = time.perf_counter()
    on = lamina.Machine(threads=options.threads, device=options.device)
    model = lamina.fit(
        train,
        chosen.target,
        quality=options.quality,
        seed=options.seed,
        on=on,
        **{"pretrained": options.pretrained, **chosen.settings},
    )
    fitted = time.perf_counter()
    answered = model.predict(test) if chosen.suite == "tables" else None
    predicted = time.perf_counter()
    evaluation = model.evaluate(test)
    return {
        "set": name, "seed": options.seed, "quality": options.quality, "score": chosen.score,
        "value": evaluation.scores[chosen.score], "scores": evaluation.scores,
        "baseline": evaluation.baseline, "fit_s": fitted - begin,
        "predict_s": None if answered is None else predicted - fitted,
        "rows": evaluation.rows, "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "weights": model.fitted.network.weights, "epochs": len(model.fitted.epochs),
        "device": options.device, "threads": options.threads, "pretrained": options.pretrained,
    }  # fmt: skip


def in_process(name: str, seed: int, options: argparse.Namespace) -> dict[str, Any]:
    """``run_one`` in a process of its own; a failure is a row too."""
    command = [
        sys.executable, "-W", "ignore", "-m", "benchmarks", "--one", name, "--seed", str(seed),
        "--data", options.data, "--quality", options.quality, "--threads", str(options.threads),
        "--device", options.device,
    ]  # fmt: skip
    if options.pretrained is not None:
        command.append("--pretrained" if options.pretrained else "--no-pretrained")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return {"set": name, "seed": seed, "failed": done.stderr.strip().splitlines()[-1:]}
    return json.loads(done.stdout.strip().splitlines()[-1])


def print_row(row: dict[str, Any], output: str | None) -> None:
    if "failed" in row:
        print(f"{row['set']:<26}{row['seed']:>5}  failed: {row['failed']}")
    else:
        seconds = f"{row['predict_s']:.2f}" if row["predict_s"] is not None else "-"
        print(
            f"{row['set']:<26}{row['seed']:>5}{row['score']:>10}{row['value']:>12.4f}"
            f"{row['fit_s']:>9.1f}{seconds:>11}{row['peak_mb']:>9.0f}",
            flush=True,
        )
    if output:
        with Path(output).open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")


def _machine(threads: int) -> str:
    import torch

    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = [line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        model = lines[0].split(":")[1].strip() if lines else model
    return f"{model}, {threads} threads, torch {torch.__version__}, Python {platform.python_version()}"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--data", required=True, help="the folder with the data sets")
    parser.add_argument("--suite", default="tables,images", help="tables, images, text, mixed, audio, video")
    parser.add_argument("--sets", help="names with commas between; default: all of the suites")
    parser.add_argument("--quality", default="good", choices=["fast", "good", "best"])
    parser.add_argument("--seeds", type=int, default=1, help="how many seeds, from 0")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--device", default="cpu")
    parser.add_argument(
        "--pretrained",
        action=argparse.BooleanOptionalAction,
        help="weights learnt elsewhere; default: by itself",
    )
    parser.add_argument("--output", help="a file to which each result is appended as a line of JSON")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--seed", type=int, default=0, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
