"""What a server has used once goes back to the machine.

Left to itself, glibc keeps a heap for each of many threads, and after the first large block that was freed it
takes such blocks from those heaps, where small ones that live on keep them from being given back; what polars
has freed stays with the process until the machine lacks it. A server that lives for months among requests of
all sizes would look as if it leaked.
"""

from __future__ import annotations

import ctypes
import os
from contextlib import suppress
from typing import Final

# mallopt(3): from which size on a block is the system's, what is kept at the end of a heap, how many heaps
MMAP_THRESHOLD, TRIM_THRESHOLD, ARENA_MAX = -3, -1, -8
SETTINGS: Final = ((MMAP_THRESHOLD, 256 * 1024), (TRIM_THRESHOLD, 1024 * 1024), (ARENA_MAX, 2))
POLARS: Final = "background_thread:true,dirty_decay_ms:500,muzzy_decay_ms:500"  # jemalloc's


def keep_flat() -> None:
    """Sets both, for this process. To be called before polars is loaded; does nothing where the C library is
    another one, and leaves alone what the environment says."""
    os.environ.setdefault("_RJEM_MALLOC_CONF", POLARS)
    with suppress(OSError, AttributeError, TypeError):
        mallopt = ctypes.CDLL(None).mallopt
        for name, value in SETTINGS:
            mallopt(name, value)
