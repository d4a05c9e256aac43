"""What a network answers, in full precision, a bounded number of rows at a time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from lamina.network.network import Network
from lamina.training.examples import Examples, writable
from lamina.training.validation import rows_at_once


class Answered(NamedTuple):
    """Decoded answers ``(rows, …)``, as the network gives them, and how far its members are apart, in the
    units of the scores, one column per target ``(rows, target)``; both float32."""

    decoded: np.ndarray
    spread: np.ndarray

    @classmethod
    def joined(cls, parts: Iterable[Answered]) -> Answered:
        """Rows after rows."""
        decoded, spread = zip(*parts, strict=True)
        return cls(np.concatenate(decoded), np.concatenate(spread))


def answered(network: Network, arrays: Mapping[str, np.ndarray]) -> Answered:
    """The answers for encoded rows."""
    device = next(network.parameters()).device
    rows = len(next(iter(arrays.values())))
    if rows == 1:
        one = {name: torch.from_numpy(writable(each)).to(device) for name, each in arrays.items()}
        return _answered(network, [one])
    at_once = rows_at_once(arrays)
    return _answered(
        network,
        (
            {
                name: torch.from_numpy(writable(each[start : start + at_once])).to(device)
                for name, each in arrays.items()
            }
            for start in range(0, max(rows, 1), at_once)
        ),
    )


def answered_examples(network: Network, examples: Examples, rows: Tensor) -> Answered:
    """The answers for these rows of what training reads."""
    parts = rows.split(rows_at_once(examples.arrays))
    with torch.autocast(examples.answers.device.type, enabled=False):
        return _answered(network, (examples.take(each).arrays for each in parts))


@torch.inference_mode()
def _answered(network: Network, batches: Iterable[dict[str, Tensor]]) -> Answered:
    if network.training:
        network.eval()
    parts = []
    for batch in batches:
        scores = network.scores(batch)
        spread = network.output.spread(scores)
        parts.append(Answered(network.output.answer(scores).cpu().numpy(), spread.cpu().numpy()))
    return Answered.joined(parts)
