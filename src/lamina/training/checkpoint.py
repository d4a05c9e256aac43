"""The state of a running training in one file: weights, optimizer, random numbers, best so far.

Plain tensors and JSON in the safetensors format, written beside the old file and moved over it: a crash
leaves the last complete state.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import msgspec
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from lamina.errors import TrainingError
from lamina.records import Epoch


class Progress(msgspec.Struct, kw_only=True):
    """What a checkpoint says besides tensors."""

    fingerprint: str
    phase: str
    epochs: list[Epoch]
    best_epoch: int
    best_score: float | None
    seconds: float
    average_steps: int = 0
    scored: int = 0
    now: dict[str, Any] = {}
    best: dict[str, Any] | None = None


class Checkpoint:
    """One file that holds the state after the last finished epoch of one training.

    ``fingerprint`` identifies data and settings: a checkpoint of another training is refused.
    """

    def __init__(self, path: str | Path, fingerprint: str) -> None:
        self.path = Path(path)
        self.fingerprint = fingerprint

    def save(self, progress: Progress, tensors: dict[str, Tensor]) -> None:
        """Writes atomically; ``tensors`` by dotted name."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        waiting = self.path.with_name(f"{self.path.name}.{os.getpid()}.tmp")
        plain = {name: each.detach().cpu().contiguous() for name, each in tensors.items()}
        try:
            text = msgspec.json.encode(progress).decode()
            save_file(plain, waiting, metadata={"progress": text})
            os.replace(waiting, self.path)
        finally:
            waiting.unlink(missing_ok=True)

    def load(self, phase: str) -> tuple[Progress, dict[str, Tensor]] | None:
        """The state saved in this phase of the same training; ``None`` where there is none."""
        if not self.path.exists():
            return None
        try:
            with safe_open(self.path, framework="pt") as file:
                text = (file.metadata() or {}).get("progress", "")
                progress = msgspec.json.decode(text, type=Progress)
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        except (SafetensorError, msgspec.DecodeError, OSError) as error:
            raise TrainingError(
                f"The checkpoint {self.path} cannot be read: {error}",
                "Delete it to start this training from the beginning.",
                path=str(self.path),
            ) from error
        if progress.fingerprint != self.fingerprint:
            raise TrainingError(
                f"The checkpoint {self.path} belongs to another training: "
                "its data or settings differ from these.",
                "Delete it, or name another checkpoint file.",
                path=str(self.path),
            )
        return (progress, tensors) if progress.phase == phase else None

    def of_team(self, number: int) -> Checkpoint:
        """The file of the team that is trained after so many others."""
        path = self.path.with_name(f"{self.path.name}.{number}") if number else self.path
        return Checkpoint(path, self.fingerprint)

    def clear(self, teams: int = 1) -> None:
        """Removes the files of so many teams: the training is complete."""
        for number in range(teams):
            self.of_team(number).path.unlink(missing_ok=True)


def flatten(prefix: str, tree: Any, into: dict[str, Tensor]) -> Any:
    """Moves the tensors of a nested state into ``into``; returns the JSON that is left.

    A tensor becomes ``{"tensor": name}``; ``unflatten`` puts it back.
    """
    if isinstance(tree, Tensor):
        into[prefix] = tree
        return {"tensor": prefix}
    if isinstance(tree, dict):
        return {str(k): flatten(f"{prefix}.{k}", v, into) for k, v in tree.items()}
    if isinstance(tree, list | tuple):
        return [flatten(f"{prefix}.{i}", v, into) for i, v in enumerate(tree)]
    return tree


def unflatten(tree: Any, tensors: dict[str, Tensor]) -> Any:
    """The nested state that ``flatten`` took apart; digits become integer keys again."""
    if isinstance(tree, dict):
        if tree.keys() == {"tensor"}:
            return tensors[tree["tensor"]]
        return {int(k) if k.isdigit() else k: unflatten(v, tensors) for k, v in tree.items()}
    if isinstance(tree, list):
        return [unflatten(each, tensors) for each in tree]
    return tree
