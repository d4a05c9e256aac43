"""The life of a network as one SVG picture: how good champion and candidates were, and what came of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import Any, Final

import polars as pl

from lamina.tasks import more_is_better

WIDTH, HEIGHT = 900, 360
LEFT, RIGHT, TOP, BOTTOM = 70, 20, 50, 90
COLOURS: Final = {
    "added": "#4477aa",
    "promoted": "#228833",
    "kept": "#bbaa22",
    "refused": "#cc6633",
    "failed": "#cc3311",
    "rolled back": "#aa3377",
    "forgotten": "#666666",
}
MARK: Final = 5  # pixels

Row = dict[str, Any]


def draw(history: pl.DataFrame, title: str) -> str:
    """SVG text. Across: the events; up: the score on the new rows of each, of the champion (ring) and of the
    candidate (dot), where both were judged; below: what came of it, the version in use from then on, and the
    days of the first and the last."""
    rows = [row for row in history.iter_rows(named=True) if row["outcome"] in COLOURS]
    scores = [row[name] for row in rows for name in ("champion_on_new", "candidate_on_new")]
    known = [each for each in scores if each is not None]
    metric = next((row["metric"] for row in rows if row["candidate_on_new"] is not None), "")
    body = [*_frame(title, metric, known), *_events(rows, known), *_legend(rows)]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
        f'height="{HEIGHT}" font-family="sans-serif" font-size="12">\n'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>\n' + "\n".join(body) + "\n</svg>\n"
    )


def _frame(title: str, metric: str, known: Sequence[float]) -> Iterator[str]:
    """Title, axes, and what the height says."""
    floor = HEIGHT - BOTTOM
    yield _text(LEFT, 20, title, size=15)
    if metric:
        better = "more" if more_is_better(metric) else "less"
        yield _text(
            LEFT,
            38,
            f"{metric} on the new rows, {better} is better; ring: the champion before, dot: the candidate",
        )
    yield _line(LEFT, TOP, LEFT, floor)
    yield _line(LEFT, floor, WIDTH - RIGHT, floor)
    for value in {min(known), max(known)} if known else ():
        yield _text(LEFT - 6, _up(value, known) + 4, f"{value:.4g}", anchor="end")


def _events(rows: Sequence[Row], known: Sequence[float]) -> Iterator[str]:
    floor = HEIGHT - BOTTOM
    for place, row in enumerate(rows):
        x, colour = _across(place, len(rows)), COLOURS[row["outcome"]]
        champion, candidate = row["champion_on_new"], row["candidate_on_new"]
        if champion is not None and candidate is not None:
            yield _line(x, _up(champion, known), x, _up(candidate, known), colour)
            yield _dot(x, _up(champion, known), "white", "#444444", "the champion before", champion)
            yield _dot(x, _up(candidate, known), colour, colour, "the candidate", candidate)
        hint = f"{row['at']:%Y-%m-%d %H:%M} {row['who']}: {row['outcome']}. {row['why']} {row['note']}"
        yield (
            f'<rect x="{x - 4:.1f}" y="{floor + 8}" width="8" height="8" fill="{colour}">'
            f"<title>{escape(hint)}</title></rect>"
        )
        if row["champion"] is not None and (not place or row["champion"] != rows[place - 1]["champion"]):
            yield _text(x, floor + 32, f"v{row['champion']}", anchor="middle")
        if place in (0, len(rows) - 1):
            yield _text(x, floor + 48, f"{row['at']:%Y-%m-%d}", anchor="middle")


def _legend(rows: Sequence[Row]) -> Iterator[str]:
    there = [name for name in COLOURS if any(row["outcome"] == name for row in rows)]
    for place, name in enumerate(there):
        x, y = LEFT + 115 * place, HEIGHT - 22
        yield f'<rect x="{x}" y="{y - 9}" width="10" height="10" fill="{COLOURS[name]}"/>'
        yield _text(x + 15, y, name)


def _across(place: int, count: int) -> float:
    room = WIDTH - LEFT - RIGHT
    return LEFT + room * (place + 0.5) / max(count, 1)


def _up(value: float, known: Sequence[float]) -> float:
    low, high = min(known), max(known)
    share = 0.5 if high == low else (value - low) / (high - low)
    return HEIGHT - BOTTOM - 10 - share * (HEIGHT - BOTTOM - TOP - 20)


def _text(x: float, y: float, words: str, *, size: int = 12, anchor: str = "start") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" fill="#222222">'
        f"{escape(words)}</text>"
    )


def _line(x1: float, y1: float, x2: float, y2: float, colour: str = "#999999") -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"/>'


def _dot(x: float, y: float, fill: str, edge: str, what: str, value: float) -> str:
    return (
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{MARK}" fill="{fill}" stroke="{edge}">'
        f"<title>{what}: {value:.5g}</title></circle>"
    )
