"""What was told and what came, row by row, for people: by kind of answer."""

from __future__ import annotations

from collections.abc import Sequence
from functools import singledispatch

import numpy as np

from lamina.features.targets.base import Target
from lamina.features.targets.classes import ClassTarget
from lamina.features.targets.labels import LabelsTarget
from lamina.features.targets.mask import MaskTarget
from lamina.features.targets.means import MeanTarget
from lamina.features.targets.number import NumberTarget
from lamina.features.targets.quantiles import QuantilesTarget
from lamina.features.targets.transcript import TranscriptTarget
from lamina.predictions.row_losses import row_losses
from lamina.report.cells import NOTHING, Cells
from lamina.report.html import Html, data, joined
from lamina.report.words import chance, listed, number, percent

Shown = tuple[tuple[str, ...], Sequence[tuple[Html, ...]]]
UNSEEN = "(never seen)"
SURE = 1e-3  # of the loss: right without doubt, and no row to look at


def worst(target: Target, told: np.ndarray, came: np.ndarray, most: int) -> np.ndarray:
    """The rows that are answered worst, the worst first; of classes and labels first those that are wrong."""
    measures = {each.name: each.values for each in row_losses(target, told, came)}
    chosen = next((m for m in ("log_loss", "absolute_error") if m in measures), next(iter(measures)))
    losses = np.nan_to_num(measures[chosen], nan=-np.inf)
    wrong = measures.get("error", np.zeros(len(losses)))
    rows = np.lexsort((-losses, -np.nan_to_num(wrong)))
    return rows[losses[rows] > SURE][:most]


@singledispatch
def shown(target: Target, told: np.ndarray, came: np.ndarray, cells: Cells) -> Shown:
    """The heads of the columns, and the cells of every row: true, answered, and more where there is."""
    return ("true", "answered"), [(data(came[k]), data(told[k])) for k in range(len(came))]


@shown.register
def _(target: ClassTarget, told: np.ndarray, came: np.ndarray, cells: Cells) -> Shown:
    rows = []
    for own, true in zip(told, came, strict=True):
        name = data(target.labels[true], 40) if true >= 0 else UNSEEN
        given = chance(float(own[true])) if true >= 0 else "–"
        best = int(own.argmax())
        rows.append(
            (
                joined([name]),
                data(target.labels[best], 40),
                joined([chance(float(own[best]))]),
                joined([given]),
            )
        )
    return ("true", "answered", "how sure", "the true one got"), rows


@shown.register
def _(target: NumberTarget, told: np.ndarray, came: np.ndarray, cells: Cells) -> Shown:
    return _numbers(target.values(told), target.raw(came))


@shown.register
def _(target: MeanTarget, told: np.ndarray, came: np.ndarray, cells: Cells) -> Shown:
    return _numbers(target.values(told), came.astype(np.float64) * target.mean)


@shown.register
def _(target: QuantilesTarget, told: np.ndarray, came: np.ndarray, cells: Cells) -> Shown:
    values = target.values(told)
    heads, rows = _numbers(values[:, target.middle], target.raw(came))
    spans = [
        f"{number(low)} to {number(high)}" for low, high in zip(values[:, 0], values[:, -1], strict=True)
    ]
    named = f"q{100 * target.levels[0]:g} to q{100 * target.levels[-1]:g}"
    return (*heads, named), [(*row, joined([span])) for row, span in zip(rows, spans, strict=True)]


@shown.register
def _(target: LabelsTarget, told: np.ndarray, came: np.ndarray, cells: Cells) -> Shown:
    def names(chosen: np.ndarray) -> Html:
        labels = [target.labels[k] for k in np.flatnonzero(chosen)]
        return data(listed(labels, 12), 160) if labels else NOTHING

    rows = [
        (names(true > 0.5), names(own >= 0.5), joined([_doubts(target, own, true)]))
        for own, true in zip(told, came, strict=True)
    ]
    return ("true", "answered", "furthest off"), rows


def _doubts(target: LabelsTarget, own: np.ndarray, true: np.ndarray) -> Html:
    k = int(np.abs(own - true).argmax())
    return joined([data(target.labels[k], 40), f" {chance(float(own[k]))}"])


@shown.register
def _(target: TranscriptTarget, told: np.ndarray, came: np.ndarray, cells: Cells) -> Shown:
    rows = [
        (data(target.text(true)), data(target.text(own[1:])), joined([chance(float(np.exp(own[0])))]))
        for own, true in zip(told, came, strict=True)
    ]
    return ("true", "answered", "how sure"), rows


@shown.register
def _(target: MaskTarget, told: np.ndarray, came: np.ndarray, cells: Cells) -> Shown:
    size = (target.height, target.width_px)

    def row(own: np.ndarray, true: np.ndarray) -> tuple[Html, ...]:
        answer = own[: target.pixels].astype(np.uint8).reshape(size)
        share = target.judge(own[None], true[None])["iou"]
        pictures = cells.mask(true.reshape(size), "true mask"), cells.mask(answer, "answered mask")
        return (*pictures, joined([percent(share)]))

    return ("true", "answered", "overlap"), [row(a, b) for a, b in zip(told, came, strict=True)]


def _numbers(values: np.ndarray, came: np.ndarray) -> Shown:
    rows = [
        tuple(joined([number(each, 4)]) for each in (true, told, told - true))
        for told, true in zip(values, came, strict=True)
    ]
    return ("true", "answered", "off by"), rows
