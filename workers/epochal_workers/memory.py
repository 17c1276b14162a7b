"""Limit the memory of this process while it trains a job.

The limit is above the price of the job. A job that needs more gets a MemoryError and fails alone;
without a limit, the kernel would kill some process of the machine. Where a process holds several
jobs, each has a limit for what it allocates in its slices.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from epochal_service.jobs.lifecycle import Ending
from epochal_service.specs.limits import in_bytes

MARGIN = 1.5
"""A job may use this multiple of its price, and `MARGIN_BYTES` more: memory is not always used that
is allocated, and NumPy, SQLite and BLAS keep some of what they had."""
MARGIN_BYTES = 256_000_000

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


def allowed_bytes(price: int) -> int:
    """Return the bytes that a job of this price may allocate."""
    return int(MARGIN * price) + MARGIN_BYTES


class MemoryLimit:
    """The bytes that a job of a price may allocate. Linux only; None: no limit."""

    def __init__(self, price: int | None) -> None:
        is_limited = price is not None and sys.platform == "linux"
        self._left = allowed_bytes(price) if is_limited and price is not None else None

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Limit what this process allocates until the block ends, which counts as the job's.

        The limit holds for the process: where blocks overlap in several threads, the first that
        ends lifts it.
        """
        if self._left is None:
            yield
            return
        import resource

        former, hard = _limits_at_first()
        # The data segment, unlike the address space, has no mapped files and no shared memory.
        before = _data_bytes()
        limit = max(0, before + self._left)
        if hard != resource.RLIM_INFINITY:
            limit = min(limit, hard)
        resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_DATA, (former, hard))
            self._left -= _data_bytes() - before


@cache
def _limits_at_first() -> tuple[int, int]:
    """Return the limits that the process had when it was first limited. A limit that another block
    has set must not be restored after that block has ended.
    """
    import resource

    return resource.getrlimit(resource.RLIMIT_DATA)


def _data_bytes() -> int:
    """Return the bytes that this process has allocated, used or not."""
    # The sixth number of this file is the data segment with the stack, in pages.
    with open("/proc/self/statm", "rb", buffering=0) as file:
        return int(file.read().split()[5]) * _PAGE_BYTES


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
