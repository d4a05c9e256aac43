"""Work done side by side, each piece by one thread: small products are not worth being shared out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, islice
from typing import Final, TypeVar

import torch

AHEAD: Final = 4  # pieces a thread that wait, so that none is idle; more would only take memory

S = TypeVar("S")
T = TypeVar("T")


def side_by_side(compute: Callable[[S], T], pieces: Iterable[S]) -> Iterator[T]:
    """``compute`` of every piece, in their order: one thread a piece, as many as torch has.

    In a batch of some thousand rows the threads of one product wait for each other longer than they compute.
    A piece alone is computed here."""
    rest, threads = iter(pieces), torch.get_num_threads()
    first = list(islice(rest, 2))
    if len(first) < 2 or threads < 2:
        yield from map(compute, chain(first, rest))
        return
    with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        try:
            waiting = chain(first, rest)
            while some := list(islice(waiting, AHEAD * threads)):
                yield from pool.map(compute, some)
        finally:
            torch.set_num_threads(threads)  # what the threads set for themselves counts for new ones, too
