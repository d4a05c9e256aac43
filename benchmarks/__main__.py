"""``python -m benchmarks --data FOLDER``: Lamina and its peers on the same rows and cores, one process each.

All that is measured goes into one JSON file, a row at a time; a run that was cut goes on where it stopped.
RESULTS.md and its figures are written from that file.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks import machine
from benchmarks.peers import PEERS, taking_part
from benchmarks.results import Results, key_of
from benchmarks.run import Runner
from benchmarks.sets import SETS
from benchmarks.small import SIZES

HERE = Path(__file__).parent
# suites with a command of their own
MODULES = {"scale": "benchmarks.scale", "script": "benchmarks.first_time"}


def main(arguments: list[str] | None = None) -> None:
    options = _options(arguments)
    results = Results(Path(options.output))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the job under way is ended, too
    if not options.only_table:
        if not options.data:
            sys.exit("Name the folder with the data sets: --data FOLDER")
        _run(options, results)
    from benchmarks.table import write

    write(results.read(), Path(options.output).parent)


def _run(options: argparse.Namespace, results: Results) -> None:
    facts = machine.describe(options.threads)
    where = machine.name_of(facts)
    results.add_machine(where, facts)
    runner = Runner(results, Path(options.environments), options.timeout)
    common = {"data": options.data, "threads": options.threads, "device": options.device, "machine": where}
    for job in jobs(options):
        if options.again or not results.done(key_of(job)):
            row = runner.run({**job, **common})
            results.add(row)
            print(line(row), flush=True)
    for suite in options.suite:
        if suite in MODULES:
            _module(MODULES[suite], options)


def jobs(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Set by set and seed by seed, so that all peers of a set run at about the same time."""
    for suite in options.suite:
        for name in sets_of(suite, options.sets):
            for seed in range(1 if suite == "small" else options.seeds):
                for peer in peers_of(options):
                    if taking_part(peer, suite, name):
                        job = {"suite": suite, "set": name, "peer": peer, "seed": seed}
                        yield job | ({"sizes": SIZES, "draws": options.draws} if suite == "small" else {})


def sets_of(suite: str, wanted: list[str] | None) -> list[str]:
    home = "tables" if suite == "small" else suite
    return [name for name, each in SETS.items() if each.suite == home and (not wanted or name in wanted)]


def peers_of(options: argparse.Namespace) -> list[str]:
    """In the order of the registry; "lamina" stands for it at the qualities that are asked for."""
    wanted = {each for each in options.peers if each != "lamina"}
    if "lamina" in options.peers or "all" in options.peers:
        wanted |= {name for each in options.quality for name in (f"lamina-{each}", f"lamina-{each}-scratch")}
    if "all" in options.peers:
        wanted |= {name for name in PEERS if not name.startswith("lamina-")} - set(options.without)
    return [name for name in PEERS if name in wanted]


def line(row: dict[str, Any]) -> str:
    head = f"{row['set']:<24} {row['peer']:<20} {row['seed']:>2}  "
    for word in ("failed", "absent"):
        if word in row:
            return f"{head}{word}: {row[word]}"
    if "values" in row:
        found = [value for each in row["values"].values() for value in each]
        return (
            f"{head}{len(found)} fits, {sum(value is None for value in found)} failed, {row['whole_s']:.0f} s"
        )
    value = row["scores"][row["score"]]
    taken = f"fit {row['fit_s']:.2f} s ({row['fit_cpu_s']:.2f} s of processor)"
    return f"{head}{row['score']:>9} {value:<10.5g} {taken}"


def _module(name: str, options: argparse.Namespace) -> None:
    if find_spec(name) is None:
        print(f"{name}: not there")
        return
    command = [sys.executable, "-m", name, "--data", options.data]
    subprocess.run(command, check=False)


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
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
    parser.add_argument("--environments", default=str(_default_environments()))
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


def _default_environments() -> Path:
    from benchmarks.environments import DEFAULT

    return DEFAULT


if __name__ == "__main__":
    main()
