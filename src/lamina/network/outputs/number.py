"""The output layer of one number, in standard units of the training answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from lamina.network.outputs.base import LinearOutput, mae, members_apart, r2, rmse


class Number(LinearOutput):
    """One score per row, squared error."""

    metrics = {"rmse": rmse, "mae": mae, "r2": r2}  # noqa: RUF012
    meaning = "mean"

    def __init__(
        self,
        width: int,
        scores: int,
        members: int,
        *,
        gain: float = 1.0,
        smoothing: float = 0.0,
        spec: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(width, scores, members, gain=gain)
        if scores != 1:
            raise ValueError("a number has one score")

    def losses(self, scores: Tensor, answers: Tensor) -> Tensor:
        return (scores.squeeze(-1) - answers).square()

    def spread(self, scores: Tensor) -> Tensor:
        """The members' standard deviation."""
        return members_apart(scores)

    def decode(self, scores: Tensor) -> Tensor:
        """Standard units ``(batch,)``: the mean of the members."""
        return scores.squeeze(-1).mean(0)
