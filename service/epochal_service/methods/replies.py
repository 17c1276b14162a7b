"""Replies that are computed once, until their subject changes.

    request ── bytes ──> cached reply ── version of the job in the database ──> the same: reply
                                                                    └── newer: the method is called

Every request reads the version, the key of the caller and its access, so that a reply is never
older than an event that its reader has seen, and is not sent to anybody who may not read the job,
whichever process has changed it. Requests that come together read them together. If several need
the same new reply, one computes it and the others wait.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Hashable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import Forbidden, QuotaExceeded, Unauthenticated, Unavailable
from ..store import Database, api_keys, jobs
from ..store.api_keys import Stored
from ..store.jobs import Version
from ..streams.batches import Batches

if TYPE_CHECKING:
    from .context import Context
    from .method import Method

MAX_BYTES = 32 * 2**20
"""Bytes of the contents that a process keeps."""
# Six times as fast as the default level of zlib, for a curve that is 6 % larger.
GZIP_LEVEL = 1


class Content:
    """The bytes of a reply."""

    def __init__(self, plain: bytes) -> None:
        self.plain = plain
        self.is_replay = False
        """Whether it is about what the same idempotency key created before."""

    @cached_property
    def tag(self) -> str:
        """The digest in quotes, as in an ETag."""
        return f'"{hashlib.sha256(self.plain).hexdigest()[:32]}"'

    @cached_property
    def compressed(self) -> bytes:
        """The bytes in the format of gzip."""
        return gzip.compress(self.plain, GZIP_LEVEL, mtime=0)

    @property
    def size(self) -> int:
        """The bytes in memory."""
        return len(self.plain) + len(self.__dict__.get("compressed", b""))


@dataclass(frozen=True)
class CachedReply:
    """A reply of a method with a `basis`."""

    method: Method
    content: Content
    job_id: str | None
    """The job or sweep that it is about; None if it depends on nothing but the request."""
    version: Version | None
    """The version of the job before the reply was computed; None without a job."""

    def is_current(self, version: Version | None) -> bool:
        """Return whether the job has not changed since, if this is its version now."""
        if version is None or self.version is None:
            return version is self.version
        return self.version.owner == version.owner and self.version >= version


class Lookup(NamedTuple):
    """The keys of a request's lookup: an API key, a job, or both."""

    key_id: str | None
    job_id: str | None


class Standing(NamedTuple):
    """The result of a lookup; None for a key or a job that is missing, or no longer valid."""

    key: Stored | None
    version: Version | None


class ReplyCache:
    """Contents of at most `max_bytes`; the least recently used ones make room."""

    def __init__(self, database: Database, max_bytes: int = MAX_BYTES) -> None:
        self._database = database
        self._max_bytes = max_bytes
        self._bytes = 0
        self._replies: OrderedDict[Hashable, CachedReply] = OrderedDict()
        self._lock = Lock()
        self._lookups = Batches(self._look_up)
        self._computing: dict[Hashable, asyncio.Event] = {}

    def version(self, job_id: str) -> Version | None:
        """Return the version of the job; None if it is not there. Call it before the method."""
        with self._database.read() as connection:
            return jobs.versions(connection, [job_id]).get(job_id)

    def find(self, key: Hashable) -> Content | None:
        """Return the reply to an admitted request that depends on nothing else. Thread-safe."""
        reply = self._get(key)
        return reply.content if reply is not None and reply.job_id is None else None

    def put(self, key: Hashable, reply: CachedReply) -> None:
        """Keep the reply, unless it alone would push many others out. Thread-safe."""
        if reply.content.size > self._max_bytes // 8:
            return
        with self._lock:
            if former := self._replies.pop(key, None):
                self._bytes -= former.content.size
            self._replies[key] = reply
            self._bytes += reply.content.size
            while self._bytes > self._max_bytes:
                _, oldest = self._replies.popitem(last=False)
                self._bytes -= oldest.content.size

    @asynccontextmanager
    async def turn(
        self,
        key: Hashable,
        context: Context,
        authorization: str | None,
        origin: str | None = None,
    ) -> AsyncIterator[tuple[Context, CachedReply] | None]:
        """Yield a current reply and the context of the caller, who has been admitted
        and counted; None if the method must be called, or refuses the request.

        Other requests with the key wait until the block of the request that replaces a reply ends.
        """
        reply = self._get(key) or self._get(_without_webhooks(key))
        lookup = None
        if reply is not None:
            lookup = await self._admit(reply, context, authorization, origin)
        if reply is None or lookup is None:
            yield None
            return
        caller, version = lookup
        if reply.job_id is not None:
            key = _for_caller(key, caller)
            reply = self._get(key)
        while not (reply and reply.is_current(version)) and (computing := self._computing.get(key)):
            await computing.wait()
            reply = self._get(key) or reply
        if reply and reply.is_current(version):
            yield (caller, reply) if _count(caller) else None
            return
        done = self._computing[key] = asyncio.Event()
        try:
            yield None
        finally:
            del self._computing[key]
            done.set()

    async def _admit(
        self,
        reply: CachedReply,
        context: Context,
        authorization: str | None,
        origin: str | None,
    ) -> tuple[Context, Version | None] | None:
        """Return the context of a caller who may have the reply, and the version of its job; None
        for another caller, or without a job.
        """
        standing = Standing(None, None)
        try:
            presented = context.presented_key(authorization, origin)
            lookup = Lookup(presented and presented.id, reply.job_id)
            if lookup != (None, None):
                standing = await self._lookups.get(lookup)
            if presented is not None:
                context = context.of_caller(presented.check(standing.key, reply.method.need))
        except (Forbidden, Unauthenticated, Unavailable):
            return None  # the method raises the same
        version = standing.version
        if version is not None and reply.job_id is not None:
            may_read = context.access.may_read(reply.job_id, version.owner)
        else:
            may_read = reply.job_id is None
        return (context, version) if may_read else None

    async def close(self) -> None:
        """Wait until no thread reads."""
        await self._lookups.close()

    def _get(self, key: Hashable) -> CachedReply | None:
        with self._lock:
            reply = self._replies.get(key)
            if reply is not None:
                self._replies.move_to_end(key)
            return reply

    def _look_up(self, lookups: set[Lookup]) -> Mapping[Lookup, Standing]:
        key_ids = {lookup.key_id for lookup in lookups if lookup.key_id is not None}
        job_ids = {lookup.job_id for lookup in lookups if lookup.job_id is not None}
        with self._database.read() as connection:
            valid = api_keys.find_all_valid(connection, key_ids) if key_ids else {}
            versions = jobs.versions(connection, job_ids) if job_ids else {}
        return {
            lookup: Standing(valid.get(lookup.key_id or ""), versions.get(lookup.job_id or ""))
            for lookup in lookups
        }


def call_and_keep(
    method: Method,
    context: Context,
    key: Hashable,
    arguments: Sequence[Any],
    make: Callable[[Any], Content],
) -> Content:
    """Call the method, which has a `basis`, and keep the content that `make` builds from its reply.

    `key` are the bytes of the request. A reply of a pure method that was computed while the request
    waited for its turn is taken. Raises what the method raises.
    """
    cache = context.replies
    if cache is not None and method.is_pure and (content := cache.find(key)):
        return content
    job_id = arguments[0] if method.basis == "job" else None
    # Read before the reply: one that is newer than its version is computed once too often, one that
    # is older would be sent.
    version = None if cache is None or job_id is None else cache.version(job_id)
    content = make(method.call(context, *arguments))
    if cache is not None:
        key = key if job_id is None else _for_caller(key, context)
        cache.put(key, CachedReply(method, content, job_id, version))
    return content


def of_body(path: str, body: bytes) -> Hashable:
    """Return the key of a request with a body. A digest, since the cache counts replies alone."""
    return path, hashlib.sha256(body).digest()


def _for_caller(key: Hashable, caller: Context) -> Hashable:
    """Return the key of the reply about a job that the caller may have."""
    return key if caller.access.sees_webhooks else _without_webhooks(key)


def _without_webhooks(key: Hashable) -> Hashable:
    return "without webhooks", key


def _count(caller: Context) -> bool:
    """Count a request of the caller; return False if its quota is used up."""
    try:
        caller.count_request()
    except QuotaExceeded:
        return False
    return True
