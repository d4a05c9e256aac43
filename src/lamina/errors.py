"""Every error Lamina raises on purpose.

    LaminaError                 base: a problem, what to do about it, and the facts
    ├── UsageError              an argument that cannot be: the caller's mistake (exit code 2)
    │   └── NoGraphError        the ONNX graph is wanted of a model file that holds none
    ├── MissingExtraError       an optional part is not installed; carries the install line
    │   └── MissingTorchError   torch is needed, and Lamina was installed without it
    ├── PluginError             a kind that another package adds and that cannot be used
    ├── DataError               the raw data
    │   ├── SourceError         a file or folder that cannot be read: absent, empty, cut, unknown
    │   ├── TableError          a table whose shape is wrong: ragged rows, a name used twice
    │   ├── ColumnError         a column that is missing or holds what it should not
    │   └── TargetError         the column to predict: absent, empty, a single class
    ├── OutputError             a file that cannot be written
    ├── ExportError             a network that cannot be written as ONNX, or answers otherwise there
    ├── TrainingError           training cannot go on: scores that are not finite, no rows left
    ├── ModelFileError          a model file that is cut, altered, newer than the reader, or hostile
    └── StoreError              a store that is not there, damaged, or whose log cannot be reached
        └── BusyError           somebody else is changing the store at the moment

Each says what came, what was expected and what to do; the facts behind the sentence stay readable
as attributes, so a program need not parse the words.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from importlib.util import find_spec
from typing import Any


class LaminaError(Exception):
    """Base of all errors: ``problem`` in words, ``remedy`` in words, ``facts`` by name."""

    exit_code = 1

    def __init__(self, problem: str, remedy: str, **facts: Any) -> None:
        super().__init__(problem, remedy)
        self.problem = problem
        self.remedy = remedy
        self.facts = facts

    def __str__(self) -> str:
        return f"{self.problem}\n  → {self.remedy}"


class UsageError(LaminaError, ValueError):
    """An argument that cannot be; also a ``ValueError``, as Python callers expect."""

    exit_code = 2


class NoGraphError(UsageError):
    """A network is to be answered as an ONNX graph, and its file holds none."""


class MissingExtraError(LaminaError, ImportError):
    """An optional part is needed and not installed."""

    def __init__(self, purpose: str, extra: str, **facts: Any) -> None:
        super().__init__(
            f"{purpose} needs a part that is not installed.",
            f'Install it with: pip install "lamina[{extra}]"',
            extra=extra,
            **facts,
        )


class MissingTorchError(MissingExtraError):
    """Torch is needed, and only what answers without it is installed."""

    def __init__(self, purpose: str) -> None:
        problem = f"{purpose} needs torch, which is not installed."
        LaminaError.__init__(self, problem, "Install it: pip install torch", extra="torch")


def need_torch(purpose: str) -> None:
    """Raises MissingTorchError where torch is not installed."""
    if find_spec("torch") is None:
        raise MissingTorchError(purpose)


class PluginError(LaminaError, ImportError):
    """A kind that another package adds cannot be used."""


class LaminaWarning(UserWarning):
    """Something that was treated in a defined way and counted, or a part that is left out."""


class DataError(LaminaError, ValueError):
    """The raw data cannot be used as it is."""


class SourceError(DataError):
    """A file or folder cannot be read."""


class TableError(DataError):
    """A table has the wrong shape."""


class ColumnError(DataError):
    """A column is missing, or holds what it should not."""


class TargetError(DataError):
    """The column to predict cannot be learnt from."""


class OutputError(LaminaError):
    """A file cannot be written where it should stand."""


class ExportError(LaminaError, RuntimeError):
    """A network cannot be written as an ONNX graph, or its graph answers otherwise."""


class TrainingError(LaminaError, RuntimeError):
    """Training cannot start or go on."""


class ModelFileError(LaminaError, ValueError):
    """A model file is refused."""


class StoreError(LaminaError):
    """A store cannot be used."""


class BusyError(StoreError):
    """Somebody else is changing the store; it can still be read."""


def nearest(name: str, names: Iterable[str]) -> str:
    """The half sentence that helps with a mistyped name: the nearest match, and what exists.

    >>> nearest("chruned", ["age", "churned"])
    "Did you mean 'churned'? There are: 'age', 'churned'."
    """
    names = [str(each) for each in names]
    folded = {each.lower(): each for each in names}
    close = get_close_matches(name.lower(), list(folded), n=1, cutoff=0.5)
    shown = ", ".join(repr(each) for each in names[:12]) + (
        f" and {len(names) - 12} more" if len(names) > 12 else ""
    )
    listed = f"There are: {shown}." if names else "There are none."
    return f"Did you mean {folded[close[0]]!r}? {listed}" if close else listed
