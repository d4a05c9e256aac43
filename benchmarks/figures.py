"""The figures of RESULTS.md as SVG files, drawn by matplotlib; without it there are none."""

from __future__ import annotations

import statistics
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.peers import PEERS
from benchmarks.summary import LESS_IS_BETTER, mean_ranks, measured

Row = dict[str, Any]


def draw(held: dict[str, Any], folder: Path) -> dict[str, str]:
    """Suite → path of its figure from the folder above."""
    if find_spec("matplotlib") is None:
        return {}
    folder.mkdir(parents=True, exist_ok=True)
    made = {}
    rows = held["rows"]
    for suite in ("tables", "text", "mixed", "images"):
        found = measured(rows, suite)
        if found:
            made[suite] = _save(_errors_by_seconds(found), folder, suite)
    ranks = mean_ranks(rows)
    if ranks:
        made["small"] = _save(_ranks_by_rows(ranks), folder, "small")
    script = [row for row in rows if row["suite"] == "script" and "points" in row]
    if script:
        made["script"] = _save(_accuracy_by_seconds(script), folder, "script")
    return made


def _save(figure: Any, folder: Path, name: str) -> str:
    """The same figure gives the same bytes."""
    import matplotlib

    path = folder / f"{name}.svg"
    with matplotlib.rc_context({"svg.hashsalt": "lamina", "svg.fonttype": "none"}):
        figure.savefig(path, metadata={"Date": None, "Creator": None})
    return f"{folder.name}/{path.name}"


def _figure(width: float, height: float) -> Any:
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def _style(peer: str) -> dict[str, Any]:
    """Lamina stands out; every peer has its own colour and mark."""
    from matplotlib import colormaps

    others = [name for name in PEERS if not name.startswith("lamina")]
    if peer.startswith("lamina"):
        marks = {"fast": "^", "good": "o", "best": "s"}
        mark = next((mark for word, mark in marks.items() if word in peer), "o")
        return {"marker": mark, "color": "black" if "scratch" not in peer else "grey", "s": 70, "zorder": 3}
    place = others.index(peer) if peer in others else len(others)
    return {"marker": "DvPX<>"[place % 6], "color": colormaps["tab20"](place % 20), "s": 36}


def _errors_by_seconds(found: dict[tuple[str, str], list[Row]]) -> Any:
    """A picture per set: error (down is better) by processor seconds of the fit."""
    sets = list(dict.fromkeys(name for name, _ in found))
    wide = min(4, len(sets))
    high = -(-len(sets) // wide)
    figure = _figure(3.2 * wide, 2.6 * high + 0.9)
    axes = figure.subplots(high, wide, squeeze=False).flatten()
    handles: dict[str, Any] = {}
    for place, name in enumerate(sets):
        panel = axes[place]
        for (each, peer), rows in found.items():
            if each == name:
                score = rows[0]["score"]
                value = statistics.median(row["scores"][score] for row in rows)
                error = value if score in LESS_IS_BETTER else 1 - value
                taken = max(0.01, statistics.median(row["fit_cpu_s"] for row in rows))
                handles[peer] = panel.scatter(taken, error, **_style(peer))
        panel.set_xscale("log")
        panel.set_title(name, fontsize=10)
        panel.set_ylabel(score if score in LESS_IS_BETTER else f"1 − {score}", fontsize=8)
        panel.tick_params(labelsize=7)
        panel.grid(alpha=0.3)
    for panel in axes[len(sets) :]:
        panel.set_visible(False)
    figure.supxlabel("processor seconds of the fit", fontsize=9)
    ordered = [name for name in PEERS if name in handles]
    figure.legend(
        [handles[name] for name in ordered], ordered, loc="outside upper center", ncols=6, fontsize=8
    )
    return figure


def _ranks_by_rows(ranks: dict[str, dict[str, float]]) -> Any:
    figure = _figure(7, 4)
    panel = figure.subplots()
    sizes = sorted(ranks, key=int)
    for peer in (name for name in PEERS if any(name in ranks[size] for size in sizes)):
        there = [size for size in sizes if peer in ranks[size]]
        style = _style(peer)
        panel.plot(
            [int(size) for size in there], [ranks[size][peer] for size in there], label=peer,
            marker=style["marker"], color=style["color"], linewidth=2.5 if peer.startswith("lamina") else 1,
        )  # fmt: skip
    panel.set_xscale("log")
    panel.set_xticks([int(size) for size in sizes], sizes)
    panel.minorticks_off()
    panel.invert_yaxis()
    panel.set_xlabel("training rows")
    panel.set_ylabel("mean rank (up is better)")
    panel.grid(alpha=0.3)
    figure.legend(loc="outside right upper", fontsize=8)
    return figure


def _accuracy_by_seconds(rows: list[Row]) -> Any:
    figure = _figure(7, 4)
    panel = figure.subplots()
    for row in rows:
        times = [point["seconds"] for point in row["points"]]
        panel.plot(
            times,
            [point["accuracy"] for point in row["points"]],
            marker="o",
            label=f"{row['peer']}, seed {row['seed']}",
        )
    panel.set_xscale("log")
    panel.set_xlabel("seconds from the start of the command")
    panel.set_ylabel("accuracy on the test rows")
    panel.grid(alpha=0.3)
    panel.legend(fontsize=8)
    return figure
