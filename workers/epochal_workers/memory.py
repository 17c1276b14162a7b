"""Limit the memory of this process while it trains a job.

The limit is above the price of the job. A job that needs more gets a MemoryError and fails alone;
without a limit, the kernel would kill some process of the machine.
"""

from __future__ import annotations

import errno
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from epochal_service.jobs.lifecycle import Ending
from epochal_service.specs.limits import in_bytes

MARGIN = 1.5
"""A job may use this multiple of its price, and `MARGIN_BYTES` more: memory is not always used that
is allocated, and NumPy, SQLite and BLAS keep some of what they had."""
MARGIN_BYTES = 256_000_000


def allowed_bytes(price: int) -> int:
    """Return the bytes that a job of this price may allocate."""
    return int(MARGIN * price) + MARGIN_BYTES


@contextmanager
def limited(price: int | None) -> Iterator[None]:
    """Limit what this process allocates until the block ends. Linux only; None: no limit.

    The limit holds for the process: where blocks overlap in several threads, the first that ends
    lifts it.
    """
    if price is None or sys.platform != "linux":
        yield
        return
    import resource

    former, hard = _limits_at_first()
    # The data segment, unlike the address space, has no mapped files and no shared memory.
    limit = _data_bytes() + allowed_bytes(price)
    if hard != resource.RLIM_INFINITY:
        limit = min(limit, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (former, hard))


@cache
def _limits_at_first() -> tuple[int, int]:
    """Return the limits that the process had when it was first limited. A limit that another block
    has set must not be restored after that block has ended.
    """
    import resource

    return resource.getrlimit(resource.RLIMIT_DATA)


def _data_bytes() -> int:
    """Return the bytes that this process has allocated, used or not."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmData:"):
            return int(line.split()[1]) * 1024
    return 0


def out_of_memory(price: int | None, cause: str) -> Ending:
    """Return the end of a job for which memory was missing; another attempt would need as much."""
    detail = cause
    if price is not None:
        detail += (
            f": the job needs more than the estimated {in_bytes(price)}, and may allocate "
            f"{in_bytes(allowed_bytes(price))}. Use a smaller batch_size or network"
        )
    return Ending("failed", "out_of_memory", detail=detail)


def is_exhausted(error: Exception) -> bool:
    """Return whether the error means that memory could not be allocated."""
    return isinstance(error, MemoryError) or (
        isinstance(error, OSError) and error.errno == errno.ENOMEM
    )
