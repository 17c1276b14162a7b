"""Replies of reads with their ETags: the service confirms an unchanged one without sending it.

read ── If-None-Match: the ETag of the last reply ──> 304 ──> the last reply
                                                 └── 200 ──> the new reply, which is cached
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")

MAX_BYTES = 16 * 2**20


class TaggedReply(NamedTuple, Generic[T]):
    """A reply as it came."""

    etag: str
    reply: T
    size: int
    """Its bytes."""


class ReplyCache(Generic[T]):
    """Replies of at most `max_bytes`; the least recently used ones make room. Thread-safe."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._replies: OrderedDict[Hashable, TaggedReply[T]] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Hashable) -> TaggedReply[T] | None:
        """Return the last reply to the request; None without one."""
        with self._lock:
            if key in self._replies:
                self._replies.move_to_end(key)
            return self._replies.get(key)

    def put(self, key: Hashable, reply: TaggedReply[T]) -> None:
        """Keep the reply in place of the former one, unless it would push many others out."""
        with self._lock:
            former = self._replies.pop(key, None)
            self._bytes -= former.size if former else 0
            if reply.size > self._max_bytes // 8:
                return
            self._replies[key] = reply
            self._bytes += reply.size
            while self._bytes > self._max_bytes:
                _, oldest = self._replies.popitem(last=False)
                self._bytes -= oldest.size
