"""A target that is any number of labels per row: topics of a text, things in a picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl

from lamina.errors import TargetError
from lamina.features.targets.base import Target, told_probabilities, wants_all
from lamina.features.targets.told import Column, Told
from lamina.scores.labels import label_scores, labels_log_loss
from lamina.scores.ranking import Scores

MOST_LABELS = 5_000
LEAST_NEW = 5  # rows of a label that comes later: with fewer it may be a slip of the pen


@dataclass(frozen=True)
class LabelsTarget(Target):
    """Lists of labels ↔ a row of zeros and ones. An empty list is an answer, a missing one is none."""

    column: str
    labels: tuple[str, ...]

    answer: ClassVar[str] = "labels"
    simplest: ClassVar[str] = "frequency"

    @classmethod
    def fit(cls, frame: pl.DataFrame, column: str, form: Mapping[str, Any] | None = None) -> Self:
        labels = sorted(frame[column].explode().drop_nulls().unique().to_list())
        if not labels:
            raise TargetError(
                f"The target {column!r} holds no label in any row.",
                "Fill it with lists of labels, or name another target.",
                column=column,
            )
        if len(labels) > MOST_LABELS:
            raise TargetError(
                f"The target {column!r} holds {len(labels):,} different labels; {MOST_LABELS:,} are the most "
                "that can be told apart.",
                "Check the separator between labels, or leave the rare ones out.",
                column=column,
                labels=len(labels),
            )
        return cls(column, tuple(labels))

    def extend(self, frame: pl.DataFrame) -> LabelsTarget:
        """New labels with rows enough are appended, those with the most rows first."""
        met = frame[self.column].explode().drop_nulls().alias("label")
        counts = met.value_counts(name="rows")
        new = counts.filter((pl.col("rows") >= LEAST_NEW) & ~pl.col("label").is_in(list(self.labels)))
        labels = new.sort(["rows", "label"], descending=[True, False])["label"].to_list()
        return LabelsTarget(self.column, (*self.labels, *labels)[: max(MOST_LABELS, len(self.labels))])

    def read(self, series: pl.Series) -> np.ndarray:
        """0 and 1, float32 ``(rows, label)``; NaN where missing. Labels never seen are left out."""
        answers = np.zeros((len(series), len(self.labels)), np.float32)
        known = pl.Series(self.labels, dtype=pl.String)
        codes = pl.Series(range(len(self.labels)), dtype=pl.Int64)
        rows = series.to_frame("label").with_row_index("row").explode("label")
        code = rows["label"].replace_strict(known, codes, default=None, return_dtype=pl.Int64)
        met = rows.with_columns(code=code).drop_nulls("code")
        answers[met["row"].to_numpy(), met["code"].to_numpy()] = 1
        answers[series.is_null().to_numpy()] = np.nan
        return answers

    def decode(self, chosen: np.ndarray, answered: np.ndarray) -> pl.Series:
        """Booleans ``(rows, label)`` → lists of labels, null where ``answered`` is false."""
        lists = [
            [self.labels[k] for k in np.flatnonzero(row)] if known else None
            for row, known in zip(chosen, answered, strict=True)
        ]
        return pl.Series(self.column, lists, dtype=pl.List(pl.String))

    @property
    def scores(self) -> int:
        return len(self.labels)

    @property
    def answer_width(self) -> int:
        return len(self.labels)

    def constant(self, answers: np.ndarray) -> np.ndarray:
        """How often every label occurs."""
        shares: np.ndarray = np.nanmean(answers, axis=0)
        return shares

    def loss_of_constant(self, answers: np.ndarray) -> float:
        known = answers[~np.isnan(answers).any(1)]
        return labels_log_loss(np.tile(self.constant(answers), (len(known), 1)), known)

    def balance(self, answers: np.ndarray) -> np.ndarray | None:
        """A row weighs as its rarest label, and as the rows that have none of the labels."""
        counts = np.maximum(answers.sum(0), 1)
        none = max(float((answers.sum(1) == 0).sum()), 1.0)
        weights: np.ndarray = np.where(answers.any(1), (answers / counts).max(1), 1 / none)
        return weights

    def judge(self, decoded: np.ndarray, answers: np.ndarray) -> Scores:
        return label_scores(decoded, answers, self.labels)

    def error(self, decoded: np.ndarray, answers: np.ndarray) -> float:
        return labels_log_loss(decoded, answers)

    def told(
        self,
        decoded: np.ndarray,
        answered: np.ndarray,
        *,
        probabilities: bool | None = None,
        several: bool = False,
    ) -> list[Told]:
        """``predicted_<target>``, a list of the labels of probability 0.5 and more, and
        ``probability_<label>`` of each."""
        chosen = self.decode(decoded >= 0.5, answered).alias(f"predicted_{self.column}")
        told: list[Told] = [Column(chosen)]
        if wants_all(probabilities, self.labels):
            told += told_probabilities(self.column, self.labels, decoded, answered, several)
        return told

    def describe(self) -> str:
        return f"{self.column!r}, any of {len(self.labels)} labels"

    def to_json(self) -> dict[str, Any]:
        return {"answer": self.answer, "column": self.column, "labels": list(self.labels)}

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> Self:
        labels = tuple(state["labels"])
        if not all(isinstance(each, str) for each in labels) or not 0 < len(labels) == len(set(labels)):
            raise ValueError("labels are words, each once")
        return cls(str(state["column"]), labels)
