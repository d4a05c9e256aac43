"""RESULTS.md and its figures, from the JSON file alone."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any

from benchmarks import figures
from benchmarks.peers import PEERS
from benchmarks.summary import (
    LESS_IS_BETTER,
    SINGLE,
    Against,
    Spread,
    against,
    beside_linear,
    better,
    ended_otherwise,
    mean_ranks,
    measured,
    medians,
)  # fmt: skip

Row = dict[str, Any]
Found = dict[tuple[str, str], list[Row]]
TITLES = {
    "tables": "Tables", "text": "Texts", "mixed": "Tables with texts", "images": "Pictures",
    "audio": "Recordings", "video": "Clips",
}  # fmt: skip
BUSY = 0.1  # cores kept busy by others, from which seconds are upper bounds
HOW = """\
Every line is one process on the same training rows, threads and machine; test rows are used for the scores
alone. Tables without an official split: rows shuffled with numpy's `default_rng(0)`, the first 75 % to
train on; seeds are the learner's. *Fit* begins with the raw source (for tables rows as read from the file)
and ends with a model that answers; imports are not counted. *Processor* is user and system time of the
process. Seconds with ~ were taken while other work kept more than a tenth of a core busy: they are upper
bounds, the processor's seconds say more. *One row* is a single raw row answered from Python, the median of
up to 200. *Size* is what the model takes on disk, saved the library's own way. Scores are medians over the
seeds, lowest and highest in brackets.
"""


def write(held: dict[str, Any], folder: Path) -> Path:
    """``RESULTS.md`` and ``figures/`` in the folder."""
    pictures = figures.draw(held, folder / "figures")
    path = folder / "RESULTS.md"
    pictures |= {f"scale {each.stem}": f"scale/{each.name}" for each in sorted(folder.glob("scale/*.svg"))}
    path.write_text(render(held, pictures), encoding="utf-8")
    return path


def render(held: dict[str, Any], pictures: dict[str, str]) -> str:
    """``pictures``: suite → path of its figure."""
    rows = held["rows"]
    parts = [
        "# Lamina beside its peers",
        "Written by `python -m benchmarks`; not by hand.",
        HOW,
        _machines(held),
    ]
    for suite, title in TITLES.items():
        found = measured(rows, suite)
        if found:
            parts += [f"## {title}", *_picture(pictures, suite, title), _scores(found)]
            parts += [_verdicts(found)] if suite == "tables" else []
            parts += [_details(found)]
    parts += _small(rows, pictures)
    parts += _script(rows, pictures)
    parts += _scale(pictures)
    parts += _others(rows)
    return "\n\n".join(part.strip("\n") for part in parts if part) + "\n"


def markdown(head: list[str], lines: list[list[str]], left: int = 1) -> str:
    """A table; the first ``left`` columns are words."""
    ruler = ["---" if place < left else "---:" for place in range(len(head))]
    return "\n".join("| " + " | ".join(each) + " |" for each in (head, ruler, *lines))


def _machines(held: dict[str, Any]) -> str:
    lines = [
        f"- {name}; {facts['memory_gb']} GiB; {facts['system']}, Python {facts['python']}"
        + (f", torch {facts['torch']}" if "torch" in facts else "")
        + (f"; measured {facts['fp32_gflops']:,} GFLOP/s in fp32, {facts['bf16_gflops']:,} in bf16"
           if "fp32_gflops" in facts else "")
        for name, facts in held["machines"].items()
    ]  # fmt: skip
    return "\n".join(lines)


def _picture(pictures: dict[str, str], suite: str, title: str) -> list[str]:
    return [f"![{title}]({pictures[suite]})"] if suite in pictures else []


def _ordered(found: Found) -> tuple[list[str], list[str]]:
    """Sets and peers that occur; peers in the order of the registry."""
    there = {peer for _, peer in found}
    known = [name for name in PEERS if name in there]
    return list(dict.fromkeys(name for name, _ in found)), known + sorted(there - set(known))


def number(value: float, score: str = "") -> str:
    """Points with four digits after the dot, errors with four that count."""
    return (
        f"{value:,.4g}"
        if score in LESS_IS_BETTER and value < 1000
        else f"{value:,.4f}"
        if value < 100
        else f"{value:,.0f}"
    )


def _scores(found: Found) -> str:
    """Peers × sets; the best median of a set is bold."""
    sets, peers = _ordered(found)
    score = {
        name: next(rows[0]["score"] for (each, _), rows in found.items() if each == name) for name in sets
    }
    best = {name: better(score[name])(medians(found, name).values()) for name in sets}
    lines = [
        [peer, *(_cell(found.get((name, peer)), score[name], best[name]) for name in sets)] for peer in peers
    ]
    return markdown(["", *(f"{name}, {_word(score[name])}" for name in sets)], lines)


def _word(score: str) -> str:
    return {"auroc": "AUROC", "rmse": "RMSE ↓", "f1": "mean F1"}.get(score, score)


def _cell(rows: list[Row] | None, score: str, best: float) -> str:
    if not rows:
        return ""
    told = Spread.of(row["scores"][score] for row in rows)
    text = number(told.median, score)
    text = f"**{text}**" if told.median == best else text
    low, high = number(told.low, score), number(told.high, score)
    return text if low == high else f"{text} ({low}–{high})"


def _details(found: Found) -> str:
    head = ["set", "peer", "fit s", "processor s", "rows/s", "one row ms", "peak MB", "size MB", "seeds",
            "threads", "version"]  # fmt: skip
    sets, peers = _ordered(found)
    lines = [
        [name, peer, *_measures(found[name, peer])]
        for name in sets
        for peer in peers
        if (name, peer) in found
    ]
    settings = [f"- {peer}: {PEERS[peer].settings}" for peer in peers if peer in PEERS]
    return markdown(head, lines, left=2) + "\n\nSettings:\n\n" + "\n".join(settings)


def _measures(rows: list[Row]) -> list[str]:
    def middle(name: str) -> float:
        return statistics.median(row[name] for row in rows)

    contended = "~" if any(row["others"] > BUSY for row in rows) else ""
    versions = dict.fromkeys(" ".join([row["version"], row.get("commit", "")]).strip() for row in rows)
    return [
        contended + seconds(Spread.of(row["fit_s"] for row in rows)),
        seconds(Spread.of(row["fit_cpu_s"] for row in rows)),
        f"{contended}{middle('rows_per_s'):,.0f}", f"{contended}{middle('one_row_ms'):.3g}",
        f"{middle('peak_mb'):,.0f}", f"{middle('model_mb'):.3g}", str(len(rows)),
        ", ".join(dict.fromkeys(str(row["threads"]) for row in rows)), ", ".join(versions),
    ]  # fmt: skip


def seconds(told: Spread) -> str:
    text = f"{told.median:,.3g}" if told.median < 1000 else f"{told.median:,.0f}"
    return text if told.count == 1 else f"{text} ({told.low:.3g}–{told.high:.3g})"


# ------------------------------------------------------------------------------------ what was asked


def _verdicts(found: Found) -> str:
    """Every Lamina beside the best single peer, and beside AutoGluon."""
    _, peers = _ordered(found)
    parts = []
    for mine in (name for name in peers if name.startswith("lamina")):
        told = against(found, mine, SINGLE)
        if told:
            ahead = sum(each.gain >= 0 for each in told)
            histgb = [each.gain > 0 for each in against(found, mine, ["histgb"])]
            parts.append(
                f"**{mine}** beside the best single peer of each set (of {', '.join(SINGLE)}): "
                f"best on {ahead} of {len(told)}; ahead of histgb on {sum(histgb)} of {len(histgb)}."
                f"\n\n{_gains(told)}"
            )
        for other in (name for name in peers if name.startswith("autogluon")):
            told = against(found, mine, [other])
            if told:
                parts.append(_beside_one(found, mine, other, told))
    return "\n\n".join(parts)


def _gains(told: list[Against]) -> str:
    lines = [
        [each.name, each.who, number(each.other, each.score), number(each.mine, each.score), _gain(each)]
        for each in told
    ]
    return markdown(["set", "best peer", "its score", "Lamina", "ahead by"], lines, left=2)


def _gain(each: Against) -> str:
    return f"{100 * each.gain:+.2f} %" if each.score in LESS_IS_BETTER else f"{each.gain:+.4f}"


def _beside_one(found: Found, mine: str, other: str, told: list[Against]) -> str:
    def ratio(name: str, what: str) -> float:
        own, its = (statistics.median(row[what] for row in found[name, peer]) for peer in (mine, other))
        return its / own

    level = sum(each.level for each in told)
    lines = [
        [each.name, number(each.other, each.score), number(each.mine, each.score), _gain(each),
         f"{ratio(each.name, 'fit_cpu_s'):.1f}", f"{ratio(each.name, 'model_mb'):.0f}"]
        for each in told
    ]  # fmt: skip
    head = ["set", other, mine, "ahead by", "processor time, times ours", "size, times ours"]
    return (
        f"**{mine}** beside {other}: level (within 0.002, or 0.5 % of an error) or ahead on {level} of "
        f"{len(told)}.\n\n{markdown(head, lines)}"
    )


# ----------------------------------------------------------------------------------- the other suites


def _small(rows: list[Row], pictures: dict[str, str]) -> list[str]:
    ranks = mean_ranks(rows)
    if not ranks:
        return []
    sizes = sorted(ranks, key=int)
    peers = sorted(
        {peer for told in ranks.values() for peer in told}, key=lambda peer: _mean_rank(ranks, peer)
    )
    lines = [
        [peer, *(f"{ranks[size][peer]:.2f}" if peer in ranks[size] else "" for size in sizes)]
        for peer in peers
    ]
    parts = [
        "## Small tables",
        "Random draws of the training rows of the eight tables, up to 5,000 test rows; the same rows for "
        "every peer. Mean rank over sets and draws (1 is best):",
        *_picture(pictures, "small", "Mean rank by rows"),
        markdown(["", *(f"{size} rows" for size in sizes)], lines),
    ]
    for peer in (each for each in peers if each.startswith("lamina")):
        told = beside_linear(rows, peer)
        lines = [
            [
                name,
                size,
                f"{mean:+.4f}",
                f"{error:.4f}",
                str(count),
                "**behind**" if mean < -2 * error else "",
            ]
            for name, size, mean, error, count in told
        ]
        parts.append(
            f"**{peer}** beside the linear model on the same draws (points; of an error, its share), with "
            "the standard error of the mean; behind: by more than two of these.\n\n"
            + markdown(["set", "rows", "ahead by", "±", "draws", ""], lines)
        )
    return parts


def _mean_rank(ranks: dict[str, dict[str, float]], peer: str) -> float:
    return statistics.fmean(told[peer] for told in ranks.values() if peer in told)


def _script(rows: list[Row], pictures: dict[str, str]) -> list[str]:
    """Time to accuracy, whole commands."""
    told = [row for row in rows if row["suite"] == "script" and "points" in row]
    if not told:
        return []
    lines = [
        [row["peer"], str(row["seed"]), f"{point['accuracy']:.4f}", f"{point['seconds']:.1f}",
         f"{point['processor_seconds']:.1f}", str(row["threads"]), "yes" if row["others"] > BUSY else "no"]
        for row in told for point in row["points"]
    ]  # fmt: skip
    head = ["command", "seed", "accuracy", "seconds", "processor s", "threads", "other work meanwhile"]
    first = [f"- {each}" for row in told for each in row.get("verdicts", [])]
    return [
        "## MNIST: seconds until a plain PyTorch script's accuracy",
        "Whole commands from the start of the process, reading included: `python -m benchmarks.mnist_script` "
        "(a line per pass) and `lamina fit`.",
        *_picture(pictures, "script", "Accuracy by seconds"),
        markdown(head, lines),
        "\n".join(first),
    ]


def _scale(pictures: dict[str, str]) -> list[str]:
    """What ``benchmarks.scale`` has drawn."""
    told = [name for name in pictures if name.startswith("scale ")]
    return ["## Time and memory by rows and columns"] * bool(told) + [
        f"![{name}]({pictures[name]})" for name in told
    ]


def _others(rows: list[Row]) -> list[str]:
    told = [list(each) for each in ended_otherwise(rows)]
    told += [
        [row["suite"], row["set"], row["peer"], "failed", f"{len(row['reasons'])} fits; {row['reasons'][0]}"]
        for row in rows
        if row.get("reasons")
    ]
    if not told:
        return []
    lines = [[each.replace("|", "\\|") for each in line] for line in told]
    return ["## Failed or absent", markdown(["suite", "set", "peer", "", "reason"], lines, left=5)]
