"""What a network answers in torch, in full precision, a bounded number of rows at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache, partial
from typing import Final

import numpy as np
import torch
from torch import Tensor

from lamina.network.engine import Answered, Judge, rows_at_once
from lamina.network.network import Network
from lamina.network.side_by_side import side_by_side

HELD: Final = 31 * 2**20  # bytes; glibc learns from nothing beyond 32 MiB
MOST_ACTIVATIONS: Final = 2**22  # of one layer, answered at once: so many bytes times four are held


def answered(network: Network, arrays: Mapping[str, np.ndarray], judge: Judge | None = None) -> Answered:
    """The answers for encoded rows, and what ``judge`` says of what was seen in them."""
    return answered_batches(network, _batches(network, arrays), judge)


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
    rows = len(next(iter(arrays.values())))
    at_once = 1 if rows == 1 else min(rows_at_once(arrays), max(16, MOST_ACTIVATIONS // network.widest))
    for start in range(0, max(rows, 1), at_once):
        yield {
            name: torch.from_numpy(writable(each[start : start + at_once])).to(device)
            for name, each in arrays.items()
        }


def answered_batches(
    network: Network, batches: Iterable[dict[str, Tensor]], judge: Judge | None = None
) -> Answered:
    """The same for rows that are tensors already, batch after batch."""
    if network.training:
        network.eval()
    one = partial(_answered, network, judge)
    if next(network.parameters()).device.type == "cpu":
        _hold_memory()
        return Answered.joined(side_by_side(one, batches))
    # GPUs round the factors of convolutions to ten bits unless told not to
    with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
        return Answered.joined(map(one, batches))


@cache
def _hold_memory() -> None:
    """Batches come and go by megabytes, which glibc would give back to the system and ask for again, page by
    page, longer than they are computed. From a large block that is freed it learns to keep twice as much."""
    torch.empty(HELD, dtype=torch.uint8)


@torch.inference_mode()
def _answered(network: Network, judge: Judge | None, batch: dict[str, Tensor]) -> Answered:
    scores, seen = network.told(batch)
    decoded, spread = network.output.answer(scores).cpu().numpy(), network.output.spread(scores)
    if judge is None:
        return Answered(decoded, spread.cpu().numpy())
    on_gpu = scores.device.type != "cpu"
    told = [each.float() if on_gpu else each.float().numpy() for each in seen]
    return Answered(decoded, spread.cpu().numpy(), judge(decoded, told))


def writable(array: np.ndarray) -> np.ndarray:
    """The array itself where torch may have it, else a contiguous copy: frames lend theirs read-only."""
    if array.flags.writeable and array.flags.c_contiguous:
        return array
    return np.array(array, order="C")
