"""What a peer is: a name, what it needs, and one function that learns from training rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl


@dataclass(frozen=True)
class Question:
    """What is asked of a set. ``classes`` in the order of the columns of an answer, None for a number.

    ``spared``: columns that an engineer leaves out by hand (numbers of rows, leaks). Lamina gets them.
    """

    target: str
    score: str
    classes: tuple[str, ...] | None
    spared: tuple[str, ...] = ()
    settings: dict[str, Any] = field(default_factory=dict)

    def answers(self, rows: pl.DataFrame) -> np.ndarray:
        """Class numbers, or floats, ``(rows,)``."""
        column = rows[self.target]
        if self.classes is None:
            return column.cast(pl.Float64).to_numpy()
        places = {name: place for place, name in enumerate(self.classes)}
        return np.array([places[name] for name in column.cast(pl.String)], dtype=np.int64)


@dataclass(frozen=True)
class Conditions:
    """Same for everybody: seed, threads, a scratch folder, seconds allowed (None: as many as wanted)."""

    seed: int
    threads: int
    scratch: Path
    time_limit: float | None = None
    device: str = "cpu"


@dataclass(frozen=True)
class Learnt:
    """``predict``: rows without answers → ``(rows, classes)`` or ``(rows,)``; ``save`` writes into a folder.

    ``probabilities`` says whether the columns are such (a support vector machine gives distances).
    ``loaded``: from the folder with what was saved, a function that answers one row; None: ``predict`` does.
    """

    predict: Callable[[pl.DataFrame], np.ndarray]
    save: Callable[[Path], Any]
    probabilities: bool = True
    loaded: Callable[[Path], Callable[[dict[str, Any]], Any]] | None = None
    told: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Peer:
    """One entry of the comparison.

    ``fit(source, question, conditions)`` learns; ``suites`` it takes part in, ``sets`` only these of them;
    ``modules`` are imported before the clock starts, and without one of them the peer is absent;
    ``package`` is the one whose version is told; ``settings`` in words. ``environment`` names a virtual
    environment that the harness makes. ``as_long_as`` another peer: its seconds are the time limit.
    """

    name: str
    suites: tuple[str, ...]
    fit: Callable[[Any, Question, Conditions], Learnt]
    modules: tuple[str, ...]
    package: str
    settings: str
    sets: tuple[str, ...] | None = None
    environment: str | None = None
    as_long_as: str | None = None


def pickled(parts: Any) -> Callable[[Path], Any]:
    """Saves the usual way of scikit-learn."""
    import joblib

    return lambda folder: joblib.dump(parts, folder / "model.joblib")


def spread(found: np.ndarray, known: Any, classes: int) -> np.ndarray:
    """Columns of the classes that a model knows → columns of all, 0 where it knows none."""
    out = np.zeros((len(found), classes))
    out[:, np.asarray(known, dtype=int)] = found
    return out


def held_out(answers: np.ndarray, classes: bool, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Row numbers to learn from, and the 15 % to stop by: every class by its share where that can be."""
    from sklearn.model_selection import train_test_split

    rows = np.arange(len(answers))
    enough = classes and np.bincount(answers)[np.unique(answers)].min() > 1
    enough = enough and len(np.unique(answers)) <= 0.15 * len(rows)
    return train_test_split(rows, test_size=0.15, random_state=seed, stratify=answers if enough else None)
