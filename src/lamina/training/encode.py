"""From a raw table to arrays: schema, doctor, split, features, answers, in the order of the drawing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from lamina.catalog import ANSWERS, KINDS
from lamina.data.doctor import examine, set_aside, stop_on_fatal
from lamina.data.infer import infer
from lamina.data.split import Split, split
from lamina.data.table import Table
from lamina.errors import ColumnError, TrainingError, UsageError, nearest
from lamina.features.base import Arrays
from lamina.features.features import Features, broken, broken_findings
from lamina.features.targets.base import Target
from lamina.features.targets.several import fit_target
from lamina.records import Finding, Quality, Schema
from lamina.settings import Settings
from lamina.tasks import Task, check_metric
from lamina.training.rows import Rows, rows_of
from lamina.training.sample import Sample

SHARE = 0.15  # of the rows kept for validation, at most MOST_VALIDATION of them
MOST_VALIDATION = 20_000
OF_TEXTS, MANY_TEXTS = 0.1, 4000  # share with texts from so many rows on: every text tells new words
TUNED_PER_CLASS = 500  # training rows from which on pretrained encoders learn by default
MEDIA = ("image", "audio", "video")
PICTURES = 2000  # validation rows when they only judge, as they do for pictures


@dataclass(frozen=True)
class Encoded:
    """Everything about the data that training and the baselines need, once it is in arrays."""

    schema: Schema
    features: Features
    target: Target
    arrays: Arrays
    answers: np.ndarray
    weights: np.ndarray | None
    split: Split
    findings: tuple[Finding, ...]
    covered_by: pl.Series | None = None
    sample: Sample | None = None


def encode(
    table: Table,
    task: Task,
    settings: Settings,
    kinds: Mapping[str, str],
    roles: Mapping[str, str],
) -> Encoded:
    """Raw columns → arrays: the features learn from the training rows only."""
    schema = infer(table, task=task, kinds=kinds, roles=roles)
    rows = rows_of(table, schema)
    covered = _covered_by(rows, schema, settings)
    known = rows.known
    target = fit_target(known, schema, settings.size)
    _check_frames(schema, target, settings)
    check_metric(task, target.metrics, ANSWERS[target.answer].what)
    parts = split(
        known, schema, answer=schema.with_role("target")[0].answer,
        share=validation_share(len(rows), schema, settings), seed=settings.seed, how=settings.split,
    )  # fmt: skip
    schema, found = set_aside(schema, examine(rows.case(parts)), roles, settings.allow)
    findings = (*table.findings, *rows.findings, *found)
    stop_on_fatal(findings, settings.allow)
    options = _options(schema, target, len(parts.train), settings)
    features = Features.fit_on(rows.take, schema, parts.train, options)
    arrays, frame = rows.transform(features)
    findings += tuple(finding for each in features for finding in each.findings(arrays))
    unreadable = {} if frame is None else broken(arrays, frame, features)
    answers = target.encode(known)
    weights = row_weights(known, schema, answers, target, task)
    encoded = Encoded(schema, features, target, arrays, answers, weights, parts, tuple(findings), covered)
    if unreadable:
        encoded = without_broken(encoded, unreadable)
    return replace(encoded, sample=Sample.of(rows.take, schema, encoded.split, settings.seed))


def _options(schema: Schema, target: Target, rows: int, settings: Settings) -> dict[str, dict[str, Any]]:
    """What the settings and the target say to the features, by kind."""
    pretrained = False if target.frames else settings.pretrained
    return {
        "image": {
            "side": settings.size,
            "pretrained": pretrained,
            "whole": target.frames,
            "size": target.picture,
        },
        "video": {"side": settings.size},
        "text": {
            "pretrained": _pretrained(settings),
            "rare": settings.quality != "fast",
            "tuned": _tuned(schema, target, rows, settings),
        },
        "audio": {"whole": target.frames},
    }


def _covered_by(rows: Rows, schema: Schema, settings: Settings) -> pl.Series | None:
    """The column in whose groups bounds are to hold; the classes themselves are no column of their own."""
    by = settings.coverage_by
    if by is None or by in [field.name for field in schema.with_role("target")]:
        return None
    names = [field.name for field in schema if field.role != "ignored"]
    if by not in names:
        raise UsageError(
            f"Bounds are to hold in every group of {by!r}, which is no column that is read.",
            nearest(by, names),
            column=by,
        )
    return rows.whole(by)


def without_broken(encoded: Encoded, unreadable: Mapping[str, np.ndarray]) -> Encoded:
    """Sets rows aside whose pictures cannot be read, with a finding per column."""
    rows = np.unique(np.concatenate(list(unreadable.values())))
    total = len(encoded.answers)
    if len(rows) > total / 2:
        raise TrainingError(
            f"{len(rows):,} of {total:,} rows hold media that cannot be read.",
            "Check that the files exist and are pictures; `lamina schema` shows how columns are read.",
            rows=rows[:100].tolist(),
        )
    keep = np.ones(total, bool)
    keep[rows] = False
    train, validation = encoded.split.train, encoded.split.validation
    # only the split forgets them: arrays of media are too large to be copied without a few rows
    return replace(
        encoded,
        split=replace(encoded.split, train=train[keep[train]], validation=validation[keep[validation]]),
        findings=(*encoded.findings, *broken_findings(unreadable)),
    )


def _check_frames(schema: Schema, target: Target, settings: Settings) -> None:
    """What is read part by part from a recording or a picture is read from it alone."""
    others = [each.name for each in schema.with_role("input") if each.kind != target.source]
    recordings = schema.of_kind(target.source)
    if target.frames and (others or len(recordings) != 1):
        ignored = ", ".join(f"{name!r}: 'ignored'" for name in (others or [e.name for e in recordings[1:]]))
        raise UsageError(
            f"The answer, {ANSWERS[target.answer].what}, is read from one column of "
            f"{KINDS[target.source].plural}; here are {len(recordings)}"
            + (f", and other inputs: {', '.join(map(repr, others))}." if others else "."),
            f"Leave columns out with roles={{{ignored}}}."
            if ignored
            else f"Name a table with {KINDS[target.source].plural}.",
            recordings=[each.name for each in recordings],
            others=others,
        )
    if target.frames and settings.hidden:
        raise UsageError(
            f"For {ANSWERS[target.answer].what} there are no hidden layers beside those of the input.",
            "Leave `hidden` away.",
            hidden=settings.hidden,
        )


def _pretrained(settings: Settings) -> bool | None:
    """Whether pretrained weights read along: as set; never by itself at the quality "fast"."""
    if settings.pretrained is None and settings.quality == "fast":
        return False
    return settings.pretrained


def _tuned(schema: Schema, target: Target, rows: int, settings: Settings) -> Quality:
    """How much time there is for encoders to learn. Media are trained at rates that would make them forget;
    by default several would take more time, and make the file larger, than is good, and few texts of a class
    are learnt better from what the encoder knows."""
    if any(map(schema.of_kind, MEDIA)):
        return "fast"
    several = len(schema.of_kind("text")) > 1
    few = target.codes and rows < TUNED_PER_CLASS * target.scores
    return "fast" if settings.quality == "good" and (several or few) else settings.quality


def validation_share(rows: int, schema: Schema, settings: Settings) -> float:
    """The share of the rows that is held out from training."""
    if settings.validation is not None:
        return settings.validation
    if any(map(schema.of_kind, MEDIA)):
        return min(SHARE, PICTURES / max(rows, 1))
    texts = schema.of_kind("text") and rows >= MANY_TEXTS
    return min(OF_TEXTS if texts else SHARE, MOST_VALIDATION / max(rows, 1))


def row_weights(
    frame: pl.DataFrame, schema: Schema, answers: np.ndarray, target: Target, task: Task
) -> np.ndarray | None:
    """Row weights with mean 1: from the weight column, and against rare classes when asked."""
    columns = schema.with_role("weight")
    weights = np.ones(len(answers))
    if not columns and task.balance == "none":
        return None
    if columns:
        weights = frame[columns[0].name].cast(pl.Float64).fill_null(0.0).to_numpy()
        if weights.min() < 0:
            raise ColumnError(
                f"Column {columns[0].name!r} weighs the rows, and holds {weights.min():g}: "
                "a weight below zero means nothing.",
                "Give weights of zero and more, or take the role away.",
                column=columns[0].name,
            )
    if task.balance == "balanced":
        rare = target.balance(answers)
        weights = weights if rare is None else weights * rare
    if not weights.sum() > 0:
        raise TrainingError(
            "Every row has weight zero: there is nothing to learn from.",
            "Check the column with the role weight.",
        )
    return (weights / weights.mean()).astype(np.float32)
