"""The last encoded rows of a stream, a fixed number of them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from lamina.features.base import Arrays


class Ring:
    """Arrays and answers of the last ``room`` rows; older ones are written over."""

    def __init__(self, room: int) -> None:
        self.room, self.count, self._next = room, 0, 0
        self._arrays: Arrays = {}
        self._answers = np.zeros(0)

    def __len__(self) -> int:
        return self.count

    def add(self, arrays: Mapping[str, np.ndarray], answers: np.ndarray) -> None:
        """Rows in the order in which they came, not more than there is room for."""
        if not self._arrays:
            self._arrays = {name: _room(each, self.room) for name, each in arrays.items()}
            self._answers = _room(answers, self.room)
        places = (self._next + np.arange(len(answers))) % self.room
        for name, each in arrays.items():
            self._arrays[name][places] = each
        self._answers[places] = answers
        self._next = (self._next + len(answers)) % self.room
        self.count = min(self.room, self.count + len(answers))

    def draw(self, rows: int, rng: np.random.Generator) -> tuple[Arrays, np.ndarray]:
        """Rows drawn evenly, with replacement."""
        places = (self._next - 1 - rng.integers(0, self.count, rows)) % self.room
        return {name: each[places] for name, each in self._arrays.items()}, self._answers[places]

    def forget(self, keep: int) -> None:
        """All but the last ``keep`` rows."""
        self.count = min(self.count, keep)

    def restart(self) -> None:
        """Empties it, for arrays of another form."""
        self.count, self._next, self._arrays = 0, 0, {}


def _room(like: np.ndarray, rows: int) -> np.ndarray:
    return np.zeros((rows, *like.shape[1:]), like.dtype)
