"""The options of ``python -m benchmarks``."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from benchmarks.environments import DEFAULT
from benchmarks.peers import PEERS
from benchmarks.sets import SETS

HERE = Path(__file__).parent
ABOUT = "Lamina and its peers on the same rows and cores: results.json, and from it RESULTS.md with figures."
# suites with a command of their own
MODULES = {"scale": "benchmarks.scale", "script": "benchmarks.first_time"}


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=ABOUT)
    several = {"type": lambda text: text.split(",")}
    parser.add_argument("--data", help="the folder with the data sets")
    parser.add_argument(
        "--suite",
        **several,
        help="tables (the default), images, text, audio, mixed, video, small, scale, script",
    )
    parser.add_argument("--sets", **several, help="only these; default: all of the suites")
    parser.add_argument(
        "--peers", nargs="?", const=["all"], default=["lamina"], **several,
        help="all (the default of this flag), or names; lamina at the qualities asked for",
    )  # fmt: skip
    parser.add_argument("--without", default=[], **several, help="peers to leave out of all")
    parser.add_argument("--quality", default=["good"], **several, help="fast, good, best")
    parser.add_argument("--seeds", type=int, default=1, help="how many seeds of the learner, from 0")
    parser.add_argument("--draws", type=int, default=10, help="random draws of every small table")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--timeout", type=float, default=3600, help="seconds for one job")
    parser.add_argument("--again", action="store_true", help="also what has been measured already")
    parser.add_argument("--only-table", action="store_true", help="write RESULTS.md from the JSON file alone")
    parser.add_argument("--output", default=str(HERE / "results.json"))
    parser.add_argument("--environments", default=str(DEFAULT))
    options = parser.parse_args(arguments)
    _check(parser, options)
    if not options.suite:
        options.suite = list(dict.fromkeys(SETS[name].suite for name in options.sets or ["adult"]))
    return options


def _check(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    known = {
        "suite": {*MODULES, "small", *(each.suite for each in SETS.values())}, "sets": set(SETS),
        "peers": {"all", "lamina", *PEERS}, "without": set(PEERS), "quality": {"fast", "good", "best"},
    }  # fmt: skip
    for name, allowed in known.items():
        wrong = set(getattr(options, name) or ()) - allowed
        if wrong:
            parser.error(
                f"--{name}: there is no {', '.join(sorted(wrong))}; there are {', '.join(sorted(allowed))}"
            )
