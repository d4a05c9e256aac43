"""``python -m benchmarks --data FOLDER``: Lamina and its peers on the same rows and cores, one process each.

All that is measured goes into one JSON file, a row at a time; a run that was cut goes on where it stopped.
RESULTS.md and its figures are written from that file.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks import machine
from benchmarks.options import MODULES, parse
from benchmarks.peers import PEERS, taking_part
from benchmarks.results import Results, key_of
from benchmarks.run import Runner, surroundings
from benchmarks.sets import SETS
from benchmarks.small import SIZES


def main(arguments: list[str] | None = None) -> None:
    options = parse(arguments)
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
            _module(suite, options)


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


def _module(suite: str, options: argparse.Namespace) -> None:
    """A suite with a command of its own, and the same threads."""
    name = MODULES[suite]
    if find_spec(name) is None:
        print(f"{suite}: {name} is not there")
        return
    output = Path(options.output)
    more = ["--data", options.data, "--threads", str(options.threads), "--output", options.output]
    more = ["--out", str(output.parent / "scale")] if suite == "scale" else more
    done = subprocess.run([sys.executable, "-m", name, *more], env=surroundings(options.threads), check=False)
    if done.returncode:
        print(f"{suite}: {name} ended with {done.returncode}")


if __name__ == "__main__":
    main()
