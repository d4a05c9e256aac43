"""What a network answers, in full precision, a bounded number of rows at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from lamina.network.network import Network
from lamina.training.examples import Examples, writable
from lamina.training.validation import rows_at_once

# Decoded answers ``(rows, …)`` and, layer by layer, what was seen in each row ``(rows, values)`` → a number
# per row, float32 ``(rows,)``
Judge = Callable[[np.ndarray, Sequence[np.ndarray]], np.ndarray]


class Answered(NamedTuple):
    """Decoded answers ``(rows, …)``, as the network gives them, and how far its members are apart, in the
    units of the scores, one column per target ``(rows, target)``; both float32. ``novelty`` ``(rows,)`` is
    what a judge says of every row, where one was asked."""

    decoded: np.ndarray
    spread: np.ndarray
    novelty: np.ndarray | None = None

    @classmethod
    def joined(cls, parts: Iterable[Answered]) -> Answered:
        """Rows after rows."""
        decoded, spread, novelty = zip(*parts, strict=True)
        told = None if novelty[0] is None else np.concatenate(novelty)
        return cls(np.concatenate(decoded), np.concatenate(spread), told)


def answered(network: Network, arrays: Mapping[str, np.ndarray], judge: Judge | None = None) -> Answered:
    """The answers for encoded rows, and what ``judge`` says of what was seen in them."""
    return _answered(network, _batches(network, arrays), judge)


@torch.inference_mode()
def seen_by(network: Network, arrays: Mapping[str, np.ndarray]) -> tuple[np.ndarray, list[np.ndarray]]:
    """Decoded answers for encoded rows, and layer by layer what the network sees in them, float32
    ``(rows, values)`` each."""
    network.eval()
    decoded, parts = [], []
    for batch in _batches(network, arrays):
        scores, seen = network.told(batch)
        decoded.append(network.output.answer(scores).cpu().numpy())
        parts.append(seen)
    layers = [torch.cat(layer).float().cpu().numpy() for layer in zip(*parts, strict=True)]
    return np.concatenate(decoded), layers


def _batches(network: Network, arrays: Mapping[str, np.ndarray]) -> Iterator[dict[str, Tensor]]:
    device = next(network.parameters()).device
    rows, at_once = len(next(iter(arrays.values()))), rows_at_once(arrays)
    for start in range(0, max(rows, 1), at_once):
        yield {
            name: torch.from_numpy(writable(each[start : start + at_once])).to(device)
            for name, each in arrays.items()
        }


def answered_examples(network: Network, examples: Examples, rows: Tensor) -> Answered:
    """The answers for these rows of what training reads."""
    parts = rows.split(rows_at_once(examples.arrays))
    with torch.autocast(examples.answers.device.type, enabled=False):
        return _answered(network, (examples.take(each).arrays for each in parts))


@torch.inference_mode()
def _answered(network: Network, batches: Iterable[dict[str, Tensor]], judge: Judge | None = None) -> Answered:
    network.eval()
    parts = []
    for batch in batches:
        scores, seen = network.told(batch)
        decoded, spread = network.output.answer(scores).cpu().numpy(), network.output.spread(scores)
        novelty = None if judge is None else judge(decoded, [each.float().cpu().numpy() for each in seen])
        parts.append(Answered(decoded, spread.cpu().numpy(), novelty))
    return Answered.joined(parts)
