"""The frozen records that one stage hands to the next.

They are plain data: readable as JSON, comparable, without behaviour that needs another stage.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any, Literal

import msgspec

Role = Literal["input", "target", "time", "group", "weight", "ignored"]
Severity = Literal["fatal", "warning", "note"]
Quality = Literal["fast", "good", "best"]


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """A column as Lamina understands it.

    ``kind`` is a name of the catalog (number, category, flag, date, text, image, …), ``why`` the
    reason in words a user can check, ``unit`` what was written beside the numbers ("kmpl", "%"),
    ``form`` what is needed to read the raw values again (decimal mark, date format, true/false words).
    """

    name: str
    kind: str
    role: Role
    why: str
    unit: str | None = None
    form: dict[str, Any] = {}

    @property
    def answer(self) -> str:
        """What kind of answer a target is: a name of ``catalog.ANSWERS``."""
        return str(self.form.get("answer", "number" if self.kind == "number" else "classes"))


class Schema(msgspec.Struct, frozen=True, dict=True):
    """All fields of a table, in the order of its columns."""

    fields: tuple[Field, ...]

    def __iter__(self) -> Iterator[Field]:  # type: ignore[override]
        return iter(self.fields)

    def __len__(self) -> int:
        return len(self.fields)

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def __getitem__(self, name: str) -> Field:
        return self._by_name[name]

    @cached_property
    def _by_name(self) -> dict[object, Field]:
        return {field.name: field for field in self.fields}

    def with_role(self, role: Role) -> tuple[Field, ...]:
        """The fields that have this role, in column order."""
        return tuple(field for field in self.fields if field.role == role)

    def of_kind(self, kind: str, role: Role = "input") -> tuple[Field, ...]:
        """The fields of this kind and role, in column order."""
        return tuple(f for f in self.fields if f.kind == kind and f.role == role)

    def with_fields(self, fields: Iterable[Field]) -> Schema:
        """The schema with further fields behind its own; one of the same name gives way."""
        further = tuple(fields)
        names = {field.name for field in further}
        return Schema((*(each for each in self.fields if each.name not in names), *further))

    def replace(self, name: str, **changes: Any) -> Schema:
        """The schema with one field changed."""
        return Schema(
            tuple(msgspec.structs.replace(f, **changes) if f.name == name else f for f in self.fields)
        )


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What was noticed in the data: where, why it matters, what to do.

    ``rows`` are 0-based row numbers of the table as read (the first hundred at most), ``count``
    how many there are in all; ``effect`` is what doing it would change, where that is known.
    """

    severity: Severity
    code: str
    message: str
    remedy: str = ""
    column: str | None = None
    rows: tuple[int, ...] = ()
    count: int = 0
    effect: str = ""


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """Something Lamina decided: what, the value, and the reason that is printed beside it."""

    what: str
    value: Any
    why: str


class Epoch(msgspec.Struct, frozen=True, kw_only=True):
    """One pass over the training rows. ``loss`` per answer; ``score`` on the validation rows."""

    number: int
    loss: float
    score: float | None = None
    rate: float = 0.0


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Some of the rows, and how good the answers are there; ``intervals`` are 95 % bootstrap intervals."""

    name: str
    rows: int
    scores: dict[str, float]
    intervals: dict[str, tuple[float, float]] = {}


class Worse(msgspec.Struct, frozen=True, kw_only=True):
    """A group of rows that fares clearly worse than the other rows.

    ``measure`` is what was compared ("error", "log_loss", "overconfidence", "absolute_error", …; of several
    targets ``<target>.<measure>``), ``inside`` and ``outside`` its means in the group and in the other rows,
    ``least`` how much larger the first is at least; ``share`` says that they are shares of rows.
    """

    column: str
    group: str
    measure: str
    rows: int
    inside: float
    outside: float
    least: float
    share: bool = False


class Groups(msgspec.Struct, frozen=True, kw_only=True):
    """The groups of one column, ``how`` they were made, and those that fare clearly worse."""

    column: str
    how: str
    groups: tuple[Group, ...]
    worse: tuple[Worse, ...] = ()


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    """How good the answers are, beside an honest baseline.

    ``intervals`` are 95 % bootstrap intervals; ``baseline`` maps the name of a baseline
    ("majority", "mean", "linear") to its scores on the same rows; ``groups`` are those asked for.
    """

    rows: int
    metric: str
    scores: dict[str, float]
    intervals: dict[str, tuple[float, float]] = {}
    baseline: dict[str, dict[str, float]] = {}
    on: str = ""
    groups: tuple[Groups, ...] = ()


def to_json(record: Any) -> str:
    """A record as JSON with two-space indents."""
    return msgspec.json.format(msgspec.json.encode(record), indent=2).decode()
