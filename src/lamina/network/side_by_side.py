"""Batches computed side by side, each by one thread: small products are not worth being shared out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, islice
from typing import Final, TypeVar

import torch
from torch import Tensor

AHEAD: Final = 4  # batches a thread that wait, so that none is idle; more would only take memory

T = TypeVar("T")


def side_by_side(
    compute: Callable[[dict[str, Tensor]], T], batches: Iterable[dict[str, Tensor]]
) -> Iterator[T]:
    """``compute`` of every batch, in their order: one thread a batch, as many threads as torch has.

    In a batch of 2,048 rows the threads of one product wait for each other longer than they compute. One
    batch alone, and batches on a GPU, are computed here."""
    rest, threads = iter(batches), torch.get_num_threads()
    first = list(islice(rest, 2))
    on_cpu = all(each.device.type == "cpu" for batch in first for each in batch.values())
    if len(first) < 2 or threads < 2 or not on_cpu:
        yield from map(compute, chain(first, rest))
        return
    with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        try:
            waiting = chain(first, rest)
            while some := list(islice(waiting, AHEAD * threads)):
                yield from pool.map(compute, some)
        finally:
            torch.set_num_threads(threads)  # what the threads set for themselves counts for new ones, too
