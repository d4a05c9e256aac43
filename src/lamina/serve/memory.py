"""What a server has used once goes back to the machine.

A server lives for months among requests of all sizes, and three libraries keep what they have used for the
next time. oneDNN, by which torch multiplies, keeps the code for every number of rows that ever came, a
thousand of them, and torch's own layer above it once more: hundreds of megabytes. glibc takes large blocks,
after the first one that was freed, from its heaps, where small ones that live on keep them from being given
back, and makes a heap for each of many threads. What polars has freed stays with the process until the
machine lacks it.
"""

from __future__ import annotations

import ctypes
import os
from contextlib import suppress
from typing import Final

KEPT: Final = (
    "16"  # numbers of rows for which a product's code is kept; making it anew takes a fraction of a ms
)
POLARS: Final = "background_thread:true,dirty_decay_ms:500,muzzy_decay_ms:500"  # jemalloc's
ENVIRONMENT: Final = {
    "ONEDNN_PRIMITIVE_CACHE_CAPACITY": KEPT,
    "LRU_CACHE_CAPACITY": KEPT,
    "_RJEM_MALLOC_CONF": POLARS,
}

# mallopt(3): from which size on a block is the system's, what is kept at the end of a heap, how many heaps
MMAP_THRESHOLD, TRIM_THRESHOLD, ARENA_MAX = -3, -1, -8
GLIBC: Final = ((MMAP_THRESHOLD, 4 * 2**20), (TRIM_THRESHOLD, 16 * 2**20), (ARENA_MAX, 2))


def keep_flat() -> None:
    """Sets all of that for this process, before torch and polars are loaded. What the environment says
    already is left alone, and another C library, too."""
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    with suppress(OSError, AttributeError, TypeError):
        mallopt = ctypes.CDLL(None).mallopt
        for option, size in GLIBC:
            mallopt(option, size)
