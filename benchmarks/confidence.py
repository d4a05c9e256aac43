"""``python -m benchmarks.confidence --data FOLDER``: whether probabilities, bounds and doubts hold on test
rows.

For every set: calibration error and log loss before and after calibration, beside the error that chance alone
would show; coverage and mean size of sets or intervals, beside MAPIE's for the same network (its own scores
for the same rows that were kept from training; ``pip install mapie``, left out where it is not there); the
error among the rows kept when the least sure are left out, by Lamina's confidence and by the plain maximum
of the network's probabilities; how many test rows are called unlike the training rows, and for MNIST and
banking77 how well rows of another kind are told from them (``benchmarks.unlike``).
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

import lamina
from benchmarks.mapie_beside import mapie_beside
from benchmarks.sets import SETS
from benchmarks.unlike import STRANGERS, told_apart
from lamina.data.conform import conform
from lamina.data.read import read
from lamina.predictions.answers import calibrated
from lamina.predictions.evaluate import Rows, answered_rows
from lamina.scores.calibration import calibration_error, calibration_noise
from lamina.scores.classes import log_loss

COVERAGE = 0.9
KEPT = (0.9, 0.8)  # shares of the rows whose error is told


def main() -> None:
    options = _options()
    torch.set_num_threads(options.threads)
    for name in options.sets.split(","):
        for seed in range(options.seed, options.seed + options.seeds):
            line = json.dumps(run_one(name, seed, options))
            print(line, flush=True)
            if options.output:
                with Path(options.output).open("a", encoding="utf-8") as file:
                    file.write(line + "\n")


def run_one(name: str, seed: int, options: argparse.Namespace) -> dict[str, Any]:
    """Fits one set, and judges its confidence on the test rows."""
    chosen = SETS[name]
    train, test = chosen.load(Path(options.data))
    on = lamina.Machine(threads=options.threads, progress=False)
    further = {"pretrained": options.pretrained, **chosen.settings}
    begin = time.process_time()
    kept, model = with_kept_rows(train, chosen.target, quality=options.quality, seed=seed, on=on, **further)
    fitted = time.process_time()
    frame, _ = conform(read(test, part="test"), model.schema, need_target=True)
    rows = answered_rows(model.fitted, model.baseline, frame)
    confidence = model.fitted.confidence
    assert confidence is not None
    found = {"set": name, "quality": options.quality, "seed": seed, "pretrained": options.pretrained}
    found |= {"rows": len(rows.answers), "kept": len(kept.answers), "fit_cpu_s": round(fitted - begin, 1)}
    found |= {"calibration": confidence.parts[0].calibrator.name}
    found |= confidence.judged(rows.network, rows.answers)
    found |= mapie_beside(model.fitted.target, kept, rows, COVERAGE)
    if confidence.parts[0].answer_is_set:
        found |= _probabilities(rows, calibrated(model.fitted, rows.network.decoded))
        found |= told_apart(model, frame, STRANGERS.get(name), Path(options.data))
    return found


def with_kept_rows(train: Any, target: Any, **settings: Any) -> tuple[Rows, lamina.Model]:
    """The model, and what it had answered for the rows kept from training when its bounds were found."""
    from lamina.predictions import judged

    seen: list[Rows] = []
    original = judged.with_confidence

    def watched(fitted: Any, encoded: Any, rows: Rows, unseen: Any) -> Any:
        seen.append(rows)
        return original(fitted, encoded, rows, unseen)

    judged.with_confidence = watched
    try:
        model = lamina.fit(train, target, **settings)
    finally:
        judged.with_confidence = original
    return seen[0], model


def _probabilities(rows: Rows, after: np.ndarray) -> dict[str, float]:
    before, known, found = rows.network.decoded, rows.answers >= 0, dict[str, float]()
    for when, p in (("before", before), ("after", after)):
        found[f"ece_{when}"] = calibration_error(p[known], rows.answers[known])
        found[f"log_loss_{when}"] = log_loss(p, rows.answers)
    found["ece_noise"] = calibration_noise(after)
    found["error"] = float((after.argmax(1) != rows.answers).mean())
    for share in KEPT:
        found[f"error_kept_{share:g}"] = error_among(after, rows.answers, share)
        found[f"error_kept_{share:g}_softmax"] = error_among(before, rows.answers, share)
    return found


def error_among(probabilities: np.ndarray, answers: np.ndarray, share: float) -> float:
    """Share of wrong answers among the rows with the largest probability, ``share`` of all."""
    order = np.argsort(-probabilities.max(1), kind="stable")[: round(share * len(answers))]
    return float((probabilities[order].argmax(1) != answers[order]).mean())


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.confidence", description=__doc__)
    parser.add_argument("--data", required=True, help="the folder with the data sets")
    parser.add_argument(
        "--sets", default="adult,bank_marketing,covertype_15k,banking77,mnist,california_housing"
    )
    parser.add_argument("--quality", default="good", choices=["fast", "good", "best"])
    parser.add_argument("--seed", type=int, default=0, help="the first one")
    parser.add_argument("--seeds", type=int, default=1, help="how many")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--pretrained", action=argparse.BooleanOptionalAction, default=False)
    parser.add_argument("--output", help="a file to which each result is appended as a line of JSON")
    return parser.parse_args()


if __name__ == "__main__":
    main()
