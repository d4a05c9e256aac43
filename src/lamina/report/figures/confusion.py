"""Which classes are taken for which."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from lamina.report.html import Html, data, joined, table, tag
from lamina.report.words import percent

MOST_SHOWN: Final = 12  # classes up to which every pair has a cell
MOST_PAIRS: Final = 15
UNSEEN: Final = "(never seen)"


def counted(told: np.ndarray, came: np.ndarray, classes: int) -> np.ndarray:
    """Rows by true (down; the last: a class that training never saw) and answered class (across)."""
    true = np.where(came >= 0, came, classes).astype(np.int64)
    seen = np.bincount(true * classes + told, minlength=(classes + 1) * classes)
    return seen.reshape(classes + 1, classes)


def confusion(counts: np.ndarray, names: Sequence[str]) -> Html:
    """All pairs where classes are few, else those that are mixed up most."""
    down = [*names, UNSEEN] if counts[-1].any() else list(names)
    if len(names) <= MOST_SHOWN:
        return _matrix(counts[: len(down)], down, names)
    return _pairs(counts[: len(down)], down, names)


def _matrix(counts: np.ndarray, down: Sequence[str], across: Sequence[str]) -> Html:
    whole = np.maximum(counts.sum(1, keepdims=True), 1)
    shares = counts / whole

    def cell(k: int, j: int) -> Html:
        right = down[k] == across[j]
        strength = round(float(shares[k, j]) ** 0.6, 2)
        style = f"--s:{strength}"
        words = f"{int(counts[k, j]):,}"
        told = f"{down[k]} answered as {across[j]}: {words} of {int(whole[k, 0]):,} ({percent(shares[k, j])})"
        kind = "right" if right else "wrong"
        deep = " deep" if strength > 0.62 else ""
        zero = "" if counts[k, j] else " zero"
        return tag("td", words, class_=kind + deep + zero, style=style, title=told)

    top = tag(
        "tr",
        tag("th", "true ↓", tag("br"), "answered →", scope="col", class_="corner"),
        *(tag("th", data(name, 14), scope="col") for name in across),
        tag("th", "found", scope="col", class_="found"),
    )
    rows = [
        tag(
            "tr",
            tag("th", data(name, 14), scope="row"),
            *(cell(k, j) for j in range(len(across))),
            tag("td", percent(float(shares[k, k])) if k < len(across) else "–", class_="found"),
        )
        for k, name in enumerate(down)
    ]
    caption = tag("caption", "Rows by true and answered class", class_="unseen")
    whole_table = tag("table", caption, tag("thead", top), tag("tbody", *rows), class_="confusion")
    return tag("div", whole_table, class_="wide", tabindex="0", role="region", aria_label="confusion matrix")


def _pairs(counts: np.ndarray, down: Sequence[str], across: Sequence[str]) -> Html:
    wrong = counts.copy()
    np.fill_diagonal(wrong, 0)
    order = np.argsort(-wrong, axis=None, kind="stable")[:MOST_PAIRS]
    places = [tuple(map(int, np.unravel_index(each, wrong.shape))) for each in order]
    rows = [
        (
            data(down[k], 40),
            data(across[j], 40),
            f"{wrong[k, j]:,}",
            percent(wrong[k, j] / max(counts[k].sum(), 1)),
        )
        for k, j in places
        if wrong[k, j]
    ]
    if not rows:
        return joined(["No class was taken for another."])
    return table(
        ("true class", "answered as", "rows", "of the true class"), rows, numbers=(2, 3),
        caption="The pairs of classes that are mixed up most",
    )  # fmt: skip


def found_least(counts: np.ndarray, names: Sequence[str], most: int = 10) -> list[tuple[str, int, float]]:
    """The classes that are found least: name, rows, share found."""
    rows = counts[: len(names)].sum(1)
    shares = np.diag(counts[: len(names)]) / np.maximum(rows, 1)
    order = [k for k in np.argsort(shares, kind="stable") if rows[k]]
    return [(names[k], int(rows[k]), float(shares[k])) for k in order[:most]]
