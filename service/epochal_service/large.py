"""What is too large for the process of the event loop, and an exception that says so.

Parsers, validators and serializers hold Python's interpreter lock until they have finished. In a
thread they delay the event loop as much as on it, so that a large request is answered by another
process, see `second_process.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

LARGE_BYTES = 2**18
"""What takes up to about 10 ms to parse and validate."""

_limited = ContextVar("limited", default=False)


class LargeRequest(Exception):
    """The request must be answered in the process for large requests. Nothing has changed yet."""


@contextmanager
def limited(active: bool) -> Iterator[None]:
    """Let `check_size` raise while the block lasts, if active."""
    token = _limited.set(active)
    try:
        yield
    finally:
        _limited.reset(token)


def check_size(size: int) -> None:
    """Raise `LargeRequest` for this number of bytes, if they are to be parsed beside the event loop
    and are too many for it. Call it before anything has changed.
    """
    if size > LARGE_BYTES and _limited.get():
        raise LargeRequest
