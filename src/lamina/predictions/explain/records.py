"""What an explanation says, as plain records: readable as JSON, the same for every kind of answer."""

from __future__ import annotations

from typing import Any

import msgspec


class Contribution(msgspec.Struct, frozen=True, kw_only=True):
    """How far one column, or a group that means something together, moved an answer.

    ``columns`` are the names (a pair for a place), ``value`` what the row holds there, in short;
    ``contribution`` is in the unit of the answer, ``error`` its standard error.
    """

    columns: tuple[str, ...]
    value: str
    contribution: float
    error: float

    @property
    def name(self) -> str:
        """The columns in one word."""
        return (
            ", ".join(self.columns) if len(self.columns) <= 2 else f"{self.columns[0]} … {self.columns[-1]}"
        )


class RowExplanation(msgspec.Struct, frozen=True, kw_only=True):
    """One answer for one row: ``answer`` = ``mean`` + the sum of the contributions, largest first.

    ``target`` is the column that is predicted, ``of`` what of it is explained ("probability of 'yes'",
    "charge"), ``mean`` the mean answer for the rows it is compared with.
    """

    row: int
    target: str
    of: str
    answer: float
    mean: float
    contributions: tuple[Contribution, ...]


class Word(msgspec.Struct, frozen=True, kw_only=True):
    """A word of a text, how often it stands there, and how far it moved the answer."""

    word: str
    times: int
    contribution: float


class Inside(msgspec.Struct, frozen=True, kw_only=True):
    """Which parts of one text, picture, recording or clip moved one answer, by integrated gradients.

    ``answer`` is the answer for the row, ``baseline`` that for the same row with ``instead`` in this column;
    the contributions of the parts add up to the difference but for ``gap``, the error of the integral.
    A text has ``words``, largest first. Media have a ``map`` of contributions, row by row, whose axes
    ``axes`` names: pixels of a picture (height, width), bands (Hz) and frames (seconds) of a recording; a
    clip has one map, the sum over its frames, and the contribution of every frame under ``moments``.
    """

    row: int
    column: str
    kind: str
    target: str
    of: str
    answer: float
    baseline: float
    instead: str
    gap: float
    words: tuple[Word, ...] = ()
    map: tuple[tuple[float, ...], ...] = ()
    axes: tuple[tuple[float, ...], tuple[float, ...]] | None = None
    moments: tuple[float, ...] = ()


class Importance(msgspec.Struct, frozen=True, kw_only=True):
    """How much a column matters over many rows, with 95 % bootstrap intervals.

    ``shapley``: mean absolute contribution to the answers, in their unit. ``loss``: by how much the error
    named ``Explanation.metric`` grows when the column's values are dealt out among the rows anew; None where
    the answers are not known.
    """

    columns: tuple[str, ...]
    target: str
    shapley: float
    shapley_interval: tuple[float, float]
    loss: float | None = None
    loss_interval: tuple[float, float] | None = None

    @property
    def name(self) -> str:
        """The columns in one word."""
        return (
            ", ".join(self.columns) if len(self.columns) <= 2 else f"{self.columns[0]} … {self.columns[-1]}"
        )


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """What ``Model.explain`` tells.

    ``rows``: one record per row and answer. ``importance``: most important first, per target.
    ``background`` says in words which rows the answers are compared with, ``metric`` by which error the
    importance was judged, ``judged`` on how many rows.
    """

    rows: tuple[RowExplanation, ...] = ()
    inside: tuple[Inside, ...] = ()
    importance: tuple[Importance, ...] = ()
    background: str = ""
    metric: str | None = None
    judged: int = 0

    def __str__(self) -> str:
        from lamina.predictions.explain.words import told

        return told(self)


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One column that is changed."""

    column: str
    before: Any
    after: Any


class Counterfactual(msgspec.Struct, frozen=True, kw_only=True):
    """The least change of the named columns after which the answer is the wanted one.

    ``found`` is false where none of the changes that are allowed brings it; ``answer`` is then the nearest
    that was met. ``distance`` is the sum over the changed columns: of numbers in units of their spread over
    the rows given, 1 for every other change. ``tried`` answers were looked at, ``why`` says what was
    searched.
    """

    row: int
    target: str
    wanted: str
    before: str
    after: str
    found: bool
    changes: tuple[Change, ...]
    distance: float
    tried: int
    why: str

    def __str__(self) -> str:
        from lamina.predictions.explain.words import change_told

        return change_told(self)
