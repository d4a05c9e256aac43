"""``python -m benchmarks.confidence --data FOLDER``: whether probabilities and bounds hold on test rows.

For every set: calibration error and log loss before and after calibration, beside the error that chance alone
would show; coverage and mean size of sets or intervals, beside MAPIE's for the same network (its own scores
for the same rows that were kept from training).
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

import torch

import lamina
from benchmarks.sets import SETS
from lamina.data.conform import conform
from lamina.data.read import read
from lamina.predictions.answers import calibrated
from lamina.predictions.evaluate import answered_rows
from lamina.scores.calibration import calibration_error, calibration_noise
from lamina.scores.classes import log_loss

COVERAGE = 0.9


def main() -> None:
    options = _options()
    torch.set_num_threads(options.threads)
    for name in options.sets.split(","):
        print(json.dumps(run_one(name, options)), flush=True)


def run_one(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """Fits one set, and judges its confidence on the test rows."""
    chosen = SETS[name]
    train, test = chosen.load(Path(options.data))
    on = lamina.Machine(threads=options.threads, progress=False)
    further = {"pretrained": options.pretrained, **chosen.settings}
    model = lamina.fit(train, chosen.target, quality=options.quality, seed=options.seed, on=on, **further)
    frame, _ = conform(read(test, part="test"), model.schema, need_target=True)
    rows = answered_rows(model.fitted, model.baseline, frame)
    confidence = model.fitted.confidence
    assert confidence is not None
    found = {"set": name, "quality": options.quality, "seed": options.seed, "rows": len(rows.answers)}
    found |= {"kept": model.fitted.rows["validation"], "calibration": confidence.parts[0].calibrator.name}
    found |= confidence.judged(rows.network, rows.answers)
    if confidence.parts[0].answer_is_set:
        before, after = rows.network.decoded, calibrated(model.fitted, rows.network.decoded)
        known = rows.answers >= 0
        for when, p in (("before", before), ("after", after)):
            found[f"ece_{when}"] = calibration_error(p[known], rows.answers[known])
            found[f"log_loss_{when}"] = log_loss(p, rows.answers)
        found["ece_noise"] = calibration_noise(after)
    return found


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.confidence", description=__doc__)
    parser.add_argument("--data", required=True, help="the folder with the data sets")
    parser.add_argument("--sets", default="adult,bank_marketing,covertype,banking77,mnist,california_housing")
    parser.add_argument("--quality", default="good", choices=["fast", "good", "best"])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--pretrained", action=argparse.BooleanOptionalAction, default=False)
    return parser.parse_args()


if __name__ == "__main__":
    main()
