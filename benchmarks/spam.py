"""``python -m benchmarks.spam --data FOLDER``: how well spam is found among messages, F1 of that class."""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

import lamina
from benchmarks.sets import SETS


def main() -> None:
    options = _options()
    train, test = SETS["sms_spam"].load(Path(options.data))
    on = lamina.Machine(threads=options.threads)
    for pretrained in (False, None):
        began = time.process_time()
        model = lamina.fit(train, "label", pretrained=pretrained, on=on)
        seconds = time.process_time() - began
        told = model.predict(test)["predicted_label"]
        found, spam = told == "spam", test["label"] == "spam"
        f1 = 2 * (found & spam).sum() / (found.sum() + spam.sum())
        right = (told == test["label"]).mean()
        how = "from scratch" if pretrained is False else "with MiniLM where it is installed"
        print(f"{how}: F1 of spam {f1:.4f}, accuracy {right:.4f}, {seconds:.0f} s of processor time")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.spam", description=__doc__)
    parser.add_argument("--data", required=True, help="the folder with the data sets")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    return parser.parse_args()


if __name__ == "__main__":
    main()
