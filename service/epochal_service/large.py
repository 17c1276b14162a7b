"""Limits of requests for the process of the event loop, and an exception for larger ones.

Parsers, validators and serializers hold Python's interpreter lock until they have finished. In a
thread they delay the event loop as much as on it, so that a large request is answered by another
process, see `second_process.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from traceback import clear_frames

LARGE_BYTES = 2**18
"""The size that takes up to about 10 ms to parse and validate."""
FILE_BYTES = 2**20
"""The size of a file that is read beside the event loop. Its rows take several times as much."""
NUMBER_BYTES = 20
"""A float64 in JSON."""
POINT_BYTES = NUMBER_BYTES + 8
"""A point of a curve in JSON: its epoch and its value."""
COUNT_BYTES = 4
"""A count of a histogram in JSON."""

_limited = ContextVar("limited", default=False)


class LargeRequest(Exception):
    """The request must be answered in the process for large requests. Nothing has changed yet."""


@contextmanager
def limited(active: bool) -> Iterator[None]:
    """Let `require_small` raise while the block lasts, if active."""
    token = _limited.set(active)
    try:
        yield
    finally:
        _limited.reset(token)


@contextmanager
def large_left_out() -> Iterator[None]:
    """End the block at a `LargeRequest`, and forget what it had read.

    The frames of an exception refer to each other, and would keep it until the next garbage
    collection.
    """
    try:
        yield
    except LargeRequest as error:
        clear_frames(error.__traceback__)


def is_limited() -> bool:
    """Return whether `require_small` may raise here."""
    return _limited.get()


def require_small(size: int, most: int = LARGE_BYTES) -> None:
    """Raise `LargeRequest` if this is too much to be read or written beside the event loop, and the
    request is answered there. Call it before anything has changed. By default it is JSON.
    """
    if size > most and _limited.get():
        raise LargeRequest
