"""One model in service: rows in, answers out, several requests in one call of the network."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

import polars as pl

from lamina.data.conform import conform
from lamina.data.read import read
from lamina.data.table import Table
from lamina.model import Model
from lamina.predictions.predict import predict
from lamina.records import Finding, Schema


class Asked(NamedTuple):
    """Rows of one request, or a part of them, as the network reads them; and what could not be read."""

    frame: pl.DataFrame
    warnings: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        return self.frame.height


class Served:
    """A model under its name, with the version that stands behind it."""

    def __init__(self, name: str, model: Model, version: str) -> None:
        self.name = name
        self.model = model
        self.version = version

    @property
    def schema(self) -> Schema:
        return self.model.schema

    def asked(self, frame: pl.DataFrame) -> Asked:
        """The conformed rows. Raises DataError where columns are missing or hold something else."""
        table = Table(read(frame).frame, "the request")
        conformed, findings = conform(table, self.schema, need_target=False)
        return Asked(conformed, tuple(_said(each) for each in findings if each.severity != "note"))

    def parts(self, asked: Asked, rows: int) -> list[Asked]:
        """The same so many rows at a time."""
        return [Asked(each) for each in asked.frame.iter_slices(rows)]

    def answer(self, asked: Sequence[Asked]) -> list[pl.DataFrame]:
        """The answers for several requests, each its own frame."""
        frames = [each.frame for each in asked]
        together = frames[0] if len(frames) == 1 else pl.concat(frames, how="vertical_relaxed")
        answers, _ = predict(self.model.fitted, together, probabilities=None)
        starts = itertools.accumulate((each.rows for each in asked), initial=0)
        return [answers.slice(start, each.rows) for start, each in zip(starts, asked, strict=False)]

    def about(self) -> dict[str, Any]:
        """What the model is, for people and machines."""
        judged = self.model.validation
        return {
            "name": self.name,
            "version": self.version,
            "target": list(self.model.fitted.target.targets),
            "answer": self.model.fitted.target.answer,
            "metric": judged.metric,
            "scores": judged.scores,
            "weights": self.model.fitted.network.weights,
        }


def _said(finding: Finding) -> str:
    return f"{finding.message} {finding.remedy}".strip()
