"""Rows as tensors, resident in memory: what the training loop takes its batches from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lamina.network.answered import writable


@dataclass(frozen=True)
class Examples:
    """Encoded rows: arrays by block, answers, and an optional weight per row.

    Every tensor's first axis is the row. Nothing is copied when made from contiguous numpy arrays.
    """

    arrays: dict[str, Tensor]
    answers: Tensor
    weights: Tensor | None = None

    @classmethod
    def of(
        cls,
        arrays: Mapping[str, np.ndarray],
        answers: np.ndarray,
        weights: np.ndarray | None = None,
    ) -> Examples:
        return cls(
            {name: torch.from_numpy(writable(each)) for name, each in arrays.items()},
            torch.from_numpy(np.array(answers)),
            None if weights is None else torch.from_numpy(weights.astype(np.float32)),
        )

    def __len__(self) -> int:
        return len(self.answers)

    def take(self, rows: Tensor) -> Examples:
        """These rows, in this order."""
        return Examples(
            {name: each.index_select(0, rows) for name, each in self.arrays.items()},
            self.answers.index_select(0, rows),
            None if self.weights is None else self.weights.index_select(0, rows),
        )

    def to(self, device: torch.device) -> Examples:
        return Examples(
            {name: each.to(device) for name, each in self.arrays.items()},
            self.answers.to(device),
            None if self.weights is None else self.weights.to(device),
        )
